"""The manager connection that lasts: it reconnects, and tells where events may have been missed."""

import asyncio
import logging
import random
from collections.abc import Container
from typing import Self

from telephony.ami.errors import AmiError, NotConnected
from telephony.ami.inbox import Gap, Inbox
from telephony.ami.link import Account, Link, Reply, Timing
from telephony.ami.protocol import ActionValue, AmiMessage

log = logging.getLogger(__name__)

__all__ = ["Account", "AmiConnection", "Gap", "Reply", "Timing"]

QUEUE_LIMIT = 50_000


class AmiConnection:
    """Asterisk's manager port for asyncio: iterate it for messages, `await action(…)` for answers.

    Every (re)connection and every overflow yields a `Gap` before the events that follow it. One consumer.

        async with AmiConnection("127.0.0.1", 5038, "zhitong", secret) as asterisk:
            async for item in asterisk: …
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        secret: str,
        *,
        timing: Timing | None = None,
        queue_limit: int = QUEUE_LIMIT,
        wanted: Container[str] | None = None,
    ) -> None:
        """`wanted` names the events to deliver (None: all); an answer's list is always whole."""
        self._account = Account(host, port, username, secret)
        self._timing = timing or Timing()
        self._queue_limit = queue_limit
        self._wanted = wanted
        self._inbox: Inbox | None = None
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self.last_error = "not started"

    def __repr__(self) -> str:
        return f"AmiConnection({self._account!r}, connected={self.connected})"

    @property
    def connected(self) -> bool:
        """Whether it is logged in now."""
        return self._link is not None and self._link.ready

    @property
    def dropped(self) -> int:
        """How many events overflow has dropped since the start."""
        return self._inbox.dropped if self._inbox else 0

    async def start(self) -> None:
        """Begin to connect, and keep connected until `close`; does not wait for the first connection."""
        self._inbox = Inbox(self._queue_limit)
        self._task = asyncio.create_task(self._keep_connected(), name="ami-connection")

    async def close(self) -> None:
        """Disconnect for good; pending actions fail, the iteration ends after what is queued."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        if self._inbox is not None:
            self._inbox.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AmiMessage | Gap:
        if self._inbox is None:
            raise NotConnected("start the connection before reading from it")
        return await self._inbox.get()

    async def action(self, name: str, *, timeout_seconds: float | None = None, **fields: ActionValue) -> Reply:
        """Send an action; a sequence as value becomes one line per element. Lists come whole.

        Raises `NotConnected` (at once, or when the connection is lost meanwhile), `ActionRefused` with Asterisk's
        reason, `ActionTimeout`, `UnsafeAction`.
        """
        link = self._link
        if link is None or not link.ready:
            raise NotConnected(f"{name} was not sent: {self.last_error}")
        return await link.action(name, fields, timeout_seconds)

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            opened_at = loop.time()
            await self._live_once()
            lived_seconds = loop.time() - opened_at
            failures = 1 if lived_seconds > self._timing.longest_retry_seconds else failures + 1
            await asyncio.sleep(retry_seconds(failures, self._timing, random.random()))  # noqa: S311 - no secret

    async def _live_once(self) -> None:
        inbox = self._inbox
        if inbox is None:
            raise NotConnected("start the connection first")
        reason = self.last_error
        link = Link(
            self._account,
            self._timing,
            on_ready=lambda: inbox.put(Gap(f"connected; before that: {reason}")),
            on_event=inbox.put,
            wanted=self._wanted,
        )
        self._link = link
        try:
            await link.open()
            log.info("logged in to Asterisk at %s:%s", self._account.host, self._account.port)
            await link.keep_alive()
            self.last_error = link.lost.result()
            log.warning("lost Asterisk at %s:%s: %s", self._account.host, self._account.port, self.last_error)
        except AmiError as error:
            if str(error) != self.last_error:
                log.warning("%s", error)
            self.last_error = str(error)
        finally:
            self._link = None
            await link.close()


def retry_seconds(failures: int, timing: Timing, dice: float) -> float:
    """How long to wait before the next try: doubling from the first to the longest, jittered by half.

    `failures` counts from 1, `dice` is uniform in [0, 1): many routers must not return in step.
    """
    whole = min(timing.longest_retry_seconds, timing.first_retry_seconds * float(2 ** min(failures - 1, 30)))
    return whole * (0.5 + 0.5 * dice)
