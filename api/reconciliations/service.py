"""Compare a period's stored calls with Asterisk's own records, repair what they settle, keep what was found."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from api.calls.repository import CallFilter, CallRepository
from api.calls.service import store_calls
from api.calls.stored import call_of
from api.kit.clock import now as the_present
from api.kit.database import Sessions
from api.kit.pagination import Cursor, cut
from api.kit.settings import Settings
from api.reconciliations.models import ReconciliationRow
from api.reconciliations.repository import ReconciliationRepository
from telephony.asterisk.directories import SiteDirectories
from telephony.calls.derive import Rules
from telephony.calls.model import Call
from telephony.reconciliation.compare import Findings, compare, repairs
from telephony.reconciliation.difference import Difference
from telephony.reconciliation.records import EDGE, begin_of, cel_calls_between, read_records
from telephony.reconciliation.settle import Settlement, settlement
from telephony.records.errors import RecordsUnreadable

Cause = Literal["asked", "nightly", "resync"]
# What is held in memory and in one transaction at a time.
STEP = timedelta(days=1)
# So many differences are kept of one comparison; all are counted, and the command line prints all.
KEPT = 1000
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """One Asterisk: where its own records lie, and which stored calls are its."""

    log: Path
    recordings: Path
    rules: Rules

    @property
    def node(self) -> str:
        """Return the name of this Asterisk, as its calls bear it."""
        return self.rules.node


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What one comparison of [since, until) looked at and found."""

    since: datetime
    until: datetime
    calls: int
    running: int
    in_records: dict[str, int]
    differences: tuple[Difference, ...]

    @property
    def unsettled(self) -> int:
        """How many differences are left."""
        return sum(not difference.repaired for difference in self.differences)

    def to_json(self) -> dict[str, Any]:
        """Give the shape that the command line prints."""
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "calls": self.calls,
            "running": self.running,
            "in_records": self.in_records,
            "unsettled": self.unsettled,
            "repaired": len(self.differences) - self.unsettled,
            "differences": [difference.to_json() for difference in self.differences],
        }


def source_of(settings: Settings) -> Source:
    """Return the Asterisk of a data directory."""
    directories = SiteDirectories(settings.data_dir)
    rules = Rules(settings.queue.name, settings.queue.short_abandon_seconds, node=settings.node.name)
    return Source(directories.log, settings.recordings_dir, rules)


async def reconcile(
    database: Sessions,
    source: Source,
    since: datetime,
    until: datetime,
    *,
    cause: Cause,
    repair: bool,
    progress: Callable[[Reconciliation, datetime], None] = lambda _so_far, _reached: None,
) -> Reconciliation:
    """Compare the calls offered in [since, until), a day at a time; with `repair`, store what CEL settles.

    `progress` is told what was found so far, and up to when. The result is stored.
    """
    found = Reconciliation(since, until, 0, 0, {}, ())
    at = max(since, await _beginning(database, source, until))
    while at < until:
        end = min(at + STEP, until)
        findings = await _step(database, source, at, end, repair=repair)
        found = Reconciliation(
            since,
            until,
            found.calls + findings.calls,
            found.running + findings.running,
            dict(Counter(found.in_records) + Counter({str(key): n for key, n in findings.in_records.items()})),
            (*found.differences, *findings.differences),
        )
        progress(found, end)
        at = end
    async with database.session() as session:
        await ReconciliationRepository(session).add(_row(found, source.node, cause))
    return found


async def settle(database: Sessions, source: Source, since: datetime, until: datetime) -> Settlement:
    """Store what CEL says otherwise of ended calls that were offered in [since, until).

    Raises RecordsUnreadable.
    """
    stored = await _stored(database, source, since, until)
    told = await asyncio.to_thread(cel_calls_between, source.log, since, until, source.rules)
    found = settlement(stored, told, the_present())
    if found.corrected:
        async with database.session() as session:
            await store_calls(session, found.corrected)
    return found


async def _step(database: Sessions, source: Source, since: datetime, until: datetime, *, repair: bool) -> Findings:
    stored = await _stored(database, source, since, until)
    # In threads: neither events nor requests wait for the reading of a day.
    records = await asyncio.to_thread(read_records, source.log, source.recordings, since, until, source.rules)
    findings = await asyncio.to_thread(compare, stored, records, since, until, the_present())
    if not repair or not (settled := repairs(findings, stored, records)):
        return findings
    async with database.session() as session:
        await store_calls(session, settled)
    stored = await _stored(database, source, since, until)
    left = await asyncio.to_thread(compare, stored, records, since, until, the_present())
    keys = {difference.key for difference in left.differences}
    gone = [each.as_repaired() for each in findings.differences if each.key not in keys]
    return Findings(left.calls, left.running, left.in_records, (*gone, *left.differences))


async def _stored(database: Sessions, source: Source, since: datetime, until: datetime) -> list[Call]:
    calls: list[Call] = []
    cursor: Cursor | None = None
    wanted = CallFilter(since=since - EDGE, until=until + EDGE, node=source.node)
    while True:
        # A page is a transaction: a router stores its calls in between.
        async with database.session() as session:
            rows = await CallRepository(session).page(wanted, cursor, _PAGE)
            calls += [call_of(row) for row in rows]
        if len(rows) < _PAGE:
            return calls
        cursor = Cursor(rows[-1].offered_at, rows[-1].call_ref)


async def _beginning(database: Sessions, source: Source, until: datetime) -> datetime:
    """Return when either side begins: before, there is nothing to compare."""
    async with database.session() as session:
        first = await CallRepository(session).first_offered_at()
    try:
        logged = await asyncio.to_thread(begin_of, source.log)
    except RecordsUnreadable:
        # The comparison tells of it.
        logged = None
    begins = [moment for moment in (first, logged) if moment is not None]
    return min([*begins, until]).astimezone(UTC) - EDGE if begins else until - STEP


def _row(found: Reconciliation, node: str, cause: Cause) -> ReconciliationRow:
    return ReconciliationRow(
        node=node,
        cause=cause,
        since=found.since,
        until=found.until,
        made_at=the_present(),
        calls=found.calls,
        running=found.running,
        in_records=found.in_records,
        unsettled=found.unsettled,
        repaired=len(found.differences) - found.unsettled,
        differences=[difference.to_json() for difference in found.differences[:KEPT]],
    )


async def page(
    session: AsyncSession, cursor: Cursor | None, limit: int
) -> tuple[Sequence[ReconciliationRow], str | None]:
    """Return reconciliations, latest first, and the cursor of the next page. Raises BadCursor."""
    rows = await ReconciliationRepository(session).page(cursor, limit + 1)
    return cut(rows, limit, lambda row: Cursor(row.made_at, str(row.reconciliation_id)))


async def reconciled_words(session: AsyncSession) -> str:
    """Say when calls were last compared with Asterisk's records, and how many differences stand."""
    repository = ReconciliationRepository(session)
    newest = await repository.latest()
    if newest is None:
        return ""
    count = await repository.unsettled(the_present())
    return f"对账 reconciled {newest.made_at:%Y-%m-%d %H:%M} UTC: 差异 differences {count}"
