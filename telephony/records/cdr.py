"""Master.csv → the legs of each call as Asterisk's call detail records tell them, in whole seconds, UTC.

Columns as cdr_csv of Asterisk 22 writes them with `loguniqueid` and without `loguserfield`. A record is written when
its leg ends, so a killed Asterisk leaves none of the calls that ended with it.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from telephony.records.tail import lines_since

CDR_FILE = Path("cdr-csv/Master.csv")
# A channel that was ever here is a citizen's (config/asterisk/extensions.conf.j2).
CITIZENS_CONTEXTS = frozenset({"hotline", "citizen"})
_COLUMNS = 17
_TIME = r"([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})"
# From the right: what stands before may be anything that a caller wrote.
_ENDED = re.compile(
    rf'"{_TIME}",[0-9]{{1,9}},[0-9]{{1,9}},"[A-Z ]*","[A-Z]*","[^"]*"\s*$'.encode("ascii"),
)
_MOMENT = re.compile(_TIME)
_DESTINATION = re.compile(r"(?:PJSIP|SIP|IAX2|DAHDI|Local)/(?P<extension>[^@/]+?)(?:@.*)?-[0-9a-f]+(?:;[12])?")


@dataclass(frozen=True, slots=True)
class Leg:
    """One record: a try to connect `channel` with an agent; `agent` is empty when it rang nobody."""

    call_ref: str
    context: str
    channel: str
    agent_channel: str
    agent: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    talk_seconds: int
    answered: bool


@dataclass(frozen=True, slots=True)
class CdrCall:
    """All legs of a citizen's channel, in the order in which they began."""

    call_ref: str
    legs: tuple[Leg, ...]

    @property
    def started_at(self) -> datetime:
        """Give when the first of them began."""
        return min(leg.started_at for leg in self.legs)

    @property
    def ended_at(self) -> datetime:
        """Give when the last of them ended."""
        return max(leg.ended_at for leg in self.legs)

    @property
    def answered(self) -> tuple[Leg, ...]:
        """Give the legs in which an agent answered."""
        return tuple(leg for leg in self.legs if leg.answered and leg.agent)


def cdr_legs(log_dir: Path, since_us: int, until_us: int | None = None) -> Iterator[Leg]:
    """Read the records of legs that ended in a period (microseconds of the epoch), in the file's order.

    A file that is not there is empty, a damaged row is passed over. Raises `RecordsUnreadable`.
    """
    for line in lines_since(log_dir / CDR_FILE, since_us, row_time, until_us):
        leg = parse(line)
        if leg is not None:
            yield leg


def row_time(line: bytes) -> int | None:
    """Give when a row's leg ended, in microseconds of the epoch; None when it is no row."""
    match = _ENDED.search(line)
    ended = _datetime(*(part.decode("ascii") for part in match.groups())) if match else None
    return None if ended is None else int(ended.timestamp()) * 1_000_000


def parse(line: bytes) -> Leg | None:
    """Read a row; None for a damaged one. A caller's name may hold anything: what is read stands behind it."""
    try:
        rows = list(csv.reader([line.decode("utf-8", "replace")], strict=True))
    except csv.Error:
        return None
    if len(rows) != 1 or len(rows[0]) < _COLUMNS:
        return None
    # The last columns: a whole row behind the torn beginning of another has more of them.
    row = rows[0][-_COLUMNS:]
    _, _, _, context, _, channel, other, _, _, start, answer, end, _, billsec, disposition, _, uniqueid = row
    started_at, ended_at = _read(start), _read(end)
    if started_at is None or ended_at is None or not uniqueid or not billsec.isdigit():
        return None
    match = _DESTINATION.fullmatch(other)
    return Leg(
        call_ref=uniqueid,
        context=context,
        channel=channel,
        agent_channel=other,
        agent=match["extension"] if match else "",
        started_at=started_at,
        answered_at=_read(answer),
        ended_at=ended_at,
        talk_seconds=int(billsec),
        answered=disposition == "ANSWERED",
    )


def cdr_calls(legs: Iterable[Leg]) -> dict[str, CdrCall]:
    """Put the legs of each citizen's channel together; what agents dial for themselves is left out."""
    found: dict[str, list[Leg]] = {}
    for leg in legs:
        found.setdefault(leg.call_ref, []).append(leg)
    return {
        call_ref: CdrCall(call_ref, tuple(sorted(each, key=lambda leg: (leg.started_at, leg.ended_at))))
        for call_ref, each in found.items()
        if any(leg.context in CITIZENS_CONTEXTS for leg in each)
    }


def _read(text: str) -> datetime | None:
    match = _MOMENT.fullmatch(text)
    return _datetime(*match.groups()) if match else None


def _datetime(*parts: str) -> datetime | None:
    try:
        return datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
