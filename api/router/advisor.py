"""Applies the advice of telephony.routing to one Asterisk: notes in AstDB, wrap-up, the end of missed-call pauses."""

import asyncio
import contextlib
from collections.abc import Collection, Coroutine, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DBAPIError

from api.agents.desks import Desks
from api.agents.routing import Routing
from api.commands.repository import HoldRepository
from api.commands.service import hold_of, row_of
from api.kit import clock, logs
from api.kit.database import Sessions
from api.tickets import service as tickets
from api.tickets.fields import settled
from telephony.actions.advise import advise
from telephony.actions.errors import ActionInvalid
from telephony.actions.forget import forget
from telephony.actions.logout import logout
from telephony.actions.reach import Reach
from telephony.actions.unpause import unpause
from telephony.agents.reasons import AUTO_PAUSE, WRAP_UP
from telephony.ami.connection import AmiConnection
from telephony.ami.errors import AmiError
from telephony.ami.protocol import AmiMessage
from telephony.calls.model import Call
from telephony.routing import holds, notes
from telephony.routing.holds import Hold
from telephony.routing.notes import Gone, Note

log = logs.get(__name__)
LOOK_SECONDS = 0.5
_REMEMBERED = 10_000
# What the advisor reads of Asterisk's events, besides the calls that the reducer makes of them.
WANTED_EVENTS = frozenset({"QueueMemberPause"})
_ENDS_A_HOLD = frozenset({"unpause", "login", "logout", "pause"})


