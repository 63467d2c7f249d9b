"""Figures as a spreadsheet takes them: a line per part of the period, the whole in the last."""

from collections.abc import Mapping

from fastapi.responses import Response

from api.kit import sheet
from api.queues.formulas import Figure
from api.queues.metrics import METRICS
from api.queues.service import Report, counts_json

_EMPTY = (None, None, None)


async def download(report: Report, form: sheet.Form) -> Response:
    """Answer with a report as a file: every metric with its value, numerator and denominator."""
    counts = list(counts_json(report.whole.calls))
    columns = [f"{name}{part}" for name in METRICS for part in ("", "_numerator", "_denominator")]
    rows = []
    for line in (*report.parts, report.whole):
        key = "total" if line is report.whole else line.to_json()["key"]
        rows.append([key, *counts_json(line.calls).values(), *_values(line.figures)])
    return await sheet.download("metrics", form, ["part", *counts, *columns], sheet.once(rows))


def _values(figures: Mapping[str, Figure]) -> list[object]:
    found: list[object] = []
    for name in METRICS:
        figure = figures.get(name)
        found += (figure.value, figure.numerator, figure.denominator) if figure else _EMPTY
    return found
