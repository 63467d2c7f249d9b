import asyncio
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.options import Data, Json
from api.kit.database import Database, url_of
from api.kit.settings import Settings, load
from api.speech.report import Count, Report

app = typer.Typer(help="语音 what agents' corrections teach", no_args_is_help=True)
_MOST_TICKETS = 3


@app.callback()
def speech() -> None:
    """语音 what agents' corrections teach."""


@app.command()
def report(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first day", metavar="DATE")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="last day, included", metavar="DATE")],
    data: Data = None,
    json_output: Json = False,
) -> None:
    """How right the drafts of a period were, what was confused, which words gazetteer and taxonomy lack."""
    found = asyncio.run(_read(load(data), first.date(), last.date()))
    if json_output:
        shape = {"from": f"{first:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}", **found.to_json()}
        typer.echo(json.dumps(shape, ensure_ascii=False, indent=2))
    else:
        _show(found, Console())


async def _read(settings: Settings, first: date, last: date) -> Report:
    from api.speech import service  # noqa: PLC0415 - what learns of sentences is slow to load
    from asr.draft import load_taxonomy  # noqa: PLC0415

    database = Database(url_of(settings), pool_size=1)
    try:
        gazetteer = await service.gazetteer_of(settings.config_dir)
        taxonomy = load_taxonomy(settings.config_dir / "taxonomy.toml")
        async with database.session() as session:
            return await service.make_report(session, first, last, settings.timezone, taxonomy, gazetteer)
    finally:
        await database.close()


def _show(found: Report, console: Console) -> None:
    fields = Table("字段 field", "草稿 drafts", "未改 unchanged", "改正 corrected", "空 left empty", "准确 accuracy")
    for name, figures in found.fields.items():
        share = (
            "–" if figures.accuracy is None else f"{figures.accuracy:.1%} = {len(figures.unchanged)}/{figures.decided}"
        )
        numbers = (figures.drafts, len(figures.unchanged), len(figures.corrected), len(figures.left_empty))
        fields.add_row(name, *map(str, numbers), share)
    console.print(fields)
    _list(console, "混淆 confusions (机器 machine → 话务员 agent)", found.confusions)
    _list(console, "地名库缺 places that the gazetteer lacks", found.places_lacking)
    _list(console, "词表缺 words that the taxonomy lacks", found.words_lacking)


def _list(console: Console, title: str, counts: Sequence[Count]) -> None:
    console.print(f"\n{title}", markup=False)
    for each in counts:
        what = " → ".join(str(value or "–") for value in each.what.values())
        more = " …" if len(each.ticket_ids) > _MOST_TICKETS else ""
        shown = ", ".join(each.ticket_ids[:_MOST_TICKETS])
        console.print(f"  {len(each.ticket_ids)} × {what}   ({shown}{more})", markup=False, highlight=False)
