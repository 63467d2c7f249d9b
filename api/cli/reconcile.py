import asyncio
import json
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.exc import SQLAlchemyError

from api.cli.options import Data, Json
from api.kit import clock
from api.kit.database import Database, url_of
from api.kit.settings import Settings, load
from api.reconciliations import service
from api.reconciliations.service import Reconciliation
from telephony.reconciliation.difference import Difference


class DatabaseAwayError(Exception):
    """What is stored cannot be read, so nothing can be compared with it."""

    error_id = "reconcile.database_away"


Moment = Annotated[str, typer.Option("--to", help="last day, included, or a moment; now if left out", metavar="TIME")]


def reconcile(
    first: Annotated[str, typer.Option("--from", help="first day (2026-11-25) or moment (2026-11-25T08:00)")],
    last: Moment = "",
    repair: Annotated[bool, typer.Option("--repair", help="store what Asterisk's CEL settles")] = False,
    data: Data = None,
    json_output: Json = False,
) -> None:
    """Compare stored calls with Asterisk's own records and print every difference; ends with 1 when one is left."""
    settings = load(data)
    since, until = period(first, last, clock.now(), settings.timezone)
    found = asyncio.run(_reconcile(settings, since, until, repair=repair))
    if json_output:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    else:
        for difference in found.differences:
            typer.echo(line(difference))
        typer.echo(summary(found, settings.timezone))
    if found.unsettled:
        raise typer.Exit(1)


def period(first: str, last: str, now: datetime, timezone: str) -> tuple[datetime, datetime]:
    """Return [from, to) of what a person wrote: days of the city (the last one included) or moments, not beyond now.

    Raises typer.BadParameter.
    """
    since = _moment(first, "--from", timezone)[0]
    until = min(now, _moment(last, "--to", timezone)[1]) if last else now
    if since >= until:
        raise typer.BadParameter(
            f"the period ends ({until:%F %T}) before it begins ({since:%F %T})", param_hint="--from"
        )
    return since, until


def _moment(text: str, option: str, timezone: str) -> tuple[datetime, datetime]:
    """Return start and end of the day or moment written."""
    try:
        return clock.date_bounds(date.fromisoformat(text), timezone)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        example = "a day (2026-11-25) or a moment (2026-11-25T08:00, in the city's zone, or with its own: …+08:00)"
        raise typer.BadParameter(f"{text!r} is neither; write {example}", param_hint=option) from error
    at = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))
    return at, at


async def _reconcile(settings: Settings, since: datetime, until: datetime, *, repair: bool) -> Reconciliation:
    database = Database(url_of(settings), pool_size=2)
    try:
        return await service.reconcile(
            database, service.source_of(settings), since, until, cause="asked", repair=repair, progress=_tell_progress
        )
    except (SQLAlchemyError, OSError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise DatabaseAwayError(
            f"数据库无应答 the database does not answer ({reason}): start it, `zhitong up`."
        ) from error
    finally:
        await database.close()


def _tell_progress(so_far: Reconciliation, reached: datetime) -> None:
    """Show how far a period of more than a day has come."""
    if so_far.until - so_far.since > timedelta(days=1):
        share = (reached - so_far.since) / (so_far.until - so_far.since)
        typer.echo(
            f"{share:4.0%}  {reached:%F %H:%M}  来电 calls {so_far.calls}  差异 differences {len(so_far.differences)}",
            err=True,
        )


def line(difference: Difference) -> str:
    """Return a difference as a person reads it."""
    shape = difference.to_json()
    mark = "已修复 repaired" if difference.repaired else "差异 difference"
    return (
        f"{mark}  {difference.call_ref or '-'}  {difference.field}: 库 database={shape['stored'] or '-'}  "
        f"{difference.record}={shape['recorded'] or '-'}\n    {shape['advice']}"
    )


def summary(found: Reconciliation, timezone: str) -> str:
    """Return the last line: what was compared, and with how many differences."""
    zone = ZoneInfo(timezone)
    records = ", ".join(f"{name} {count}" for name, count in sorted(found.in_records.items()))
    repaired = len(found.differences) - found.unsettled
    return (
        f"核对 reconciled {found.since.astimezone(zone):%F %T} – {found.until.astimezone(zone):%F %T}: "
        f"来电 calls {found.calls} (进行中 running {found.running}); {records or 'no records'}; "
        f"差异 differences {found.unsettled}" + (f", 已修复 repaired {repaired}" if repaired else "")
    )
