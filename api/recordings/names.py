"""What a recording's name says: whose call, which agent, when it began."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NAME = re.compile(r"(?P<call_ref>[A-Za-z0-9_.-]{1,150}?)--(?P<agent>[A-Za-z0-9_]{1,40})--(?P<micros>[0-9]{15,17})")
_SUFFIXES = {"mixed": ".wav", "agent": "-agent.wav", "citizen": "-citizen.wav"}
DONE = ".done"
# Where recordings of calls that agents place lie, below the recordings' folder.
OUTWARD = "outward"


@dataclass(frozen=True, slots=True)
class RecordingName:
    """`<call_ref>--<agent>--<microseconds since 1970>`, as the dialplan writes it.

    `outward`: of a call that an agent placed; `call_ref` is its `dial_ref`.
    """

    recording_id: str
    call_ref: str
    agent: str
    started_at: datetime
    outward: bool = False

    def file(self, track: str) -> str:
        """Return the file name of `mixed`, `agent` or `citizen`, relative to the recordings' folder."""
        return (f"{OUTWARD}/" if self.outward else "") + self.recording_id + _SUFFIXES[track]

    def live_file(self, track: str) -> str:
        """Return the name of a track's copy of the running call, relative to the folder of live sound."""
        return f"{self.recording_id}-{track}.sln48"


def parse(recording_id: str, *, outward: bool = False) -> RecordingName | None:
    """Read a recording's name; None for any other text, such as one that leads out of the folder."""
    found = _NAME.fullmatch(recording_id)
    if found is None:
        return None
    started_at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(found["micros"]))
    return RecordingName(recording_id, found["call_ref"], found["agent"], started_at, outward)


def of_file(file_name: str, *, outward: bool = False) -> tuple[RecordingName, bool] | None:
    """Return the recording that a file belongs to and whether the file marks its completion."""
    for suffix in (DONE, _SUFFIXES["agent"], _SUFFIXES["citizen"], _SUFFIXES["mixed"]):
        if file_name.endswith(suffix):
            name = parse(file_name.removesuffix(suffix), outward=outward)
            return (name, suffix == DONE) if name else None
    return None
