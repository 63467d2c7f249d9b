"""The recordings' folder → which recordings are there, by their names alone (config/asterisk/extensions.conf.j2)."""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from telephony.records.errors import RecordsUnreadable

# The dialplan's REC: `<call_ref>--<agent>--<unix microseconds>`; the call is a Uniqueid of Asterisk.
_FILE = re.compile(
    r"(?P<recording_id>(?P<call_ref>(?:[A-Za-z0-9_.]{1,80}-)?[0-9]{9,11}\.[0-9]+)--(?P<agent>[A-Za-z0-9_]{1,40})--(?P<micros>[0-9]{15,17}))"
    r"(?P<part>\.wav|-agent\.wav|-citizen\.wav|\.done)"
)
_PARTS = {".wav": "mixed", "-agent.wav": "agent", "-citizen.wav": "citizen"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class RecordingFiles:
    """What lies on disk of one recording; `done` when Asterisk marked it complete."""

    recording_id: str
    call_ref: str
    agent: str
    started_at: datetime
    tracks: frozenset[str] = frozenset()
    done: bool = False
    # Its mark was not made by Asterisk: it was sent from an agent's desk.
    uploaded: bool = False


def recordings_on_disk(folder: Path, since: datetime, until: datetime) -> dict[str, RecordingFiles]:
    """Find the recordings that began in [since, until). A folder that is not there yet is empty.

    Raises `RecordsUnreadable`.
    """
    found: dict[str, RecordingFiles] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                match = _FILE.fullmatch(entry.name)
                if match is None:
                    continue
                started_at = _EPOCH + timedelta(microseconds=int(match["micros"]))
                if not since <= started_at < until:
                    continue
                name = match["recording_id"]
                files = found.setdefault(name, RecordingFiles(name, match["call_ref"], match["agent"], started_at))
                if match["part"] == ".done":
                    # Asterisk's own mark is empty (`touch`).
                    files.done, files.uploaded = True, entry.stat().st_size > 0
                else:
                    files.tracks |= {_PARTS[match["part"]]}
    except FileNotFoundError:
        return found
    except OSError as error:
        raise RecordsUnreadable(
            f"The recordings in {folder} cannot be listed: {error.strerror}; give this user the right to read it"
        ) from error
    return found
