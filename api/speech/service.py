"""The learning report of a period, and its corrections as a spreadsheet."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.kit import clock
from api.kit.listing import Listing
from api.kit.pagination import Cursor, cut
from api.kit.problems import BadRequest
from api.speech.report import Report, report
from api.speech.repository import SpeechRepository
from asr.draft import Gazetteer, Taxonomy, load_gazetteer

COLUMNS = (
    "correction_id",
    "made_at",
    "ticket_id",
    "call_ref",
    "field",
    "machine_value",
    "machine_confidence",
    "agent_value",
    "model",
    "draft_version",
    "made_by",
)


class BadPeriod(BadRequest):
    """The period ends before it begins."""

    error_id = "bad_period"


async def gazetteer_of(config_dir: Path) -> Gazetteer:
    """Return the city's gazetteer, as its files are now."""
    return await asyncio.to_thread(load_gazetteer, config_dir / "gazetteer")


async def make_report(
    session: AsyncSession, first: date, last: date, timezone: str, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> Report:
    """Report on the tickets drafted from the city's day `first` to `last`, both included. Raises BadPeriod."""
    _check(first, last)
    since, until = clock.date_bounds(first, timezone)[0], clock.date_bounds(last, timezone)[1]
    repository = SpeechRepository(session)
    return report(
        await repository.drafts(since, until),
        await repository.decisions(since, until),
        await repository.left_empty(since, until),
        await repository.told(since, until),
        gazetteer.names,
        {matter.code: (*matter.strong, *matter.phrases) for matter in taxonomy.matters},
    )


def corrections(first: date, last: date, timezone: str) -> Listing:
    """Return the list of all that agents confirmed and corrected on these days, latest first. Raises BadPeriod."""
    _check(first, last)
    since, until = clock.date_bounds(first, timezone)[0], clock.date_bounds(last, timezone)[1]

    async def rows(session: AsyncSession, cursor: Cursor | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        found = await SpeechRepository(session).corrections(since, until, cursor, limit + 1)
        shown, following = cut(found, limit, lambda row: Cursor(row.made_at, str(row.correction_id)))
        return [{name: getattr(row, name) for name in COLUMNS} for row in shown], following

    return Listing("corrections", COLUMNS, rows)


def _check(first: date, last: date) -> None:
    if last < first:
        raise BadPeriod(
            f"结束日期早于开始日期。 The period ends ({last}) before it begins ({first}): exchange from and to."
        )
