"""queue_log → what app_queue itself says of each caller, in whole seconds.

Rows are `seconds|callid|queue|agent|event|data…` (Asterisk 22, `ast_queue_log` in main/logger.c); `callid` is the
Uniqueid of the caller's channel, which is the CALLREF. Only ENTERQUEUE's data hold what a caller wrote, behind
everything that is read here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from telephony.records.tail import lines_since

QUEUE_LOG_FILE = Path("queue_log")
# How a stay in the queue may end without an agent.
LEAVING_EVENTS = frozenset(
    {"ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY", "WITHDRAW", "LEAVEEMPTY", "LEAVEUNAVAIL", "FULL"}
)
_TALKED = {
    "COMPLETECALLER": "caller",
    "COMPLETEAGENT": "agent",
    "BLINDTRANSFER": "transfer",
    "ATTENDEDTRANSFER": "transfer",
}
EVENTS = frozenset({"ENTERQUEUE", "CONNECT", *LEAVING_EVENTS, *_TALKED})
_TIME = re.compile(rb"([0-9]{9,11})\|")
_MOST_CHARACTERS = 200
# A row that follows a torn one on the same line: it begins where a time, a Uniqueid and a known event stand.
_GLUED = re.compile(
    r"(?<!^)([0-9]{10}\|[^|]*[0-9]{9,11}\.[0-9]+\|[^|]*\|[^|]*\|(?:" + "|".join(sorted(EVENTS)) + r")(?:\||$).*)"
)


@dataclass(frozen=True, slots=True)
class QueueEvent:
    """One row; `agent` is the extension, empty where the row names none."""

    at: int
    call_ref: str
    queue: str
    agent: str
    event: str
    data: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Connected:
    """An agent whom app_queue connected; seconds of talk are None where no row tells the end (a kill)."""

    agent: str
    at: int
    talk_seconds: int | None = None
    ended_by: Literal["caller", "agent", "transfer"] | None = None


@dataclass(slots=True)
class QueueCall:
    """All that queue_log says of one caller."""

    call_ref: str
    queue: str
    joined_at: int
    stays: int = 0
    connected: list[Connected] = field(default_factory=list)
    # The last event without an agent, and when it was.
    left: str | None = None
    left_at: int | None = None


def queue_events(log_dir: Path, since_us: int, until_us: int | None = None) -> Iterator[QueueEvent]:
    """Read what app_queue wrote of callers in a period (microseconds of the epoch), in the file's order.

    A file that is not there is empty, a damaged row is passed over. Raises `RecordsUnreadable`.
    """
    for line in lines_since(log_dir / QUEUE_LOG_FILE, since_us, row_time, until_us):
        event = parse(line)
        if event is not None:
            yield event


def row_time(line: bytes) -> int | None:
    """Give a row's time in microseconds of the epoch, None when it is no row."""
    match = _TIME.match(line)
    if match is None and b"|" in line and (glued := _GLUED.search(line.decode("utf-8", "replace"))):
        match = _TIME.match(glued[1].encode())
    return int(match[1]) * 1_000_000 if match else None


def parse(line: bytes) -> QueueEvent | None:
    """Read a row about a caller; None for other rows and for damaged ones.

    A whole row behind the torn beginning of another is read: it was written when Asterisk came back.
    """
    text = line.decode("utf-8", "replace")
    found = _event(text)
    if found is None and (glued := _GLUED.search(text)):
        found = _event(glued[1])
    return found


def _event(text: str) -> QueueEvent | None:
    parts = text.split("|")
    if len(parts) < 5 or parts[4] not in EVENTS or not parts[0].isascii() or not parts[0].isdigit():  # noqa: PLR2004
        return None
    time, call_ref, queue, agent, event, *data = (part[:_MOST_CHARACTERS] for part in parts)
    if len(time) > 11 or not call_ref or call_ref == "NONE":  # noqa: PLR2004 - seconds until the year 5138
        return None
    return QueueEvent(int(time), call_ref, queue, _extension(agent), event, tuple(data))


def _extension(agent: str) -> str:
    return "" if agent == "NONE" else agent.rpartition("/")[2].partition("-")[0]


def queue_calls(events: Iterable[QueueEvent]) -> dict[str, QueueCall]:
    """Put the rows of each caller together, whatever the order of rows within the same second."""
    calls: dict[str, QueueCall] = {}
    for event in events:
        call = calls.get(event.call_ref)
        if call is None:
            call = calls[event.call_ref] = QueueCall(event.call_ref, event.queue, event.at)
        if event.event == "ENTERQUEUE":
            call.stays += 1
        elif event.event == "CONNECT":
            call.connected.append(Connected(event.agent, event.at))
        elif event.event in _TALKED:
            _end(call, event)
        elif event.event in LEAVING_EVENTS:
            call.left, call.left_at = event.event, event.at
    return calls


def _end(call: QueueCall, event: QueueEvent) -> None:
    """Note an agent's talk: its seconds stand before the last column (hold time|call time|original position)."""
    seconds = event.data[-2] if len(event.data) >= 3 else ""  # noqa: PLR2004
    talk = int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 9 else None  # noqa: PLR2004
    for index, connected in enumerate(call.connected):
        if connected.agent == event.agent and connected.ended_by is None:
            call.connected[index] = Connected(connected.agent, connected.at, talk, _TALKED[event.event])  # type: ignore[arg-type]
            return
