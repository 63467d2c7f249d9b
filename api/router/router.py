"""AMI events → reducer → stored calls; after every gap, what was missed comes from Asterisk's own records."""

import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import DBAPIError

from api.accounts.service import store_agents
from api.agents.desks import load_desks
from api.agents.routing import load_routing
from api.commands.service import MAIN_NODE
from api.enforcement.loop import Enforcement
from api.heartbeats.service import Pulse, beat
from api.kit import logs
from api.kit.database import Database, url_of
from api.kit.settings import Settings
from api.router.advisor import WANTED_EVENTS as ADVISOR_EVENTS
from api.router.advisor import Advisor
from api.router.commands import Executor
from api.router.known import known_calls
from api.router.store import CallStore
from api.supervisor.site import asterisk_site
from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection, Gap
from telephony.ami.errors import AmiError
from telephony.ami.protocol import AmiMessage
from telephony.calls.derive import Rules
from telephony.calls.model import Call
from telephony.calls.reducer import WANTED_EVENTS, Reducer
from telephony.calls.resync import alive, end_unaccounted
from telephony.records.complete import recover
from telephony.records.errors import RecordsUnreadable

log = logs.get(__name__)
# Asterisk writes its records a moment after it tells of the same events.
RECORDS_SETTLE_SECONDS = 0.5
DATABASE_RETRY_SECONDS = 1.0
GAP_MARGIN = timedelta(minutes=1)


class Router:
    """One Asterisk's events into calls; `run` is one consumer of one connection."""

    def __init__(self, settings: Settings, database: Database, asterisk: AmiConnection) -> None:
        site = asterisk_site(settings)
        self._records = site.directories.log
        self._agents = {seat.extension: seat.name for seat in site.agents}
        self._reducer = Reducer(Rules(settings.queue.name, settings.queue.short_abandon_seconds))
        self._database = database
        self._asterisk = asterisk
        self.store = CallStore(database)
        reach = Reach.of(site)
        self.advisor = Advisor(
            database,
            asterisk,
            reach,
            load_routing(settings.config_dir),
            load_desks(settings.config_dir),
            MAIN_NODE,
            never_held=frozenset(seat.extension for seat in site.agents if seat.drill),
        )
        self.executor = Executor(database, asterisk, reach, self.advisor, MAIN_NODE)
        # Until when nothing was missed: None before the first resync, standing still while one is owed.
        self._complete_until: float | None = None
        self._resync_owed = True

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
        return Pulse(self.store.lag_seconds, state + waiting)

    def _take(self, message: AmiMessage) -> None:
        changed = self._reducer.apply(message)
        self.store.put(changed)
        self.advisor.hear(message)
        self.advisor.take(changed)
        if not self._resync_owed:
            self._complete_until = time.time()

    async def _resync(self) -> None:
        """Complete what was missed. Asterisk going away meanwhile is no harm: the next connection resyncs again."""
        self._resync_owed = True
        began = time.time()
        since, known = await self._missed_since()
        try:
            changed = await self._read_records(since, known)
            first = await self._alive()
            # Read again: a call may have ended, or begun, between the records and the answer.
            await asyncio.sleep(RECORDS_SETTLE_SECONDS)
            changed += await self._read_records(since, known)
            second = await self._alive()
        except AmiError as error:
            log.warning("resync_cut_short", reason=str(error))
            return
        except RecordsUnreadable as error:
            log.error("records_unreadable", reason=str(error))  # noqa: TRY400 - the message says it all
            return
        there = first | second
        forgotten = [call for call in known if not self._reducer.knows(call.call_ref)]
        lost = [*self._reducer.end_lost(there), *end_unaccounted(forgotten, there)]
        self.store.put([*changed, *lost])
        self.advisor.take([*changed, *lost])
        self._complete_until, self._resync_owed = began, False
        log.info("resynced", since=since.isoformat(), completed=len(changed), lost=len(lost))

    async def _read_records(self, since: datetime, known: list[Call]) -> list[Call]:
        # In a thread: the file may be long. Nothing else uses the reducer meanwhile, `run` has one consumer.
        changed = await asyncio.to_thread(recover, self._reducer, self._records, since, known, None)
        self.store.put(changed)
        return changed

    async def _alive(self) -> frozenset[str]:
        channels = await self._asterisk.action("CoreShowChannels")
        queue = await self._asterisk.action("QueueStatus")
        return alive(channels.events, queue.events)

    async def _missed_since(self) -> tuple[datetime, list[Call]]:
        if self._complete_until is not None:
            return datetime.fromtimestamp(self._complete_until, UTC) - GAP_MARGIN, self._reducer.calls()
        while True:
            try:
                async with self._database.session() as session:
                    await store_agents(session, self._agents)
                    return await known_calls(session)
            except (DBAPIError, OSError) as error:
                log.warning("waiting_for_database", reason=str(error.__cause__ or error))
                await asyncio.sleep(DATABASE_RETRY_SECONDS)


async def run_router(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; what is known is stored before it ends."""
    logs.configure("router")
    stopping = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
    database = Database(url_of(settings), pool_size=3)
    site = asterisk_site(settings)
    asterisk = AmiConnection(
        settings.ami.host, site.ami_port, site.ami_user, site.ami_secret, wanted=WANTED_EVENTS | ADVISOR_EVENTS
    )
    try:
        async with asterisk, asyncio.TaskGroup() as tasks:
            router = Router(settings, database, asterisk)
            desks = (settings.queue.name, *(desk.name for desk in site.desks))
            usual = {(desk, seat.extension): penalty for desk in desks for seat, penalty in site.members(desk)}
            enforcement = Enforcement(database, settings.config_dir, settings.timezone, usual)
            running = [
                tasks.create_task(router.run(), name="events"),
                tasks.create_task(router.store.run(), name="store"),
                tasks.create_task(router.advisor.run(), name="advisor"),
                tasks.create_task(router.executor.run(), name="commands"),
                tasks.create_task(beat(database, "router", router.pulse), name="heartbeat"),
                tasks.create_task(enforcement.run(), name="enforcement"),
                tasks.create_task(beat(database, "enforcement", enforcement.pulse), name="enforcement heartbeat"),
            ]
            await stopping.wait()
            for task in running:
                task.cancel()
        await router.store.flush()
    finally:
        await database.close()
