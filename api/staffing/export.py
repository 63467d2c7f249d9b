"""A staffing plan as a spreadsheet reads it: a line for each quarter-hour."""

import csv
import io

from fastapi.responses import Response

from api.calls.export import BOM, cell
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


def table(plan: Plan) -> str:
    """Return the plan's quarters as CSV (RFC 4180)."""
    out = io.StringIO()
    out.write(BOM)
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    days = {each.day.date: each for each in plan.days}
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
        writer.writerow({name: cell(row.get(name)) for name in COLUMNS})
    return out.getvalue()


def download(plan: Plan) -> Response:
    """Answer with the plan as a file of a spreadsheet."""
    name = f"staffing-{plan.question.first}-{plan.question.last}.csv"
    return Response(
        table(plan),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