class Advisor:
    """Advises one node's Asterisk. Nothing waits for it: events and ended calls only queue work for `run`."""

    def __init__(
        self,
        database: Sessions,
        asterisk: AmiConnection,
        reach: Reach,
        routing: Routing,
        desks: Desks,
        node: str,
        *,
        never_held: frozenset[str] = frozenset(),
    ) -> None:
        """`never_held`: seats whose calls nobody writes a record of (drills)."""
        self._database = database
        self._asterisk = asterisk
        self._reach = reach
        self._routing = routing
        self._desks = desks
        self._node = node
        self._never_held = never_held
        self._holds: dict[str, Hold] = {}
        self._misses: dict[str, int] = {}
        # The calls whose record an agent is finishing.
        self._calls: dict[str, Call] = {}
        # None: Asterisk is there again.
        self._waiting: asyncio.Queue[Call | AmiMessage | None] = asyncio.Queue()
        self._done: dict[str, None] = {}
        self._unsaved: set[str] = set()

    def hear(self, message: AmiMessage) -> None:
        """Note what Asterisk told."""
        if message.name in WANTED_EVENTS:
            self._waiting.put_nowait(message)

    def take(self, changed: Iterable[Call]) -> None:
        """Note calls that changed."""
        for call in sorted(changed, key=lambda call: call.offered_at):
            if call.segments or call.ended_at is not None:
                self._waiting.put_nowait(call)

    def connected(self) -> None:
        """Say that Asterisk is there (again): what stands in it may be stale."""
        self._waiting.put_nowait(None)

    def ordered(self, verb: str, arguments: Mapping[str, Any]) -> None:
        """Note what a person ordered: an order ends the router's own hold."""
        if verb in _ENDS_A_HOLD:
            self._forget_hold(arguments["extension"])

    async def extend(self, extension: str) -> None:
        """Give an agent more time for the record. Raises ActionInvalid when there is none to give."""
        hold = self._holds.get(extension)
        longer = holds.extended(hold, self._routing.holds) if hold else None
        if longer is None:
            raise ActionInvalid("没有可延长的话后时间。 There is no wrap-up, or it was extended as often as it may be.")
        self._keep(longer)
        await self._save()

    async def run(self) -> None:
        """Advise until cancelled. An Asterisk or a database that is away costs only the advice of that moment."""
        while True:
            # Not wait_for: in Python 3.11 it loses a cancellation that comes together with an item.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    item = await self._waiting.get()
                await self._guarded(self._handle(item))
            # All that came first: a database that is away must not keep Asterisk waiting for its advice.
            while not self._waiting.empty():
                await self._guarded(self._handle(self._waiting.get_nowait()))
            if self._asterisk.connected:
                await self._guarded(self._end_what_is_over(clock.now()))
                await self._guarded(self._end_what_is_settled(clock.now()))
            await self._guarded(self._save())

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (AmiError, ActionInvalid) as error:
            log.warning("advice_not_given", reason=str(error))
        except (DBAPIError, OSError) as error:
            log.warning("advice_waits_for_database", reason=str(error.__cause__ or error))

    async def _handle(self, item: Call | AmiMessage | None) -> None:
        match item:
            case None:
                await self._start_over(clock.now())
            case AmiMessage():
                await self._member_paused(item)
            case Call():
                await self._call_changed(item, clock.now())

    async def _call_changed(self, call: Call, now: datetime) -> None:
        if call.ended_at is None:
            for segment in call.segments:
                self._misses.pop(segment.agent, None)
        elif self._first_time(call.call_ref):
            await self._write(notes.after_call(call, self._routing.notes, now=now))
        # An agent who sent the call on is done with it; a citizen on hold is with nobody, and yet the agent's.
        for segment in call.segments if call.ended_at is not None else call.segments[:-1]:
            if segment.ended_at is not None and self._first_time(
                f"{call.call_ref} {segment.agent} {segment.started_at.timestamp()}"
            ):
                await self._wrap_up(segment.agent, call, segment.ended_at, now)

    def _first_time(self, key: str) -> bool:
        """Whether this was not done before: a call is told of again whenever more is known of it."""
        if key in self._done:
            return False
        self._done[key] = None
        if len(self._done) > _REMEMBERED:
            del self._done[next(iter(self._done))]
        return True

    async def _wrap_up(self, agent: str, call: Call, ended_at: datetime, now: datetime) -> None:
        hold = holds.wrap_up(agent, call.call_ref, ended_at, self._routing.holds)
        if agent in self._never_held or agent not in self._reach.extensions or hold.over(now):
            return
        if (await self._pauses()).get(agent) is not None:
            return  # a break that was asked for during the call begins now
        await self._asterisk.action("QueuePause", Interface=f"PJSIP/{agent}", Paused="true", Reason=WRAP_UP)
        self._calls[call.call_ref] = call
        self._keep(hold)

    async def _member_paused(self, message: AmiMessage) -> None:
        agent, reason = message.get("MemberName"), message.get("PausedReason")
        if message.get("Paused") != "1":
            self._forget_hold(agent)
        elif reason == AUTO_PAUSE and message.get("Queue") == self._reach.queues[0]:
            self._misses[agent] = self._misses.get(agent, 0) + 1
            hold = holds.missed(agent, self._misses[agent], clock.now(), self._routing.holds)
            self._keep(hold)
            if holds.tells_supervisor(hold, self._routing.holds):
                log.warning("agent_misses_calls", agent=agent, misses=hold.count)
        elif reason not in {AUTO_PAUSE, WRAP_UP}:
            self._forget_hold(agent)

    async def _start_over(self, now: datetime) -> None:
        await self._restore_notes()
        await self._resume_holds(now)

    async def _restore_notes(self) -> None:
        """Say again what Asterisk forgets when it restarts (pauses), and what the configuration says of callers."""
        for entry in (await self._asterisk.action("DBGetTree", Family="duty")).events:
            agent = entry.get("Key").rpartition("/")[2]
            if entry.get("Val") == "off" and agent in self._reach.extensions:
                await logout(self._asterisk, self._reach, extension=agent)
        known = [Note("desk", caller, desk) for caller, desk in self._desks.callers.items()]
        flagged = [notes.vulnerable(caller, self._routing.notes) for caller in self._routing.notes.vulnerable]
        await self._write([*known, *filter(None, flagged)])

    async def _resume_holds(self, now: datetime) -> None:
        """Go on with the holds of the router before this one; a pause in wrap-up that nobody answers for ends."""
        async with self._database.session() as session:
            known = {row.agent: hold_of(row) for row in await HoldRepository(session).all(self._node)}
        known |= self._holds
        pauses = await self._pauses()
        for agent, reason in pauses.items():
            hold = known.get(agent)
            if reason == WRAP_UP and (hold is None or hold.kind != "wrap_up"):
                await unpause(self._asterisk, self._reach, extension=agent)
            elif reason == AUTO_PAUSE and (hold is None or hold.kind != "missed"):
                self._keep(holds.missed(agent, 1, now, self._routing.holds))
            elif reason in {WRAP_UP, AUTO_PAUSE} and hold is not None:
                self._keep(hold)
        for agent in known.keys() - pauses.keys():
            self._forget_hold(agent)

    async def _end_what_is_over(self, now: datetime) -> None:
        for hold in list(self._holds.values()):
            if hold.over(now):
                await self._release(hold)

    async def _end_what_is_settled(self, now: datetime) -> None:
        waiting = {hold.call_ref: hold for hold in self._holds.values() if hold.kind == "wrap_up" and hold.call_ref}
        for call_ref in await self._settled(waiting.keys()):
            call = self._calls.get(call_ref)
            if call is not None:
                await self._write(notes.after_settling(call, self._routing.notes, now=now))
            await self._release(waiting[call_ref])

    async def _release(self, hold: Hold) -> None:
        await unpause(self._asterisk, self._reach, extension=hold.agent)
        self._forget_hold(hold.agent)

    async def _settled(self, call_refs: Collection[str]) -> set[str]:
        if not call_refs:
            return set()
        async with self._database.session() as session:
            found = await tickets.find_by_calls(session, sorted(call_refs))
        return {ref for ref, ticket in found.items() if settled(ticket.fields)}

    async def _pauses(self) -> dict[str, str]:
        """Give the reasons of those who are paused in the hotline's queue."""
        shown = (await self._asterisk.action("QueueStatus", Queue=self._reach.queues[0])).events
        return {
            each.get("Name"): each.get("PausedReason")
            for each in shown
            if each.name == "QueueMember" and each.get("Paused") == "1"
        }

    async def _write(self, changes: Iterable[Note | Gone]) -> None:
        for change in changes:
            match change:
                case Note(family, caller, value, until):
                    await advise(self._asterisk, self._reach, family=family, caller=caller, value=value, until=until)
                case Gone(family, caller):
                    await forget(self._asterisk, self._reach, family=family, caller=caller)

    def _keep(self, hold: Hold) -> None:
        self._holds[hold.agent] = hold
        self._unsaved.add(hold.agent)

    def _forget_hold(self, agent: str) -> None:
        hold = self._holds.pop(agent, None)
        if hold is not None:
            self._calls.pop(hold.call_ref or "", None)
        self._unsaved.add(agent)

    async def _save(self) -> None:
        saving, self._unsaved = self._unsaved, set()
        if not saving:
            return
        try:
            async with self._database.session() as session:
                repository = HoldRepository(session)
                await repository.drop(self._node, sorted(saving - self._holds.keys()))
                for agent in sorted(saving & self._holds.keys()):
                    await repository.put(row_of(self._holds[agent], self._node))
        except BaseException:
            self._unsaved |= saving
            raise
