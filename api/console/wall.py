"""What the wall shows, gathered and put into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from api.console import words
from api.console.chart import Hour, hourly
from api.kit import clock
from api.queues import service
from api.queues.formulas import Figure
from api.queues.live import LAST, AgentNow, LiveFigures, live_figures
from api.queues.metrics import METRICS, Metric
from api.queues.period import Period
from api.queues.repository import LiveRepository
from api.queues.targets import Targets, Verdict
from telephony.agents.model import State

SHOWN = ("connected", "answer_in_time", "service_level", "abandoned", "asa", "longest_wait", "aht", "occupancy")
AGENT_STATES: dict[State, tuple[str, str]] = {
    "ringing": ("振铃", "ringing"),
    "talking": ("通话", "in call"),
    "wrap_up": ("话后", "wrap-up"),
    "idle": ("空闲", "idle"),
    "paused": ("小休", "paused"),
    "offline": ("离线", "offline"),
}
EXCLUDED: dict[str, tuple[str, str]] = {
    "waiting": ("仍在等待", "still waiting"),
    "short_abandoned": ("短时放弃", "short abandons"),
    "failed": ("失败", "failed"),
    "unanswered": ("未接", "unanswered"),
    "not_queued": ("未排队", "not queued"),
    "talking": ("仍在通话", "still talking"),
    "paused": ("小休时长", "breaks"),
    "ringing": ("振铃时长", "ringing"),
}
PARTS: dict[str, tuple[str, str]] = {
    "numerator": ("分子", "numerator"),
    "denominator": ("分母", "denominator"),
    "excluded": ("未计入", "left out"),
}
_OF_TIME = ("paused", "ringing")
_PER_CENT = 100
_HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as it stands on the wall, with the list behind each of its parts."""

    value: str
    numerator: str
    denominator: str
    excluded: str
    excluded_amount: str
    verdict: Verdict
    links: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tile:
    """One metric: today's and the last 15 minutes'."""

    metric: Metric
    target: str
    today: Shown
    last: Shown


@dataclass(frozen=True, slots=True)
class Desk:
    """Who waits at a desk now; `since`: when the one who waits longest was offered."""

    name: str
    waiting: int
    since: datetime | None
    talking: int
    verdict: Verdict
    chosen: bool


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on the wall."""

    queue: str
    live: LiveFigures
    desks: tuple[Desk, ...]
    tiles: tuple[Tile, ...]
    agents: Mapping[State, Sequence[AgentNow]]
    overdue_wrap_up_before: datetime | None
    chart: Markup
    offered_today: int


async def board(
    session: AsyncSession, queue: str | None, desks: Sequence[str], targets: Targets, now: datetime, timezone: str
) -> Board:
    """Gather the wall for one desk, or for all of them (None); every desk's waiting callers are on it."""
    live = await live_figures(session, queue, now, targets.limits, timezone)
    midnight, _ = clock.day_bounds(now, timezone)
    day = Period(min(midnight, now - timedelta(microseconds=1)), now)
    name = queue or service.ALL
    by_hour = await service.report(session, queue, day, now, targets.limits, by="hour", timezone=timezone)
    limit = targets.now.get("longest_wrap_up")
    return Board(
        queue=name,
        live=live,
        desks=tuple([await _desk(session, each, targets, now, chosen=each == queue) for each in desks]),
        tiles=tuple(
            Tile(
                METRICS[metric],
                target_text(targets, metric),
                shown(live.today[metric], targets, name, day),
                shown(live.last_15_minutes[metric], targets, name, Period(now - LAST, now)),
            )
            for metric in SHOWN
        ),
        agents={state: sorted(_in(live, state), key=lambda each: each.since) for state in AGENT_STATES},
        overdue_wrap_up_before=now - timedelta(seconds=limit) if limit else None,
        chart=_chart(by_hour, midnight, name, now),
        offered_today=by_hour.whole.calls.offered,
    )


async def _desk(session: AsyncSession, name: str, targets: Targets, now: datetime, *, chosen: bool) -> Desk:
    repository = LiveRepository(session)
    waiting, first = await repository.waiting(name)
    longest = (now - first).total_seconds() if first else 0.0
    verdicts = (targets.verdict_now("waiting", waiting), targets.verdict_now("longest_wait", longest))
    worst: Verdict = next((each for each in ("missed", "near") if each in verdicts), "none")
    return Desk(name, waiting, first, await repository.talking(name), worst if waiting else "none", chosen)


def _in(live: LiveFigures, state: State) -> list[AgentNow]:
    return [each for each in live.agents if each.state == state]


def _chart(report: service.Report, midnight: datetime, queue: str, now: datetime) -> Markup:
    hours = {
        line.key: Hour(line.calls.offered, line.calls.answered, line.calls.abandoned + line.calls.short_abandoned)
        for line in report.parts
        if isinstance(line.key, datetime)
    }
    links = {
        start: list_link(queue, "connected", "denominator", Period(start, start + timedelta(hours=1)))
        for start in hours
    }
    return hourly(midnight, hours, links, now)


def shown(figure: Figure, targets: Targets, queue: str, period: Period) -> Shown:
    """Put a figure into words."""
    metric = METRICS[figure.metric]
    of_time = figure.metric == "occupancy"
    counts_calls = metric.unit == "share" and not of_time
    left = sum(figure.excluded.values())
    left_out = [f"{EXCLUDED[reason][0]} {_amount(reason, amount)}" for reason, amount in figure.excluded.items()]
    return Shown(
        value_text(metric, figure.value),
        str(int(figure.numerator)) if counts_calls else time_text(figure.numerator),
        time_text(figure.denominator) if of_time else str(int(figure.denominator)),
        "，".join(left_out),
        time_text(left) if of_time else str(int(left)),
        targets.verdict(figure.metric, figure.value),
        {part: list_link(queue, figure.metric, part, period) for part in PARTS},
    )


def value_text(metric: Metric, value: float | None) -> str:
    """Return a figure's value as it is shown: per cent with one digit, or a length of time."""
    if value is None:
        return "–"
    return f"{value * _PER_CENT:.1f}%" if metric.unit == "share" else words.seconds(value)


def time_text(seconds: float) -> str:
    """Return a length of time; sums of hours as hours, which nobody reads to the second."""
    return words.seconds(seconds) if seconds < _HOUR_SECONDS else f"{seconds / _HOUR_SECONDS:,.1f} h"


def target_text(targets: Targets, metric: str) -> str:
    """Return what a figure should be, empty where nothing was promised."""
    limit = targets.by_metric.get(metric)
    if limit is None:
        return ""
    sign = "≥" if targets.more_is_better(metric) else "≤"
    return f"{sign} {limit * _PER_CENT:g}%" if METRICS[metric].unit == "share" else f"{sign} {words.seconds(limit)}"


def list_link(queue: str, metric: str, part: str, period: Period) -> str:
    """Return the address of the list of calls behind a part of a figure."""
    chosen = {
        "queue": queue,
        "metric": metric,
        "part": part,
        "from": period.since.isoformat(),
        "to": period.until.isoformat(),
    }
    return f"/wall/calls?{urlencode(chosen)}"


def _amount(reason: str, amount: float) -> str:
    return time_text(amount) if reason in _OF_TIME else str(int(amount))
