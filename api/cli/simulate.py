import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer

from api.cli.options import Json
from api.kit.settings import load
from telephony.calls.facts import Microseconds
from telephony.simulation.demand import BUSIEST_HOUR, HOUR, STORM, day, rush
from telephony.simulation.pace import steady
from telephony.simulation.plan import Plan, make_plan

Outcome = TypeVar("Outcome")


def simulate(
    calls: Annotated[int, typer.Option("--calls", min=1, max=1_000_000, help="来电数 how many calls (--day: a day's)")],
    speed: Annotated[float, typer.Option("--speed", min=0.1, max=10_000, help="倍速 times real time")],
    whole_day: Annotated[bool, typer.Option("--day", help="全天 a whole day by its hours, not one rush")] = False,
    peak: Annotated[float, typer.Option("--peak", min=0.1, max=20, help="高峰倍数 times the busiest hour")] = STORM,
    agents: Annotated[int, typer.Option("--agents", min=1, max=900, help="座席 how many agents")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="随机种子 the same seed gives the same calls")] = 12345,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="空目录 an empty directory (default: ZHITONG_DATA, else a temporary one)", metavar="DIR"
        ),
    ] = None,
    json_output: Json = False,
) -> None:
    """Many calls through router, database and pages, without Asterisk; ends with 1 when one is lost or wrong."""
    from api.simulation.run import simulate as run  # noqa: PLC0415 - only this command runs a simulation

    midnight = next_midnight(load(data).timezone)
    plan = plan_of(calls, peak, agents, seed, midnight, whole_day=whole_day)

    def say(line: str) -> None:
        typer.echo(f"  {line}", err=True)

    with tempfile.TemporaryDirectory(prefix="zhitong-simulate-") as scratch:
        own = data or (Path(os.environ["ZHITONG_DATA"]) if os.environ.get("ZHITONG_DATA") else None)
        Path(scratch).chmod(0o755)
        directory = (own or Path(scratch) / "data").absolute()
        report = asyncio.run(_stoppable(run(directory, plan, steady(plan.begins_at, speed), say)))
    if json_output:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        for line in report.lines():
            typer.echo(line)
    if not report.verdict.faultless:
        raise typer.Exit(1)


async def _stoppable(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Let SIGTERM end the work as Ctrl-C does: a database must not outlive it."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None


def next_midnight(timezone: str) -> Microseconds:
    """Give the next midnight of the city.

    Simulated time lies ahead of the wall clock: a router that lost the connection then reads every record again, and
    never believes that what it missed is long past.
    """
    now = datetime.now(ZoneInfo(timezone))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return int(midnight.timestamp()) * 1_000_000


def plan_of(calls: int, peak: float, agents: int, seed: int, midnight: Microseconds, *, whole_day: bool) -> Plan:
    """Plan a day of `calls` with its busiest hour times `peak`, or so many calls as dense as in that hour."""
    if whole_day:
        return make_plan(day(calls, peak, midnight, seed), agents, seed)
    return make_plan(rush(calls, peak, midnight + BUSIEST_HOUR * HOUR, seed), agents, seed)
