"""All that Asterisk wrote of the calls of a period, read once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from telephony.calls.derive import Rules
from telephony.calls.facts import Source
from telephony.calls.model import Call
from telephony.calls.reducer import Reducer
from telephony.reconciliation.difference import Record
from telephony.records import cdr, cel, queue_log
from telephony.records.cdr import CdrCall, cdr_calls, cdr_legs
from telephony.records.errors import RecordsUnreadable
from telephony.records.queue_log import QueueCall, queue_calls, queue_events
from telephony.records.recordings import RecordingFiles, recordings_on_disk
from telephony.records.tail import TimeOf, first_time

# A call that began in the period is followed for so long behind its end.
LONGEST_CALL = timedelta(hours=4)
# Two records stamp the same beginning a little differently.
EDGE = timedelta(seconds=5)
_LOGS: dict[Record, tuple[Path, TimeOf]] = {
    "cel": (cel.CEL_FILE, cel.row_time),
    "queue_log": (queue_log.QUEUE_LOG_FILE, queue_log.row_time),
    "cdr": (cdr.CDR_FILE, cdr.row_time),
}
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Records:
    """What each record tells, by call_ref (recordings: by recording id).

    `begins`: when a log's oldest row is from, None for one that is not there. `unreadable`: why a record could not be
    read; it tells nothing then, and nothing is held against it.
    """

    cel: Mapping[str, Call] = field(default_factory=dict)
    queue_log: Mapping[str, QueueCall] = field(default_factory=dict)
    cdr: Mapping[str, CdrCall] = field(default_factory=dict)
    recordings: Mapping[str, RecordingFiles] = field(default_factory=dict)
    begins: Mapping[Record, datetime | None] = field(default_factory=dict)
    unreadable: Mapping[Record, str] = field(default_factory=dict)


def read_records(
    log_dir: Path, recordings_dir: Path, since: datetime, until: datetime, rules: Rules | None = None
) -> Records:
    """Read what the records tell of calls offered in [since, until). What cannot be read is told, not raised."""
    unreadable: dict[Record, str] = {}

    def read(record: Record, reader: Callable[[], _Read], nothing: _Read) -> _Read:
        try:
            return reader()
        except RecordsUnreadable as error:
            unreadable[record] = str(error)
            return nothing

    start, end = since - EDGE, until + LONGEST_CALL
    start_us, end_us = _us(start), _us(end)
    begins = {record: read(record, lambda record=record: _begin(log_dir, record), None) for record in _LOGS}  # type: ignore[misc]
    return Records(
        cel=read("cel", lambda: cel_calls(log_dir, start_us, end_us, rules), {}),
        queue_log=read("queue_log", lambda: queue_calls(queue_events(log_dir, start_us, end_us)), {}),
        cdr=read("cdr", lambda: cdr_calls(cdr_legs(log_dir, start_us, end_us)), {}),
        recordings=read("recordings", lambda: recordings_on_disk(recordings_dir, start, end), {}),
        begins=begins,
        unreadable=unreadable,
    )


def cel_calls_between(log_dir: Path, since: datetime, until: datetime, rules: Rules | None = None) -> dict[str, Call]:
    """Give what CEL tells of the calls offered in [since, until), by call_ref. Raises `RecordsUnreadable`."""
    return cel_calls(log_dir, _us(since - EDGE), _us(until + LONGEST_CALL), rules)


def begin_of(log_dir: Path) -> datetime | None:
    """Give when the oldest row of all logs is from, None when there is none. Raises `RecordsUnreadable`."""
    return min((at for record in _LOGS if (at := _begin(log_dir, record))), default=None)


def _begin(log_dir: Path, record: Record) -> datetime | None:
    file, time_of = _LOGS[record]
    at = first_time(log_dir / file, time_of)
    return None if at is None else datetime.fromtimestamp(at / 1_000_000, UTC)


def cel_calls(log_dir: Path, since_us: int, until_us: int | None, rules: Rules | None = None) -> dict[str, Call]:
    """Give the calls that CEL tells from their beginning on, by call_ref; what it tells in part is left out.

    Raises `RecordsUnreadable`.
    """
    reducer = Reducer(rules)
    whole: set[str] = set()
    told: dict[str, Call] = {}
    for message in cel.cel_messages(log_dir, since_us, until_us):
        if message.name == "Newchannel":
            whole.add(message.get("Uniqueid"))
        for call in reducer.apply(message, Source.CEL):
            told[call.call_ref] = call
    return {call_ref: call for call_ref, call in told.items() if call_ref in whole}


def _us(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
