"""What the reader thread hands to the event loop: bounded, in order, with gaps where something was dropped."""

import asyncio
import threading
from collections import deque
from dataclasses import dataclass

from telephony.ami.protocol import AmiMessage


@dataclass(frozen=True, slots=True)
class Gap:
    """From here on events may be missing: ask Asterisk for its state and complete calls from its records."""

    reason: str


class Inbox:
    """A bounded queue from one thread to one asyncio consumer.

    When it is full, further messages are dropped until the consumer has taken half of it; one `Gap` stands in
    their place.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[AmiMessage | Gap] = deque()
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._overflowing = False
        self._closed = False
        self.dropped = 0

    def put(self, item: AmiMessage | Gap) -> None:
        """Append from any thread; a `Gap` is never dropped."""
        with self._lock:
            if self._closed:
                return
            if isinstance(item, AmiMessage) and not self._has_room():
                self.dropped += 1
                return
            self._items.append(item)
            if len(self._items) == 1:
                self._loop.call_soon_threadsafe(self._filled.set)

    def close(self) -> None:
        """End the consumer's iteration once it has taken what is left; call from the loop."""
        with self._lock:
            self._closed = True
        self._filled.set()

    async def get(self) -> AmiMessage | Gap:
        """Take the next item, waiting for one; raises `StopAsyncIteration` when closed and empty."""
        while True:
            with self._lock:
                if self._items:
                    return self._items.popleft()
                if self._closed:
                    raise StopAsyncIteration
                self._filled.clear()
            await self._filled.wait()

    def _has_room(self) -> bool:
        if self._overflowing:
            self._overflowing = len(self._items) > self._limit // 2
        elif len(self._items) >= self._limit:
            self._overflowing = True
            self._items.append(Gap(f"more than {self._limit} events waited: the reader was too slow, some are dropped"))
        return not self._overflowing
