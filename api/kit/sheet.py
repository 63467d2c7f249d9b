"""Tables as a spreadsheet takes them, CSV or XLSX, for as many rows as there are; no value in them is a formula."""

import asyncio
import csv
import io
import math
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Literal

from fastapi.responses import StreamingResponse
from xlsxwriter import Workbook

Form = Literal["csv", "xlsx"]
Rows = Iterable[Sequence[Any]]
MEDIA_TYPES: dict[Form, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# What a route that gives tables says of its answers.
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()}}
}
# Excel takes a CSV file for UTF-8 only with this mark.
_BOM = "\ufeff"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Excel's limits; its cells hold 32,767 UTF-16 units.
_MOST_ROWS = 1_048_576
_MOST_CHARACTERS = 16_383
_CHUNK = 1 << 16


def cell(value: Any) -> str:
    """Return a value as a cell of CSV that no spreadsheet runs as a formula (OWASP: CSV injection)."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return "'" + text if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


async def download(name: str, form: Form, columns: Sequence[str], pages: AsyncIterator[Rows]) -> StreamingResponse:
    """Answer with a table as a file: CSV is sent while it is made, XLSX is made whole first (its index comes last)."""
    return StreamingResponse(
        _csv(columns, pages) if form == "csv" else _pieces(await _xlsx(columns, pages)),
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"},
    )


async def once(rows: Rows) -> AsyncIterator[Rows]:
    """Give all rows of a table as its only page."""
    yield rows


async def _csv(columns: Sequence[str], pages: AsyncIterator[Rows]) -> AsyncIterator[str]:
    out = io.StringIO()
    writer = csv.writer(out)
    out.write(_BOM)
    writer.writerow(columns)
    async for rows in pages:
        writer.writerows(map(cell, row) for row in rows)
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


async def _xlsx(columns: Sequence[str], pages: AsyncIterator[Rows]) -> IO[bytes]:
    with tempfile.TemporaryDirectory(prefix="zhitong-sheet-") as directory:
        book = _Book(Path(directory), columns)
        try:
            async for rows in pages:
                await asyncio.to_thread(book.add, rows)
        finally:
            await asyncio.to_thread(book.close)
        return book.path.open("rb")


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


class _Book:
    """A workbook on disk, a row in memory at a time; where a sheet is full, the next one goes on."""

    def __init__(self, directory: Path, columns: Sequence[str]) -> None:
        self.path, self._columns = directory / "book.xlsx", columns
        self._book = Workbook(str(self.path), {"constant_memory": True, "tmpdir": str(directory)})
        self._turn()

    def add(self, rows: Rows) -> None:
        for row in rows:
            if self._row == _MOST_ROWS:
                self._turn()
            self._write(row)

    def close(self) -> None:
        self._book.close()

    def _turn(self) -> None:
        self._sheet, self._row = self._book.add_worksheet(), 0
        self._write(self._columns)

    def _write(self, row: Sequence[Any]) -> None:
        for column, value in enumerate(row):
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                self._sheet.write_number(self._row, column, value)
            elif value is not None:
                # A string's cell is a string, whatever it begins with.
                text = str(value)
                short = text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"
                self._sheet.write_string(self._row, column, short)
        self._row += 1
