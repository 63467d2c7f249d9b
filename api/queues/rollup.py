"""Quarters that changed are counted again, soon; until then their figures come from the calls themselves."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.database import Database
from api.queues.period import DAY, QUARTER, Period, day_of, joined, quarter_of
from api.queues.repository import DAY_TABLES, QUARTER_TABLES, RollupRepository

# Counted in one transaction: two days.
_MOST = 192


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that was counted otherwise than its calls say now."""

    row: tuple[str, ...]
    was: tuple[object, ...] | None
    is_now: tuple[object, ...] | None


async def roll_up(session: AsyncSession) -> int:
    """Count the oldest marked quarters again and return how many; none while somebody else counts."""
    repository = RollupRepository(session)
    if not await repository.try_lock():
        return 0
    quarters = await repository.take_marks(_MOST)
    if quarters:
        await repository.count_anew(joined(Period(moment, moment + QUARTER) for moment in quarters))
    return len(quarters)


async def roll_up_all(database: Database) -> int:
    """Count every marked quarter again, some in each transaction; returns how many."""
    counted = 0
    while True:
        async with database.session() as session:
            number = await roll_up(session)
        counted += number
        if number < _MOST:
            return counted


async def recompute(session: AsyncSession, period: Period) -> list[Difference]:
    """Count all quarters that a period touches anew from calls and spells, and return what was counted otherwise.

    Quarters that are marked are known to be out of date, and so are their days: they are no difference.
    """
    repository = RollupRepository(session)
    await repository.lock()
    whole = Period(quarter_of(period.since), quarter_of(period.until - timedelta(microseconds=1)) + QUARTER)
    days = Period(day_of(whole.since), day_of(whole.until - QUARTER) + DAY)
    marked = await repository.marked(days)
    known = {(table, moment) for table in QUARTER_TABLES for moment in marked}
    known |= {(table, day_of(moment)) for table in DAY_TABLES for moment in marked}
    before = await repository.stored(whole, days)
    await repository.count_anew([whole])
    after = await repository.stored(whole, days)
    return [
        Difference((*row[:-1], row[-1].isoformat()), before.get(row), after.get(row))
        for row in sorted(before.keys() | after.keys())
        if before.get(row) != after.get(row) and (row[0], row[-1]) not in known
    ]
