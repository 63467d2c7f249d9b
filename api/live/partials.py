"""Words that are not final yet, from the worker that hears them to whoever watches the call.

A message is `{"call_ref", "recording_id", "speaker", "start", "text"}`; it replaces the speaker's message before it.
An **empty text** takes back what that speaker was shown of words that began before `start` (seconds of the recording):
they are stored now, and the change feed says so at the same moment. Words that began later stay.
Nothing of this is stored: a message that is lost is replaced by the next one.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ARRAY, Text, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.kit import logs
from api.kit.base import storable

log = logs.get(__name__)
CHANNEL = "zhitong_partials"
# PostgreSQL takes 7,999 bytes a notification; the last words matter most.
_LONGEST_TEXT = 1500
_FORGOTTEN_SECONDS = 30.0

_Who = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """What one speaker said so far of an utterance that began at `start` seconds; empty when it is stored."""

    call_ref: str
    recording_id: str
    speaker: str
    start: float
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return the agreed JSON shape."""
        return asdict(self)


async def send(session: AsyncSession, messages: Sequence[Message]) -> None:
    """Tell every API process, at the end of the transaction."""
    if not messages:
        return
    payloads = [
        json.dumps(
            {**message.to_json(), "start": round(message.start, 3), "text": storable(message.text)[-_LONGEST_TEXT:]},
            ensure_ascii=False,
        )
        for message in messages
    ]
    each = func.unnest(literal(payloads, ARRAY(Text))).column_valued("payload")
    await session.execute(select(func.pg_notify(CHANNEL, each)))


@dataclass(slots=True)
class _Kept:
    message: Message
    at: float


class Partials:
    """The most recent words of every speaker, in one API process; forgotten when stored, or after 30 s."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[_Who, _Kept]] = {}
        self._watchers: dict[str, set[_Watcher]] = {}
        self._swept_at = 0.0

    def take(self, payload: str) -> None:
        """Hand on one notification."""
        try:
            message = Message(**json.loads(payload))
        except (TypeError, ValueError) as error:
            log.warning("partial_not_understood", reason=str(error))
            return
        now = time.monotonic()
        self._sweep(now)
        who = (message.recording_id, message.speaker)
        kept = self._kept.setdefault(message.call_ref, {})
        if message.text:
            kept[who] = _Kept(message, now)
        elif who in kept and kept[who].message.start < message.start:
            del kept[who]
        for watcher in self._watchers.get(message.call_ref, ()):
            watcher.offer(message)

    async def watch(self, call_ref: str) -> AsyncIterator[Message]:
        """Give the latest words of a call's speakers, then whatever follows, without end.

        Whoever reads slowly gets the latest words of each speaker, not all that were between.
        """
        watcher = _Watcher()
        now = time.monotonic()
        for kept in self._kept.get(call_ref, {}).values():
            if now - kept.at < _FORGOTTEN_SECONDS:
                watcher.offer(kept.message)
        self._watchers.setdefault(call_ref, set()).add(watcher)
        try:
            while True:
                for message in await watcher.waiting():
                    yield message
        finally:
            others = self._watchers[call_ref]
            others.discard(watcher)
            if not others:
                del self._watchers[call_ref]

    def _sweep(self, now: float) -> None:
        if now - self._swept_at < 1.0:
            return
        self._swept_at = now
        for call_ref, kept in list(self._kept.items()):
            fresh = {who: each for who, each in kept.items() if now - each.at < _FORGOTTEN_SECONDS}
            if fresh:
                self._kept[call_ref] = fresh
            else:
                del self._kept[call_ref]


class _Watcher:
    """One open page. Of each speaker at most two messages wait: what takes words back, and the words after."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[_Who, bool], Message] = {}
        self._woken = asyncio.Event()

    def offer(self, message: Message) -> None:
        who = (message.recording_id, message.speaker)
        words = self._waiting.get((who, True))
        if not message.text and words is not None and words.start < message.start:
            del self._waiting[who, True]
        # The order of the two is the order of the dictionary: what comes last stands last.
        self._waiting.pop((who, bool(message.text)), None)
        self._waiting[who, bool(message.text)] = message
        self._woken.set()

    async def waiting(self) -> list[Message]:
        await self._woken.wait()
        self._woken.clear()
        found = list(self._waiting.values())
        self._waiting.clear()
        return found
