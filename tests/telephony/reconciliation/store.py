"""A recorded day: what a router stored of a capture, and the records that the same Asterisk wrote beside it."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from telephony.calls.model import Call
from telephony.reconciliation.compare import Findings, compare
from telephony.reconciliation.records import Records, read_records
from telephony.records.cdr import CDR_FILE
from telephony.records.cel import CEL_FILE
from telephony.records.queue_log import QUEUE_LOG_FILE
from tests.telephony.calls.captures import FOLDER, messages, reduced

# The days on which the captures were made, and the night after them.
SINCE = datetime(2026, 11, 23, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=3)
NIGHT = UNTIL + timedelta(hours=3)
FILES = {"cel": CEL_FILE, "queue_log": QUEUE_LOG_FILE, "cdr": CDR_FILE}
_SUFFIXES = {"cel": "cel.csv", "queue_log": "queue_log", "cdr": "cdr.csv"}


@dataclass(frozen=True, slots=True)
class Site:
    """Asterisk's log and recordings directories of a test."""

    log: Path
    recordings: Path

    def read(self, since: datetime = SINCE, until: datetime = UNTIL) -> Records:
        return read_records(self.log, self.recordings, since, until)

    def findings(self, stored: list[Call], now: datetime = NIGHT) -> Findings:
        return compare(stored, self.read(), SINCE, UNTIL, now)

    def found(self, stored: list[Call], now: datetime = NIGHT) -> list[tuple[str, str]]:
        """What differs, as (record, field)."""
        return [(each.record, each.field) for each in self.findings(stored, now).differences]

    def file(self, record: str) -> Path:
        return self.log / FILES[record]


def stored_calls(name: str) -> list[Call]:
    return list(reduced(messages(name)).values())


def site_of(folder: Path, *names: str) -> Site:
    """Lay the captures' own records in a folder, and a recording for every segment."""
    site = Site(folder / "log", folder / "recordings")
    site.recordings.mkdir()
    for name in names:
        for record, suffix in _SUFFIXES.items():
            site.file(record).parent.mkdir(parents=True, exist_ok=True)
            with (FOLDER / f"{name}.{suffix}").open("rb") as source, site.file(record).open("ab") as target:
                shutil.copyfileobj(source, target)
        for call in stored_calls(name):
            for segment in (each for each in call.segments if each.recording_id):
                for part in (".wav", "-agent.wav", "-citizen.wav", ".done"):
                    (site.recordings / f"{segment.recording_id}{part}").touch()
    return site
