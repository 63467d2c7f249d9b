import asyncio
from collections.abc import AsyncIterator

from asr.live.events import Event, Partial

_Key = tuple[str, str]


class Outbox:
    """Events in order, for one reader. A partial that a newer one replaces before it is read is never read."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | _Key | BaseException | None] = asyncio.Queue()
        self._partials: dict[_Key, Partial] = {}

    def put(self, event: Event) -> None:
        """Add an event."""
        if not isinstance(event, Partial):
            for key in [key for key in self._partials if key[0] == event.recording_id]:
                if getattr(event, "speaker", key[1]) == key[1]:
                    del self._partials[key]  # what it showed is in this event, or over
            self._queue.put_nowait(event)
            return
        key = (event.recording_id, event.speaker)
        if key not in self._partials:
            self._queue.put_nowait(key)
        self._partials[key] = event

    def forget(self, recording_id: str) -> None:
        """Drop the partials of a recording that nobody listens to any more."""
        for key in [key for key in self._partials if key[0] == recording_id]:
            del self._partials[key]

    def fail(self, error: BaseException) -> None:
        """Raise a defect where the events are read: nothing fails silently."""
        self._queue.put_nowait(error)

    def end(self) -> None:
        """No event follows."""
        self._queue.put_nowait(None)

    async def read(self) -> AsyncIterator[Event]:
        """Give the events as they come, until the end. Raises what was given to `fail`."""
        while (entry := await self._queue.get()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            if not isinstance(entry, tuple):
                yield entry
            elif entry in self._partials:
                yield self._partials.pop(entry)
