"""The learning report of a period, and its corrections as a spreadsheet."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.calls.export import BOM, cell
from api.kit import clock
from api.kit.database import Database
from api.kit.pagination import Cursor
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
_BATCH = 500


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


def download(database: Database, first: date, last: date, timezone: str) -> StreamingResponse:
    """Answer with all that agents confirmed and corrected on these days, as a file of a spreadsheet.

    Raises BadPeriod.
    """
    _check(first, last)
    return StreamingResponse(
        _pages(database, first, last, timezone),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="corrections.csv"', "Cache-Control": "no-store"},
    )


async def _pages(database: Database, first: date, last: date, timezone: str) -> AsyncIterator[str]:
    since, until = clock.date_bounds(first, timezone)[0], clock.date_bounds(last, timezone)[1]
    out = io.StringIO()
    writer = csv.writer(out)
    out.write(BOM)
    writer.writerow(COLUMNS)
    cursor: Cursor | None = None
    more = True
    while more:
        # A page is a transaction: a year's export holds none open.
        async with database.session() as session:
            rows = await SpeechRepository(session).corrections(since, until, cursor, _BATCH)
        writer.writerows([cell(getattr(row, name)) for name in COLUMNS] for row in rows)
        yield out.getvalue()
        out.seek(0)
        out.truncate()
        more = len(rows) == _BATCH
        if rows:
            cursor = Cursor(rows[-1].made_at, str(rows[-1].correction_id))


def _check(first: date, last: date) -> None:
    if last < first:
        raise BadPeriod(
            f"结束日期早于开始日期。 The period ends ({last}) before it begins ({first}): exchange from and to."
        )
