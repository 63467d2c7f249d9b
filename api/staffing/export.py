"""A staffing plan as a spreadsheet takes it: a line for each quarter-hour."""

from typing import Any

from fastapi.responses import Response

from api.kit import sheet
from api.staffing.service import Plan

COLUMNS = (
    "starts_at",
    "kind",
    "holiday",
    "provisional",
    "basis",
    "calls",
    "calls_low",
    "calls_high",
    "handling_seconds",
    "agents",
    "agents_high",
    "rostered",
    "service_level",
    "abandoned",
    "asa_seconds",
    "occupancy",
    "actual_calls",
    "actual_answered",
    "actual_answered_within",
    "actual_abandoned",
    "actual_short_abandoned",
    "actual_service_level",
    "agents_on_duty",
)


async def download(plan: Plan, form: sheet.Form) -> Response:
    """Answer with the plan's quarters as a file."""
    name = f"staffing-{plan.question.first}-{plan.question.last}"
    return await sheet.download(name, form, COLUMNS, sheet.once(_rows(plan)))


def _rows(plan: Plan) -> list[list[Any]]:
    days = {each.day.date: each for each in plan.days}
    rows = []
    for period in plan.quarters:
        shape, forecast = period.to_json(), days[period.starts_at.date()]
        actual = shape["actual"] or {}
        row = {
            **shape,
            **shape["expected"],
            **{f"actual_{name}": value for name, value in actual.items()},
            "kind": forecast.day.kind,
            "holiday": forecast.day.name[0] if forecast.day.name else None,
            "provisional": forecast.day.provisional,
            "basis": forecast.basis,
            "agents_on_duty": actual.get("agents_on_duty"),
        }
        rows.append([row.get(name) for name in COLUMNS])
    return rows
