"""What Asterisk tells and writes of a call, step by step, as recorded, with the names left open.

The scores lie in `scores/`; `tests/fixtures/ami/learn.py` makes them from captures of a real Asterisk.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from telephony.ami.protocol import AmiMessage
from telephony.calls.facts import Microseconds

SCORES = Path(__file__).parent / "scores"
CITIZEN = 0
_NAME = re.compile(r"\$(t[+-][0-9]+|[a-z_]+[0-9]?)")
_NUMBER = re.compile(r"\$(?:uniqueid|bridge)([0-9])")
_END_OF_EVENT = "\r\n\r\n"

Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a step: its name, when it comes (µs after the step's beginning), who and which bridge it is about.

    `channel` is CITIZEN, the number of an agent's channel, or None; `bridge` a number or None.
    """

    event: str
    privilege: str
    after: Microseconds
    channel: int | None
    bridge: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of a call: what the manager port tells of it, what goes to cel.csv and to queue_log."""

    title: str
    told: tuple[Told, ...]
    stamps: tuple[tuple[str, Microseconds], ...]
    events: str
    cel: str
    log: str

    def admitted(self, classes: frozenset[str], excluded: frozenset[str]) -> "Step":
        """Give the step as a manager account hears it: its classes of `read`, without its filtered events."""
        kept = tuple(
            told
            for told in self.told
            if told.event not in excluded and not classes.isdisjoint(told.privilege.split(","))
        )
        return Step(self.title, kept, self.stamps, "".join(told.text for told in kept), self.cel, self.log)

    def moments(self, at: Microseconds) -> dict[str, str]:
        """Give the texts of the step's moments when it begins at `at`."""
        texts = {name: _stamp(at + after) for name, after in self.stamps}
        texts["second"] = str(at // 1_000_000)
        return texts


@dataclass(frozen=True, slots=True)
class Score:
    """One kind of call."""

    name: str
    steps: Mapping[str, Step]


@cache
def load(name: str) -> Score:
    """Read a score of ours."""
    text = (SCORES / f"{name}.score").read_text(encoding="utf-8")
    steps = [_step(part) for part in text.removeprefix("== ").split("\n== ")]
    return Score(name, {step.title: step for step in steps})


def _step(part: str) -> Step:
    title, _, body = part.partition("\n")
    lines = body.rstrip("\n").split("\n")
    cel = [line.removeprefix("cel ") for line in lines if line.startswith("cel ")]
    log = [line.removeprefix("log ") for line in lines if line.startswith("log ")]
    events = "\n".join(line for line in lines if not line.startswith(("cel ", "log "))).split("\n\n")
    stamps = {name: int(name[1:]) for name in _NAME.findall(body) if name[0] == "t" and name[1:2] in {"+", "-"}}
    told = tuple(_told(event) for event in events)
    return Step(
        title,
        told,
        tuple(stamps.items()),
        "".join(event.text for event in told),
        "".join(f"{_open(row)}\n" for row in cel),
        "".join(f"{_open(line)}\n" for line in log),
    )


def _told(event: str) -> Told:
    headers = dict(line.partition(": ")[::2] for line in event.split("\n"))
    return Told(
        headers["Event"],
        headers["Privilege"],
        int(headers["Timestamp"].removeprefix("$t")),
        CITIZEN if headers.get("Uniqueid") == "$ref" else _numbered(headers.get("Uniqueid")),
        _numbered(headers.get("BridgeUniqueid")),
        _open(event.replace("\n", "\r\n") + _END_OF_EVENT),
    )


def _numbered(name: str | None) -> int | None:
    match = _NUMBER.fullmatch(name or "")
    return int(match[1]) if match else None


def _open(text: str) -> str:
    return _NAME.sub(r"%(\1)s", text.replace("%", "%%"))


def _stamp(at: Microseconds) -> str:
    return f"{at // 1_000_000}.{at % 1_000_000:06}"


def headers_in_order(message: AmiMessage) -> tuple[str, ...]:
    """Give an event's name and the keys of its headers in the order sent: its shape."""
    return (message.name, *message.headers)
