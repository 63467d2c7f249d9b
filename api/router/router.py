"""AMI events → reducer → stored calls; after every gap, what was missed comes from Asterisk's own records."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import DBAPIError

from api.accounts.service import store_agents
from api.agents.desks import load_desks
from api.agents.routing import load_routing
from api.agents.service import current_spells
from api.heartbeats.service import Pulse
from api.kit import logs
from api.kit.database import Sessions
from api.kit.settings import Settings
from api.outward.service import end_lost
from api.router.advisor import Advisor
from api.router.known import known_calls
from api.router.mark import Mark
from api.router.reconciliation import Reconciler
from api.router.spool import Spool
from api.router.store import CallStore
from api.supervisor.site import asterisk_site
from telephony.actions.reach import Reach
from telephony.agents import reducer as spells
from telephony.agents.model import Revision
from telephony.ami.connection import AmiConnection, Gap
from telephony.ami.errors import AmiError
from telephony.ami.protocol import AmiMessage
from telephony.calls.derive import Rules
from telephony.calls.events import moment
from telephony.calls.facts import Source
from telephony.calls.model import Call
from telephony.calls.outward import OutwardCall, outward
from telephony.calls.reducer import Reducer
from telephony.calls.resync import alive, end_unaccounted
from telephony.records.cel import cel_messages
from telephony.records.complete import recover
from telephony.records.errors import RecordsUnreadable

log = logs.get(__name__)
# Asterisk writes its records a moment after it tells of the same events.
RECORDS_SETTLE_SECONDS = 0.5
DATABASE_RETRY_SECONDS = 1.0
# An agent's phone that was ordered to ring so short a time ago need not have a channel yet.
FRESH = timedelta(seconds=2)


def clock_offset() -> float:
    """Return how far this machine's clock, which can be stepped, is ahead of one that cannot."""
    return time.time() - time.monotonic()


