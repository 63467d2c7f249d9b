"""cel.csv → the events that the manager port would have sent, so that both go through one reducer.

The columns are fixed in config/asterisk/cel_custom.conf.j2 and explained in config/asterisk/README.md.
"""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

from telephony.ami.protocol import AmiMessage
from telephony.records.tail import lines_since

CEL_FILE = Path("cel-custom/cel.csv")
_COLUMNS = 13
_TIME = re.compile(rb'"[A-Za-z_]+","(\d{1,11})\.(\d{1,6})"')
# A row that follows a torn one on the same line: Asterisk came back and wrote on.
_GLUED = re.compile(rb'(?<!^)"[A-Za-z_]+","[0-9]{9,11}\.[0-9]{1,6}","[A-Za-z]*","[^"]*[0-9]\.[0-9]+".*')
_Event = tuple[str, dict[str, str]]
_BRIDGE_EVENTS = {"BRIDGE_ENTER": "BridgeEnter", "BRIDGE_EXIT": "BridgeLeave"}
_QUERY_EVENTS = frozenset(
    {"HotlineOffered", "HotlineVia", "HotlineLeft", "HotlineSegment", "HotlineUnanswered"}
    | {"HotlineDialled", "HotlineDialOver"}
)
# What a row may carry into an event; anything else in a query string is not ours.
_QUERY_KEYS = frozenset(
    {"CallRef", "SipCallId", "Dialled", "Via", "Desk", "Recording", "Agent", "Status"} | {"DialRef", "Cause", "TalkMs"}
)
# The channel of a phone that another channel rings (its application, as app_queue and app_dial set it).
_RUNG_BY = frozenset({"AppQueue", "AppDial"})
_QUEUE_EVENTS = {"APP_START": "QueueCallerJoin", "APP_END": "QueueCallerLeave"}
_PLAIN_EVENTS = {"CHAN_START": "Newchannel", "BLINDTRANSFER": "BlindTransfer", "ATTENDEDTRANSFER": "AttendedTransfer"}


def cel_messages(log_dir: Path, since_us: int, until_us: int | None = None) -> Iterator[AmiMessage]:
    """Read what happened in [`since_us`, `until_us`) (microseconds of the epoch), in the file's order.

    `log_dir` is Asterisk's log directory. A file that is not there yet is empty; a damaged row, or one that is
    still being written, is passed over. Raises `RecordsUnreadable`.
    """
    for line in lines_since(log_dir / CEL_FILE, since_us, row_time, until_us):
        yield from translate(line)


def row_time(line: bytes) -> int | None:
    """Give a row's time in microseconds of the epoch, None when it is no row."""
    match = _TIME.match(line)
    if match is None and (glued := _GLUED.search(line)):
        match = _TIME.match(glued[0])
    return int(match[1]) * 1_000_000 + int(match[2].ljust(6, b"0")) if match else None


def translate(line: bytes) -> list[AmiMessage]:
    """Give the events that one row stands for; none for rows that say nothing about a call, or that are damaged."""
    row = _row(line)
    if row is None and (glued := _GLUED.search(line)):
        line = glued[0]
        row = _row(line)
    at = row_time(line)
    if row is None or at is None:
        return []
    kind, _, _, uniqueid, linkedid, channel, _, number, _, _, application, data, extra = row
    headers = {
        "Timestamp": f"{at // 1_000_000}.{at % 1_000_000:06}",
        "Channel": channel,
        "CallerIDNum": number,
        "Uniqueid": uniqueid,
        "Linkedid": linkedid,
    }
    details = _object(extra)
    events = _events(kind, channel, application, data, details)
    if kind == "HANGUP" and channel.endswith(";2") and details.get("hangupsource") not in {None, "", channel}:
        # A third party's phone hung up: the row is on the outer end of a Local channel, the inner one is in the talk.
        events.append(("HangupRequest", {"Uniqueid": linkedid, "Channel": f"{channel[:-1]}1", "CallerIDNum": ""}))
    if application in _RUNG_BY and kind in {"ANSWER", "HANGUP"} and linkedid != uniqueid:
        # The row stands on the phone's channel; the events, on that of whoever rings it.
        rings = {"Uniqueid": linkedid, "Channel": "", "CallerIDNum": ""}
        rung = {**rings, "DestUniqueid": uniqueid, "DestChannel": channel}
        events += [("DialBegin", rung), *([("DialEnd", {**rung, "DialStatus": "ANSWER"})] if kind == "ANSWER" else [])]
    return [AmiMessage("event", name, {"Event": name, **headers, **more}) for name, more in events]


def _events(kind: str, channel: str, application: str, data: str, details: dict[str, object]) -> list[_Event]:
    """Give the events on the row's own channel."""
    told: dict[str, str] = {}
    if kind == "HANGUP":
        itself = details.get("hangupsource") == channel
        return [*([("HangupRequest", told)] if itself else []), ("Hangup", told)]
    name = _PLAIN_EVENTS.get(kind) or _BRIDGE_EVENTS.get(kind)
    if kind in _BRIDGE_EVENTS:
        technology = str(details.get("bridge_technology", ""))
        told = {"BridgeUniqueid": str(details.get("bridge_id", "")), "BridgeTechnology": technology}
    elif kind in _QUEUE_EVENTS and application == "Queue":
        name, told = _QUEUE_EVENTS[kind], {"Queue": data.partition(",")[0]}
    elif kind in _QUERY_EVENTS:
        extra = {key: value for key, value in parse_qsl(str(details.get("extra", ""))) if key in _QUERY_KEYS}
        name, told = "UserEvent", {"UserEvent": kind, **extra}
    return [(name, told)] if name else []


def _row(line: bytes) -> list[str] | None:
    try:
        rows = list(csv.reader([line.decode("utf-8", "replace")], strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 and len(rows[0]) == _COLUMNS else None


def _object(text: str) -> dict[str, object]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
