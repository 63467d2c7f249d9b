import asyncio
import json
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from api.cli.options import Data, Json
from api.console import promises
from api.console.words import clock_time
from api.enforcement import service
from api.enforcement.repository import ActFilter
from api.kit import clock
from api.kit.database import Database, url_of
from api.kit.pagination import Cursor
from api.kit.settings import Settings, load

app = typer.Typer(help="处置 what was done about promises to callers", no_args_is_help=True)
_BATCH = 500


@app.callback()
def enforcement() -> None:
    """处置 what was done about promises to callers."""


@app.command("list")
def list_acts(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="a day of the city (default: today)", metavar="DATE")
    ] = None,
    data: Data = None,
    json_output: Json = False,
) -> None:
    """List the acts of a day: what asked for each, what was ordered, what it achieved, when it was undone."""
    settings = load(data)
    acts = asyncio.run(_read(settings, day))
    if json_output:
        typer.echo(json.dumps(acts, ensure_ascii=False, indent=2))
    else:
        Console().print(_table(acts, settings.timezone))


async def _read(settings: Settings, day: datetime | None) -> list[dict[str, Any]]:
    chosen = day.date() if day else clock.local_date(clock.now(), settings.timezone)
    since, until = clock.date_bounds(chosen, settings.timezone)
    database = Database(url_of(settings), pool_size=1)
    acts: list[dict[str, Any]] = []
    cursor: Cursor | None = None
    try:
        while True:
            async with database.session() as session:
                found, following = await service.page(session, ActFilter(since, until), cursor, _BATCH)
            acts += map(service.act_json, found)
            if following is None:
                return acts[::-1]
            cursor = Cursor.decode(following)
    finally:
        await database.close()


def _table(acts: list[dict[str, Any]], timezone: str) -> Table:
    table = Table(
        "时间 when",
        "指标 target",
        "触发值 figure",
        "动作 act",
        "命令 orders",
        "5 分钟后 after",
        "15 分钟后",
        "解除 undone",
    )
    for act in acts:
        unit = act["target"]["unit"]
        effects = [promises.became(act, after) for after in (300, 900)]
        table.add_row(
            clock_time(act["done_at"], timezone),
            f"{act['target']['zh']} {act['target']['en']}",
            " ".join(filter(None, (promises.amount(act["figure"]["value"], unit), promises.fraction(act["figure"])))),
            " ".join(promises.ACTS[act["act"]]),
            ", ".join(_ordered(order) for order in promises.orders(act)),
            *("" if effect is None else promises.amount(effect["value"], unit) for effect in effects),
            clock_time(act["undone_at"], timezone) if act["undone_at"] else "执行中 in force",
        )
    return table


def _ordered(order: dict[str, Any]) -> str:
    verb = "恢复" if order["undo"] else promises.VERBS[order["verb"]][0]
    place = order["place"] and f"@{order['place']}"
    parts = (order["subject"], place, verb, order["detail"], order["result"] or "")
    return " ".join(str(part) for part in parts if part != "")
