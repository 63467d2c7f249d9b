"""When the router compares: after every gap its range, each night the day before, and ended calls every few minutes."""

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.exc import DBAPIError

from api.kit import clock, logs
from api.kit.database import Sessions
from api.kit.settings import Settings
from api.reconciliations.repository import ReconciliationRepository
from api.reconciliations.service import Cause, reconcile, settle, source_of
from api.router.store import CallStore
from telephony.reconciliation.compare import SETTLED_AFTER
from telephony.reconciliation.records import LONGEST_CALL
from telephony.records.errors import RecordsUnreadable

log = logs.get(__name__)
# Looked at this often: the night may come while the database is away.
_LOOK_SECONDS = 60.0
_STORE_SECONDS = 0.2
# All are counted and stored; a log that a thousand lines push out helps nobody.
_LOGGED = 20


class Reconciler:
    """Compares what the router stored with what its Asterisk wrote; one comparison at a time."""

    def __init__(self, settings: Settings, database: Sessions, store: CallStore) -> None:
        self._settings = settings
        self._source = source_of(settings)
        self._database = database
        self._store = store
        self._gap: tuple[datetime, datetime] | None = None
        self._asked = asyncio.Event()
        self._settle_every = timedelta(minutes=settings.reconcile.settle_minutes)
        self._settled_at = clock.now()
        # Whom an earlier router left open may have begun so long ago.
        self._open_since = self._settled_at - LONGEST_CALL

    def after_gap(self, since: datetime, until: datetime) -> None:
        """Ask for the range of a gap that was completed just now; ranges that wait together become one."""
        earlier = self._gap or (since, until)
        self._gap = min(since, earlier[0]), max(until, earlier[1])
        self._asked.set()

    async def run(self) -> None:
        """Compare until cancelled. A database that is away is waited for: what was asked for is not forgotten."""
        while True:
            try:
                await self._gap_due()
                await self._settling_due(clock.now())
                await self._night_due(clock.now())
            except (DBAPIError, OSError) as error:
                log.warning("reconciliation_waits_for_database", reason=str(error.__cause__ or error))
            self._asked.clear()
            try:
                async with asyncio.timeout(min(_LOOK_SECONDS, self._settle_every.total_seconds())):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def _gap_due(self) -> None:
        if self._gap is None:
            return
        # What happened at the end of the gap settles first, in Asterisk's files and in the database.
        await asyncio.sleep(SETTLED_AFTER.total_seconds())
        while self._store.waiting:
            await asyncio.sleep(_STORE_SECONDS)
        since, until = self._gap
        await self._compare(since, until, "resync")
        if self._gap == (since, until):
            self._gap = None
        else:
            self._asked.set()

    async def _settling_due(self, now: datetime) -> None:
        """Give the calls that ended since the last look CEL's times; what CEL cannot tell waits for the night."""
        if timedelta(0) <= now - self._settled_at < self._settle_every:
            return
        try:
            found = await settle(self._database, self._source, self._open_since, now)
        except RecordsUnreadable as error:
            log.warning("calls_not_settled", reason=str(error))
        else:
            # One look overlaps the next: who was offered may have been on the way to the database.
            self._open_since = max(min(found.open_since or now, self._settled_at), now - LONGEST_CALL)
            log.info("calls_settled", calls=found.calls, corrected=len(found.corrected))
        self._settled_at = now

    async def _night_due(self, now: datetime) -> None:
        since, until = last_night(now, self._settings)
        async with self._database.session() as session:
            done = await ReconciliationRepository(session).covers(self._source.node, "nightly", since, until)
        if not done:
            await self._compare(since, until, "nightly")

    async def _compare(self, since: datetime, until: datetime, cause: Cause) -> None:
        found = await reconcile(self._database, self._source, since, until, cause=cause, repair=True)
        level = log.warning if found.differences else log.info
        level(
            "reconciled",
            cause=cause,
            since=found.since.isoformat(),
            until=found.until.isoformat(),
            calls=found.calls,
            differences=found.unsettled,
            repaired=len(found.differences) - found.unsettled,
        )
        for difference in found.differences[:_LOGGED]:
            log.warning("difference", **difference.to_json())


def last_night(now: datetime, settings: Settings) -> tuple[datetime, datetime]:
    """Return the newest day of the city, as [start, end), that is due: each is, at the hour set for the next night."""
    zone = ZoneInfo(settings.timezone)
    local = now.astimezone(zone)
    days = 1 if local.time() >= settings.reconcile.nightly_at else 2
    return clock.date_bounds((local - timedelta(days=days)).date(), settings.timezone)
