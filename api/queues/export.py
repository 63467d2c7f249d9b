"""Figures as a spreadsheet reads them: a line per part of the period, the whole in the last."""

import csv
import io
from collections.abc import Mapping

from fastapi.responses import Response

from api.calls.export import BOM, cell
from api.queues.formulas import Figure
from api.queues.metrics import METRICS
from api.queues.service import Report, counts_json

_EMPTY = ("", "", "")


def table(report: Report) -> str:
    """Return a report as CSV (RFC 4180): every metric with its value, numerator and denominator."""
    out = io.StringIO()
    out.write(BOM)
    writer = csv.writer(out)
    counts = list(counts_json(report.whole.calls))
    columns = [f"{name}{part}" for name in METRICS for part in ("", "_numerator", "_denominator")]
    writer.writerow(["part", *counts, *columns])
    for line in (*report.parts, report.whole):
        key = "total" if line is report.whole else line.to_json()["key"]
        writer.writerow([cell(value) for value in (key, *counts_json(line.calls).values(), *_values(line.figures))])
    return out.getvalue()


def _values(figures: Mapping[str, Figure]) -> list[object]:
    found: list[object] = []
    for name in METRICS:
        figure = figures.get(name)
        found += (figure.value, figure.numerator, figure.denominator) if figure else _EMPTY
    return found


def download(report: Report) -> Response:
    """Answer with a report as a file of a spreadsheet."""
    return Response(
        table(report),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="metrics.csv"', "Cache-Control": "no-store"},
    )
