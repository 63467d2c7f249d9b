"""Lists as a spreadsheet reads them, for as many rows as there are."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from fastapi.responses import StreamingResponse

# Excel takes a file for UTF-8 only with this mark.
BOM = "\ufeff"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet runs as a formula (OWASP: CSV injection)."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return "'" + text if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, header: bool) -> str:
    """Return rows as CSV (RFC 4180), with the line of column names first where wanted; no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    if header:
        out.write(BOM)
        writer.writerow(columns)
    writer.writerows([cell(row[name]) for name in columns] for row in rows)
    return out.getvalue()


def download(name: str, pages: AsyncIterator[str]) -> StreamingResponse:
    """Answer with a file that is made while it is sent."""
    return StreamingResponse(
        pages,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"},
    )
