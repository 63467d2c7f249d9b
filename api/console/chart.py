"""A day's calls by the hour, drawn as SVG on the server. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup, escape

WIDTH, HEIGHT = 960, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 6, 12, 24
_BAR_SHARE = 0.62
_HOUR = timedelta(hours=1)
_LABEL_EVERY = 2
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour's calls; those that were neither answered nor abandoned make the rest of `offered`."""

    offered: int
    answered: int
    abandoned: int


def hourly(midnight: datetime, hours: Mapping[datetime, Hour], links: Mapping[datetime, str], now: datetime) -> Markup:
    """Draw the day that begins at `midnight`: a bar per hour, answered below abandoned below the rest.

    `links` says where a click on an hour leads.
    """
    starts = [midnight + number * _HOUR for number in range(24)]
    top = ceiling(max([hour.offered for hour in hours.values()], default=0))
    width = (WIDTH - _LEFT - _RIGHT) / len(starts)
    parts = [*_grid(top)]
    for place, start in enumerate(starts):
        x = _LEFT + place * width
        if start <= now < start + _HOUR:
            parts.append(
                f'<rect class="present" x="{x:.1f}" y="{_TOP}" width="{width:.1f}" height="{HEIGHT - _TOP - _BOTTOM}"/>'
            )
        if start in hours:
            parts.append(_bar(x, width, hours[start], top, place, links.get(start)))
        if place % _LABEL_EVERY == 0:
            parts.append(f'<text class="hour" x="{x + width / 2:.1f}" y="{HEIGHT - 7}">{place:02d}</text>')
    return Markup(  # noqa: S704 - numbers and escaped links
        f'<svg class="hourly" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="今日每小时来电 calls by the hour">'
        + "".join(parts)
        + "</svg>"
    )


def ceiling(most: int) -> int:
    """Return the round number at which the axis ends: 1, 2 or 5 times a power of ten, four of them at least."""
    unit = 1
    while True:
        for step in _STEPS:
            if most <= 4 * step * unit:
                return 4 * step * unit
        unit *= 10


def _grid(top: int) -> Sequence[str]:
    lines = []
    for part in range(5):
        y = _y(top * part // 4, top)
        lines.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="count" x="{_LEFT - 6}" y="{y + 4:.1f}">{top * part // 4}</text>')
    return lines


def _bar(x: float, width: float, hour: Hour, top: int, place: int, link: str | None) -> str:
    inner = width * _BAR_SHARE
    left = x + (width - inner) / 2
    rest = hour.offered - hour.answered - hour.abandoned
    rects, below = [], 0
    for name, number in (("answered", hour.answered), ("abandoned", hour.abandoned), ("rest", rest)):
        if number > 0:
            y = _y(below + number, top)
            size = f'width="{inner:.1f}" height="{_y(below, top) - y:.1f}"'
            rects.append(f'<rect class="{name}" x="{left:.1f}" y="{y:.1f}" {size}/>')
            below += number
    said = (
        f"{place:02d}:00–{place + 1:02d}:00 来电 offered {hour.offered}，接听 answered {hour.answered}，"
        f"放弃 abandoned {hour.abandoned}"
    )
    drawn = f"<title>{said}</title>{''.join(rects)}"
    return f'<a href="{escape(link)}">{drawn}</a>' if link else f"<g>{drawn}</g>"


def _y(number: float, top: int) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * number / top
