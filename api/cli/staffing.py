import asyncio
import json
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from api.cli.options import Data, Json
from api.kit import clock
from api.kit.database import Database, url_of
from api.kit.settings import Settings, load
from api.staffing.forecast import DayForecast
from api.staffing.plan import Period
from api.staffing.policy import load_policy
from api.staffing.service import Plan, Question, make_plan
from api.staffing.weeks import days_of, week_of
from api.staffing.words import ASSUMED, BASIS, KINDS, WEEKDAYS


def staffing(
    week: Annotated[
        str | None, typer.Option("--week", help="ISO week like 2026-W49 (default: this one)", metavar="WEEK")
    ] = None,
    queue: Annotated[str | None, typer.Option("--queue", help="queue (default: the hotline's)")] = None,
    data: Data = None,
    json_output: Json = False,
) -> None:
    """排班测算 calls expected and agents needed, hour by hour, beside what came where the hour is over."""
    settings = load(data)
    first, last = days_of(week or week_of(clock.local_date(clock.now(), settings.timezone)))
    plan = asyncio.run(_read(settings, queue or settings.queue.name, first, last))
    if json_output:
        typer.echo(json.dumps(plan.to_json(), ensure_ascii=False, indent=2))
    else:
        show(plan, Console())


async def _read(settings: Settings, queue: str, first: date, last: date) -> Plan:
    database = Database(url_of(settings), pool_size=1)
    try:
        async with database.session() as session:
            policy = load_policy(settings.config_dir)
            return await make_plan(session, Question(queue, first, last, clock.now()), settings, policy)
    finally:
        await database.close()


def show(plan: Plan, console: Console) -> None:
    """Print the plan, a table for each day, and what it rests on."""
    targets = plan.policy.targets
    _line(
        console,
        f"{plan.question.queue} {plan.question.first} – {plan.question.last}: "
        f"{targets.service_level:.0%} / {targets.within_seconds:g} s, "
        f"放弃 abandoned ≤ {targets.abandoned:.0%}, 利用率 occupancy ≤ {targets.occupancy:.0%}",
    )
    for number, day in enumerate(plan.days):
        _show_day(day, plan.hours[number * 24 : number * 24 + 24], console)
    if plan.shifts:
        table = Table(
            "班次 shift", "日期 date", "开始 start", "人数 people", title="排班 shifts (缺勤已计 shrinkage in)"
        )
        for each in plan.shifts:
            table.add_row(each.shift, f"{each.date}", f"{each.start:%H:%M}", str(each.people))
        console.print(table)
    _show_basis(plan, console)


def _show_day(forecast: DayForecast, hours: Sequence[Period], console: Console) -> None:
    day = forecast.day
    name = f" {' '.join(day.name)}" if day.name else ""
    provisional = " 节假日安排未公布 holidays not published yet" if day.provisional else ""
    table = Table(
        title=f"{day.date} {' '.join(WEEKDAYS[day.date.weekday()])} {' '.join(KINDS[day.kind])}{name}{provisional}"
        f" · {' '.join(BASIS[forecast.basis])}",
        title_justify="left",
    )
    for head in ("时 hour", "来电 calls", "区间 interval", "时长 AHT s", "坐席 agents", "至多 high", "排班 rostered"):
        table.add_column(head, justify="right")
    for head in ("预计达标 level", "实际来电 came", "实际在岗 on duty", "实际达标 level"):
        table.add_column(head, justify="right")
    for each in hours:
        actual = each.actual
        table.add_row(
            f"{each.starts_at:%H}",
            f"{each.calls:.0f}",
            f"{each.interval[0]:.0f}–{each.interval[1]:.0f}" if each.interval else "–",
            f"{each.handling_seconds:.0f}",
            str(each.agents),
            _or_dash(each.agents_high, "d"),
            str(each.rostered),
            f"{each.expected.service_level:.0%}",
            _or_dash(actual.calls if actual else None, "d"),
            _or_dash(actual.agents_on_duty if actual else None, ".1f"),
            _or_dash(actual.service_level if actual else None, ".0%"),
        )
    console.print(table)


def _show_basis(plan: Plan, console: Console) -> None:
    for each in plan.assumptions:
        zh, en = ASSUMED[each.what]
        _line(console, f"假设 assumed: {zh} {en} = {each.value:g} ({each.why[0]} {each.why[1]})")
    for odd in plan.left_out:
        _line(console, f"未计入 left out: {odd.date}, {odd.calls} 次 calls, 预计 expected {odd.expected:.0f}")
    tested = plan.tested
    if tested is None:
        _line(console, "历史不足，误差未知。 Too little history: how wrong this is, nobody knows yet.")
        return
    wape = tested.wape
    _line(
        console,
        f"近{tested.weeks}周回测 backtest: 误差 error {wape['quarter']:.1%} / 15 min, {wape['hour']:.1%} / h, "
        f"{wape['day']:.1%} / 天 day (照抄上周 as a week before {tested.naive_wape['day']:.1%}); "
        f"偏差 bias {tested.bias:+.1%}; 区间命中 interval held {tested.coverage:.0%}",
    )


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _line(console: Console, text: Any) -> None:
    console.print(text, markup=False, highlight=False)
