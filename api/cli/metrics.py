import asyncio
import json
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from api.cli.options import Data, Json
from api.kit.clock import date_bounds
from api.kit.database import Database, url_of
from api.kit.settings import Settings, load
from api.queues import rollup
from api.queues.period import Period
from api.queues.rollup import Difference

app = typer.Typer(help="指标 the queue's figures", no_args_is_help=True)
# Counted anew in one transaction.
_STEP = timedelta(days=7)
_MOST_SHOWN = 20


@app.callback()
def metrics() -> None:
    """指标 the queue's figures."""


@app.command()
def recompute(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first day", metavar="DATE")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="last day, included", metavar="DATE")],
    data: Data = None,
    json_output: Json = False,
) -> None:
    """重算 count every quarter-hour anew from the calls; ends with status 1 when one had been counted otherwise."""
    settings = load(data)
    since, _ = date_bounds(first.date(), settings.timezone)
    _, until = date_bounds(last.date(), settings.timezone)
    if until <= since:
        raise typer.BadParameter("the last day lies before the first")
    found = asyncio.run(_recompute(settings, Period(since, until)))
    if json_output:
        typer.echo(json.dumps([_json(each) for each in found], ensure_ascii=False, indent=2))
    else:
        _show(found, settings, Console())
    if found:
        raise typer.Exit(1)


async def _recompute(settings: Settings, period: Period) -> list[Difference]:
    database = Database(url_of(settings), pool_size=1)
    found: list[Difference] = []
    try:
        start = period.since
        while start < period.until:
            end = min(start + _STEP, period.until)
            async with database.session() as session:
                found += await rollup.recompute(session, Period(start, end))
            start = end
    finally:
        await database.close()
    return found


def _json(each: Difference) -> dict[str, object]:
    return {"row": each.row, "was": each.was, "is_now": each.is_now}


def _show(found: list[Difference], settings: Settings, console: Console) -> None:
    if not found:
        console.print("重算一致 every quarter had been counted as it is now.")
        return
    console.print(f"不一致 {len(found)} rows had been counted otherwise, and are right now:")
    for each in found[:_MOST_SHOWN]:
        table, queue, agent, quarter = each.row
        at = datetime.fromisoformat(quarter).astimezone(ZoneInfo(settings.timezone))
        console.print(
            f"  {at:%Y-%m-%d %H:%M} {table} {queue} {agent}: {each.was} → {each.is_now}", markup=False, highlight=False
        )
    if len(found) > _MOST_SHOWN:
        console.print(f"  … {len(found) - _MOST_SHOWN} more (--json shows all)")
