"""How the pages say things: Chinese first, English beside it; times in the city's zone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

# Confidence of a right word is about 0.99, of a wrong one 0.75 (measured): below this a word is shown as doubtful.
DOUBTFUL_BELOW = 0.9
_LONGEST_CALLER = 40
# A normalised text may differ from the words as recognised (numbers): look for a word only so far ahead.
_LOOK_AHEAD = 12

STATES: dict[str, tuple[str, str]] = {
    "waiting": ("等待", "waiting"),
    "talking": ("通话中", "in call"),
    "answered": ("已接听", "answered"),
    "abandoned": ("放弃", "abandoned"),
    "short_abandoned": ("短时放弃", "short abandon"),
    "failed": ("失败", "failed"),
}
VIA: dict[str, tuple[str, str]] = {
    "queue": ("排队", "queue"),
    "sticky": ("熟悉的话务员", "known agent"),
    "overflow": ("溢出", "overflow"),
}
TRANSCRIPT_STATES: dict[str, tuple[str, str]] = {
    "none": ("无录音", "nothing recorded"),
    "pending": ("转写中", "transcribing"),
    "live": ("实时转写", "words arrive now"),
    "deferred": ("通话后转写", "transcribed after the call"),
    "complete": ("已转写", "transcribed"),
    "partial": ("部分转写", "partly transcribed"),
    "failed": ("无法转写", "cannot be transcribed"),
}
FIELDS: dict[str, tuple[str, str]] = {
    "summary": ("诉求摘要", "summary"),
    "urgency": ("紧急程度", "urgency"),
    "category": ("类别", "category"),
    "place": ("地点", "place"),
    "district": ("区县", "district"),
    "street": ("街道", "street"),
    "happened_at": ("发生时间", "when"),
    "respondent": ("被反映对象", "about whom"),
    "unit": ("承办单位", "unit"),
    "contact_name": ("联系人", "name"),
    "contact_phone": ("联系电话", "phone"),
    "complexity": ("复杂程度", "complexity"),
}
VALUES: dict[str, dict[str, tuple[str, str]]] = {
    "urgency": {"urgent": ("紧急", "urgent"), "normal": ("一般", "normal")},
    "complexity": {"simple": ("简单", "simple"), "complex": ("复杂", "complex")},
}
SUSPECTED = ("疑似紧急", "possibly urgent")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an utterance's text: when it begins in the recording, and how sure its least sure word is."""

    text: str
    start: float | None = None
    confidence: float | None = None

    @property
    def doubtful(self) -> bool:
        """Say whether somebody should listen to it."""
        return self.confidence is not None and self.confidence < DOUBTFUL_BELOW


def state_of(call: Mapping[str, Any]) -> str:
    """Return a call's state as the pages show it: one in progress either waits or talks."""
    if call["outcome"] != "in_progress":
        return str(call["outcome"])
    return "talking" if call["answered_at"] else "waiting"


def caller(number: str | None) -> str:
    """Return a caller's number as it fits a line; what is no number is shown all the same."""
    if not number:
        return "未知号码"
    return number if len(number) <= _LONGEST_CALLER else number[: _LONGEST_CALLER - 1] + "…"


def clock_time(moment: str | datetime | None, timezone: str) -> str:
    """Return the city's time of day, to the second."""
    if moment is None:
        return "–"
    point = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return point.astimezone(ZoneInfo(timezone)).strftime("%H:%M:%S")


def seconds(value: float | None) -> str:
    """Return a duration: `7.3 秒` is `7.3`, longer ones `4:07` or `1:02:03`."""
    if value is None:
        return "–"
    if value < 60:  # noqa: PLR2004 - a minute
        return f"{value:.1f}″"
    whole = round(value)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def position(value: float) -> str:
    """Return a place in a recording as `0:07.3`."""
    tenths = round(value * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def percent(value: float | None) -> str:
    """Return a confidence as whole per cent."""
    return "–" if value is None else f"{round(value * 100)}%"


def spoken_pieces(text: str, words: Iterable[Mapping[str, Any]]) -> list[Piece]:
    """Cut an utterance's text into its words, each with its second; the pieces joined are the text.

    Words that normalisation changed (一三八 became 138) share the stretch of text that lies between their neighbours.
    """
    pieces: list[Piece] = []
    changed: list[Mapping[str, Any]] = []
    done = 0
    for word in words:
        token = str(word["text"])
        found = text.find(token, done, done + len(token) + _LOOK_AHEAD) if token else -1
        if found < 0:
            changed.append(word)
            continue
        _between(pieces, text[done:found], changed)
        pieces.append(Piece(token, word["start"], word["confidence"]))
        changed = []
        done = found + len(token)
    _between(pieces, text[done:], changed)
    return pieces


def _between(pieces: list[Piece], text: str, changed: Sequence[Mapping[str, Any]]) -> None:
    if not text:
        return
    if changed:
        pieces.append(Piece(text, changed[0]["start"], min(word["confidence"] for word in changed)))
    elif pieces:
        # Punctuation belongs to the word before it.
        last = pieces.pop()
        pieces.append(Piece(last.text + text, last.start, last.confidence))
    else:
        pieces.append(Piece(text))
