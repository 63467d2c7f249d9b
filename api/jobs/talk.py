"""Words that are not final yet, on their way to whoever watches."""

import asyncio
from collections.abc import Sequence

from api.kit.database import Database
from api.live import partials
from api.live.partials import Message
from asr.live import Heard, Partial

# A person reads no faster than this, and PostgreSQL orders all notifications of a database one after the other.
_PAUSE_SECONDS = 0.2


class Talk:
    """Collects partial words and sends the latest of every speaker together, at most five times a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[tuple[str, str], Message] = {}
        self._woken = asyncio.Event()

    def say(self, call_ref: str, partial: Partial) -> None:
        """Send these words soon, unless newer ones come first."""
        self._waiting[partial.recording_id, partial.speaker] = Message(
            call_ref, partial.recording_id, partial.speaker, partial.start, partial.text
        )
        self._woken.set()

    def heard(self, heard: Heard) -> None:
        """Forget words that are final now."""
        self._waiting.pop((heard.recording_id, heard.speaker), None)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            messages = list(self._waiting.values())
            self._waiting.clear()
            if messages:
                async with self._database.session() as session:
                    await partials.send(session, messages)
            await asyncio.sleep(_PAUSE_SECONDS)


def taken_back(call_ref: str, heard: Sequence[Heard]) -> list[Message]:
    """Return what tells the watchers that these utterances are stored: one message a speaker. Pure."""
    return list(
        {
            each.speaker: Message(call_ref, each.recording_id, each.speaker, each.heard_seconds, "") for each in heard
        }.values()
    )
