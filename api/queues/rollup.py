"""Quarters that changed are counted again, soon; until then their figures come from the calls themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.database import Database
from api.queues.period import QUARTER, Period, quarter_of
from api.queues.repository import RollupRepository

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
        await repository.count_anew(spans(quarters))
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

    Quarters that are marked are known to be out of date: they are no difference.
    """
    repository = RollupRepository(session)
    await repository.lock()
    whole = Period(quarter_of(period.since), quarter_of(period.until - timedelta(microseconds=1)) + QUARTER)
    marked = {moment.isoformat() for moment in await repository.marked(whole)}
    before = await repository.stored(whole)
    await repository.count_anew([whole])
    after = await repository.stored(whole)
    return [
        Difference(row, before.get(row), after.get(row))
        for row in sorted(before.keys() | after.keys())
        if before.get(row) != after.get(row) and row[-1] not in marked
    ]


def spans(quarters: Sequence[datetime]) -> list[Period]:
    """Return quarters, in order, as spans without a gap."""
    found: list[Period] = []
    for quarter in quarters:
        if found and found[-1].until == quarter:
            found[-1] = Period(found[-1].since, quarter + QUARTER)
        else:
            found.append(Period(quarter, quarter + QUARTER))
    return found
