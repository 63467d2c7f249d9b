import asyncio
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from api.cli.options import Data, Json
from api.heartbeats.models import HeartbeatRow
from api.heartbeats.service import fresh
from api.kit.database import Database, url_of
from api.kit.settings import Settings, load
from api.live.repository import ClaimRepository, LiveFigures
from api.reconciliations.service import reconciled_words
from api.recordings.repository import RecordingRepository
from api.supervisor import PartState, read_states
from api.supervisor.machine import answers, asterisk_greets

PARTS = ("postgres", "asterisk", "router", "worker", "api")


@dataclass(frozen=True, slots=True)
class Status:
    """One part now.

    `lag_seconds`: of the router, its events' age when stored; of the worker, how far words are behind speech, be it the
    age of the oldest recording that waits, or what is recorded and not yet decoded of a live call.
    """

    part: str
    up: bool
    since: str | None = None
    pid: int | None = None
    restarts: int | None = None
    lag_seconds: float | None = None
    detail: str | None = None


def status(
    part: Annotated[str | None, typer.Argument(help=f"only this part: {', '.join(PARTS)}")] = None,
    data: Data = None,
    json_output: Json = False,
) -> None:
    """Each part: up or not, since when, how far behind. Ends with 1 when one asked for is down."""
    if part is not None and part not in PARTS:
        raise typer.BadParameter(f"there is no part {part!r}; the parts are {', '.join(PARTS)}")
    statuses = [status for status in asyncio.run(read(load(data))) if part in {None, status.part}]
    if json_output:
        typer.echo(json.dumps({status.part: asdict(status) for status in statuses}, ensure_ascii=False, indent=2))
    else:
        Console().print(_table(statuses))
    if not all(status.up for status in statuses):
        raise typer.Exit(1)


async def read(settings: Settings) -> list[Status]:
    """Ask every part for itself: a running process that does not do its work is down."""
    states = {name: state for name, state in read_states(settings.data_dir / "run").items() if state.alive}
    database = Database(url_of(settings), pool_size=1)
    beats: list[HeartbeatRow] = []
    lags: dict[str, float | None] = {}
    node = settings.node.name
    database_up, database_says, worker_says, router_says = True, None, "", ""
    try:
        # What serves another node is shown by that node's own status; of the rest, whoever is at work counts.
        beats = sorted(
            (beat for beat in await fresh(database) if beat.node in {None, node}), key=lambda b: not b.standby
        )
        lags = {beat.process: beat.lag_seconds for beat in beats}
        async with database.session() as session:
            waiting = await RecordingRepository(session).oldest_untranscribed_seconds()
            live = await ClaimRepository(session).figures()
            lags["worker"] = max(waiting or 0.0, live.lag_seconds)
            worker_says = live_words(live)
            router_says = await reconciled_words(session)
    except (SQLAlchemyError, OSError) as error:
        database_up, database_says = False, str(error.__cause__ or error).splitlines()[0]
    finally:
        await database.close()
    asterisk, api = await asyncio.gather(asterisk_greets(settings), answers(settings, "/readyz"))
    return [
        _from_state("postgres", database_up, states.get("postgres"), database_says),
        _from_state("asterisk", asterisk, states.get("asterisk")),
        _from_beats("router", beats, states.get("router"), lags.get("router"), router_says),
        _from_beats("worker", beats, states.get("worker"), lags.get("worker"), worker_says),
        _from_state("api", api, states.get("api")),
    ]


def live_words(live: LiveFigures) -> str:
    """Say what all workers together transcribe live, and what is too much for them."""
    said = f"通话中转写 live: {live.calls}"
    if live.calls:
        said += f", {live.lag_seconds:.1f} s"
    return said + (f"; 通话后转写 deferred: {live.deferred_now}" if live.deferred_now else "")


def _from_state(part: str, up: bool, state: PartState | None, detail: str | None = None) -> Status:
    if state is None:
        return Status(part, up, detail=detail)
    return Status(part, up, state.since, state.pid, state.restarts, detail=detail)


def _from_beats(
    part: str, beats: list[HeartbeatRow], state: PartState | None, lag_seconds: float | None, says: str = ""
) -> Status:
    mine = [beat for beat in beats if beat.process == part]
    if not mine:
        return _from_state(part, False, state, "no sign of life")
    newest = mine[-1]
    standing_by = len([beat for beat in mine if beat.standby and beat is not newest])
    more = f"备用 standby: {standing_by}" if standing_by else None
    return Status(
        part,
        True,
        newest.started_at.astimezone(UTC).isoformat(),
        newest.pid,
        state.restarts if state else None,
        lag_seconds,
        "; ".join(filter(None, (newest.detail, more, says))) or None,
    )


def _table(statuses: list[Status]) -> Table:
    table = Table("部件 part", "状态 up", "已运行 for", "进程 pid", "重启 restarts", "滞后 lag", "说明 detail")
    for status in statuses:
        age = ""
        if status.since:
            age = f"{(datetime.now(UTC) - datetime.fromisoformat(status.since)).total_seconds():.0f} s"
        table.add_row(
            status.part,
            "[green]在 up[/]" if status.up else "[red]不在 down[/]",
            age,
            str(status.pid or ""),
            str(status.restarts if status.restarts is not None else ""),
            "" if status.lag_seconds is None else f"{status.lag_seconds:.2f} s",
            status.detail or "",
        )
    return table