class Router:
    """One Asterisk's events into calls; `run` is one consumer of one connection."""

    def __init__(
        self,
        settings: Settings,
        database: Sessions,
        asterisk: AmiConnection,
        offset: Callable[[], float] = clock_offset,
    ) -> None:
        self._node = settings.node.name
        site = asterisk_site(settings)
        self._records = site.directories.log
        self._agents = {seat.extension: seat.name for seat in site.agents}
        desks = load_desks(settings.config_dir)
        ours = frozenset({settings.queue.name, *(desk.name for desk in desks.desks)})
        rules = Rules(settings.queue.name, settings.queue.short_abandon_seconds, node=self._node, queues=ours)
        self._reducer = Reducer(rules)
        self._spells = spells.SpellReducer(self._node)
        self._database = database
        self._asterisk = asterisk
        self._offset = offset
        self._spool = Spool(settings.data_dir / "spool" / "router")
        self.store = CallStore(database, self._spool, self._node)
        self.reconciler = Reconciler(settings, database, self.store)
        self.advisor = Advisor(
            database,
            asterisk,
            Reach.of(site),
            load_routing(settings.config_dir),
            desks,
            self._node,
            never_held=frozenset(seat.extension for seat in site.agents if seat.drill),
        )
        # Until when nothing was missed: None before the first resync, standing still while one is owed.
        self._mark: Mark | None = None
        self._resync_owed = True
        # The calls that a spool tells of; None before it was read.
        self._spooled: list[str] | None = None

    async def run(self) -> None:
        """Take what Asterisk tells until the connection is closed for good."""
        async for item in self._asterisk:
            if isinstance(item, Gap):
                log.info("resync", reason=item.reason)
                self.advisor.connected()
                await self._resync()
            else:
                self._take(item)

    def pulse(self) -> Pulse:
        """How this router is, for `zhitong status`."""
        state = "connected" if self._asterisk.connected else f"no Asterisk: {self._asterisk.last_error}"
        waiting = f", {self.store.waiting} calls wait for the database" if self.store.waiting else ""
        return Pulse(self.store.lag_seconds, f"{self._node} 在岗 active, {state}{waiting}")

    def _take(self, message: AmiMessage) -> None:
        self._spool.add(message)
        changed = self._reducer.apply(message)
        self.store.put(changed)
        self.store.put_spells(self._spells.apply(message))
        self.store.put_outward(outward(message))
        self.advisor.hear(message)
        self.advisor.take(changed)
        at = moment(message)
        if at is not None and not self._resync_owed:
            self._mark = Mark(at, self._offset())

    async def _resync(self) -> None:
        """Complete what was missed. Asterisk going away meanwhile is no harm: the next connection resyncs again."""
        self._resync_owed = True
        since, known = await self._missed_since()
        try:
            changed = await self._read_records(since, known)
            first, _, _ = await self._answers()
            # Read again: a call may have ended, or begun, between the records and the answer.
            await asyncio.sleep(RECORDS_SETTLE_SECONDS)
            changed += await self._read_records(since, known)
            asked_at = datetime.now(UTC)
            second, members, channels = await self._answers()
        except AmiError as error:
            log.warning("resync_cut_short", reason=str(error))
            return
        except RecordsUnreadable as error:
            log.error("records_unreadable", reason=str(error))  # noqa: TRY400 - the message says it all
            return
        there = first | second
        forgotten = [call for call in known if not self._reducer.knows(call.call_ref)]
        lost = [*self._reducer.end_lost(there), *end_unaccounted(forgotten, there)]
        spooled = self._spooled or ()
        over = {call.call_ref for call in known if call.outcome != "in_progress"}
        told = [call for call in self._reducer.calls() if call.call_ref in spooled and call.call_ref not in over]
        self.store.put([*told, *changed, *lost])
        self.advisor.take([*told, *changed, *lost])
        self.store.put_spells(self._spells.resync(members, channels, asked_at))
        await self._end_lost_outward(there, asked_at)
        self.store.settle()
        self._spooled = []
        self._resync_owed = False
        log.info("resynced", since=since.isoformat(), completed=len(changed), lost=len(lost))
        self.reconciler.after_gap(since, datetime.now(UTC))

    async def _read_records(self, since: datetime, known: list[Call]) -> list[Call]:
        # In a thread: the file may be long. Nothing else uses the reducers meanwhile, `run` has one consumer.
        changed = await asyncio.to_thread(recover, self._reducer, self._records, since, known, None)
        self.store.put(changed)
        revisions, placed = await asyncio.to_thread(self._recorded, since)
        self.store.put_spells(revisions)
        self.store.put_outward(placed)
        return changed

    def _recorded(self, since: datetime) -> tuple[list[Revision], list[OutwardCall]]:
        """Give what agents' phones did meanwhile (of pauses Asterisk's records know nothing), and what they placed."""
        revisions: list[Revision] = []
        placed: list[OutwardCall] = []
        for message in cel_messages(self._records, round(since.timestamp() * 1_000_000)):
            revisions += self._spells.apply(message, Source.CEL)
            placed += outward(message)
        return revisions, placed

    async def _end_lost_outward(self, there: frozenset[str], asked_at: datetime) -> None:
        try:
            async with self._database.session() as session:
                await end_lost(session, self._node, there, asked_at - FRESH)
        except (DBAPIError, OSError) as error:
            # The next resync ends them; until then they seem to go on.
            log.warning("lost_outward_calls_wait", reason=str(error.__cause__ or error))

    async def _answers(self) -> tuple[frozenset[str], Sequence[AmiMessage], Sequence[AmiMessage]]:
        """Give which channels there are, and what QueueStatus and CoreShowChannels say."""
        channels = await self._asterisk.action("CoreShowChannels")
        queue = await self._asterisk.action("QueueStatus")
        return alive(channels.events, queue.events), queue.events, channels.events

    async def _missed_since(self) -> tuple[datetime, list[Call]]:
        if self._mark is not None:
            return self._mark.missed_since(self._offset()), self._reducer.calls()
        while True:
            try:
                if self._spooled is None:
                    async with self._database.session() as session:
                        await store_agents(session, self._agents)
                        self._spells.restore(await current_spells(session, self._node))
                    self._spooled, revisions, placed = await asyncio.to_thread(self._read_spool)
                    self.store.put_spells(revisions)
                    self.store.put_outward(placed)
                async with self._database.session() as session:
                    return await known_calls(session, self._node, self._spooled or ())
            except (DBAPIError, OSError) as error:
                log.warning("waiting_for_database", reason=str(error.__cause__ or error))
                await asyncio.sleep(DATABASE_RETRY_SECONDS)

    def _read_spool(self) -> tuple[list[str], list[Revision], list[OutwardCall]]:
        """Take what a router before this one could not store: the calls that it tells of, perhaps only in part.

        No call is stored before Asterisk's records have made it whole.
        """
        touched: dict[str, None] = {}
        revisions: list[Revision] = []
        placed: list[OutwardCall] = []
        for message in self._spool.left():
            touched |= dict.fromkeys(call.call_ref for call in self._reducer.apply(message))
            revisions += self._spells.apply(message)
            placed += outward(message)
        if touched:
            log.info("spool_read", calls=len(touched))
        return list(touched), revisions, placed
