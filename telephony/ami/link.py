"""One logged-in manager connection as asyncio sees it: actions and their answers, pings, loss."""

import asyncio
import logging
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from asterisk.ami.action import Action, LoginAction

from telephony.ami.client import WireClient
from telephony.ami.errors import ActionRefused, ActionTimeout, AmiError, LoginRefused, NotConnected
from telephony.ami.protocol import ActionValue, AmiMessage, Malformed

log = logging.getLogger(__name__)

# A list longer than this is no answer to anything that is asked here.
MAX_LIST_EVENTS = 100_000
# A peer that babbles must not fill the disk with our log.
MAX_MALFORMED_LOGGED = 20


@dataclass(frozen=True, slots=True)
class Account:
    """Where Asterisk's manager port is and who logs in there; its repr holds no secret."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Timing:
    """When a silent peer is given up and how a lost one is sought again, in seconds.

    Asterisk sends nothing when nothing happens: pings must come more often than the read timeout.
    """

    read_timeout_seconds: float = 5.0
    ping_seconds: float = 1.5
    action_timeout_seconds: float = 10.0
    first_retry_seconds: float = 0.1
    longest_retry_seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.ping_seconds >= self.read_timeout_seconds:
            raise AmiError("the ping interval must be shorter than the read timeout, or silence looks like death")


@dataclass(frozen=True, slots=True)
class Reply:
    """Asterisk's answer to an action, with the events of the list when the answer was a list."""

    response: AmiMessage
    events: tuple[AmiMessage, ...] = ()


@dataclass(slots=True)
class _Pending:
    reply: asyncio.Future[Reply]
    response: AmiMessage | None = None
    events: list[AmiMessage] = field(default_factory=list)


class Link:
    """One connection from opening to loss. `ready` and `lost` are its two moments; it is then thrown away."""

    def __init__(
        self,
        account: Account,
        timing: Timing,
        *,
        on_ready: Callable[[], None],
        on_event: Callable[[AmiMessage], None],
        wanted: Container[str] | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._account = account
        self._timing = timing
        self._on_ready = on_ready
        self._on_event = on_event
        self._greeted: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self.ready = False
        self._pending: dict[str, _Pending] = {}
        self._lists: set[str] = set()
        self._login_id = ""
        self._malformed = 0
        self.client = WireClient(
            account.host,
            account.port,
            read_timeout_seconds=timing.read_timeout_seconds,
            on_message=self._receive,
            on_malformed=self._report,
            on_greeting=lambda: self._in_loop(_settle, self._greeted),
            on_lost=lambda error: self._in_loop(self._lose, error),
            wanted=wanted,
        )

    async def open(self) -> None:
        """Connect and log in; raises `AmiError` with the reason when that fails."""
        where = f"{self._account.host}:{self._account.port}"
        try:
            await asyncio.to_thread(self.client.connect)
        except OSError as error:
            raise NotConnected(f"Asterisk's manager port {where} cannot be reached: {error}") from error
        moments: list[asyncio.Future[Any]] = [self._greeted, self.lost]
        await asyncio.wait(moments, return_when=asyncio.FIRST_COMPLETED)
        if self.lost.done():
            raise NotConnected(f"Asterisk's manager port {where}: {self.lost.result()}")
        login = LoginAction(self._account.username, self._account.secret)
        self._login_id = self._next_id()
        try:
            await self._ask(login, self._login_id, self._timing.action_timeout_seconds)
        except ActionRefused as refusal:
            raise LoginRefused(
                f"Asterisk at {where} refused the login of {self._account.username!r}: {refusal};"
                " check the user, its secret and its permit line in manager.conf"
            ) from refusal

    async def action(self, name: str, fields: Mapping[str, ActionValue], timeout_seconds: float | None = None) -> Reply:
        """Send an action and wait for its answer, with the whole list where the answer is a list."""
        limit = self._timing.action_timeout_seconds if timeout_seconds is None else timeout_seconds
        return await self._ask(Action(name, dict(fields)), self._next_id(), limit)

    async def keep_alive(self) -> None:
        """Ping until the connection is lost."""
        while not self.lost.done():
            await asyncio.wait([self.lost], timeout=self._timing.ping_seconds)
            if not self.lost.done():
                try:
                    await self.action("Ping", {})
                except AmiError as error:
                    log.debug("ping failed: %s", error)

    async def close(self) -> None:
        """Close the socket, wait for the reader thread, fail what is still pending."""
        await asyncio.to_thread(self.client.disconnect)
        self._lose(None)

    def _next_id(self) -> str:
        return f"zhitong-{id(self):x}-{self.client.next_action_id()}"

    async def _ask(self, action: Action, action_id: str, timeout_seconds: float) -> Reply:
        if self.lost.done():
            raise NotConnected(f"{action.name} was not sent: {self.lost.result()}")
        action.keys["ActionID"] = action_id
        pending = _Pending(self._loop.create_future())
        self._pending[action_id] = pending
        try:
            await asyncio.to_thread(self.client.send_action, action)
            async with asyncio.timeout(timeout_seconds):
                reply = await pending.reply
        except TimeoutError:
            raise ActionTimeout(f"Asterisk did not answer {action.name} within {timeout_seconds:g} s") from None
        finally:
            del self._pending[action_id]
            if not pending.reply.cancel() and not pending.reply.cancelled():
                pending.reply.exception()  # looked at, or asyncio complains of it when the sending failed first
        if reply.response.name == "Error":
            reason = reply.response.get("Message", "no reason given")
            raise ActionRefused(f"Asterisk refused {action.name}: {reason}")
        return reply

    # What follows up to the next comment runs in the reader thread.
    def _receive(self, message: AmiMessage) -> None:
        action_id = message.get("ActionID")
        if message.kind == "response":
            if message.get("EventList").lower().startswith("start"):
                self._lists.add(action_id)
            if action_id == self._login_id and message.name == "Success":
                self.ready = True
                self._on_ready()
            self._in_loop(self._answer, action_id, message)
        elif action_id and action_id in self._lists:
            if message.get("EventList").lower().startswith(("complete", "cancel")):
                self._lists.discard(action_id)
            self._in_loop(self._answer, action_id, message)
        else:
            self._on_event(message)

    def _report(self, malformed: Malformed) -> None:
        self._malformed += 1
        if self._malformed <= MAX_MALFORMED_LOGGED:
            log.warning("Asterisk sent what is no message: %s, %s", malformed.reason, malformed.excerpt)
        if self._malformed == MAX_MALFORMED_LOGGED:
            log.warning("further such pieces on this connection are passed over without a word")

    def _in_loop(self, function: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    # From here on everything runs in the event loop.
    def _answer(self, action_id: str, message: AmiMessage) -> None:
        pending = self._pending.get(action_id)
        if pending is None or pending.reply.done():
            return
        more = message.get("EventList").lower()
        if message.kind == "response":
            pending.response = message
            done = not more.startswith("start")
        else:
            done = more.startswith(("complete", "cancel"))
            if not done:
                pending.events.append(message)
        if len(pending.events) > MAX_LIST_EVENTS:
            pending.reply.set_exception(AmiError(f"Asterisk's list has more than {MAX_LIST_EVENTS} entries"))
        elif done and pending.response is not None:
            pending.reply.set_result(Reply(pending.response, tuple(pending.events)))

    def _lose(self, error: Exception | None) -> None:
        if self.lost.done():
            return
        self.ready = False
        reason = str(error) if error else "the manager connection was closed"
        self.lost.set_result(reason)
        for pending in self._pending.values():
            if not pending.reply.done():
                pending.reply.set_exception(NotConnected(f"the answer never came: {reason}"))


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
