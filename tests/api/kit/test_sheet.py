"""Tables as files: what was stored stands in them, and nothing of it runs."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from api.kit import sheet
from tests.support.spreadsheet import sheets

HOSTILE = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+86 138",
    "-1+2",
    "@SUM(A1)",
    "\t=1",
    " =1",
    "＝1",
    "{=1}",
    "http://example.org",
    "00123",
    "1e5",
    "<b>&amp;</b>",
    "a\nb",
    "\x01\x1f",
    "_x0041_",
    "😀" * 1024,
)


async def _file(form: sheet.Form, *pages: sheet.Rows, columns: Sequence[str] = ("one", "two")) -> bytes:
    async def given() -> AsyncIterator[sheet.Rows]:
        for rows in pages:
            yield rows

    answer = await sheet.download("things", form, columns, given())
    assert answer.headers["content-disposition"] == f'attachment; filename="things.{form}"'
    pieces = [piece async for piece in answer.body_iterator]
    return b"".join(piece.encode() if isinstance(piece, str) else bytes(piece) for piece in pieces)


def _left(directory: Path) -> list[Path]:
    return list(directory.iterdir())


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r", " =", "＝", "\n@"])
def test_no_cell_of_csv_starts_a_formula(start: str) -> None:
    assert sheet.cell(start + "cmd|' /C calc'!A0").startswith("'")


def test_numbers_stay_numbers_and_nothing_stays_empty() -> None:
    assert (sheet.cell(-1.5), sheet.cell(None), sheet.cell("13800123456")) == ("-1.5", "", "13800123456")


async def test_whatever_is_text_is_text_in_xlsx_letter_by_letter() -> None:
    [rows] = sheets(await _file("xlsx", [[text, text] for text in HOSTILE]))
    assert rows == [["one", "two"], *([text, text] for text in HOSTILE)]


async def test_numbers_nothing_and_what_is_no_number_in_xlsx() -> None:
    values: list[Any] = [1, -1.5, None, float("inf"), 1764057600]
    [rows] = sheets(await _file("xlsx", [values], columns=list("abcde")))
    assert rows[1] == [1.0, -1.5, None, "inf", 1764057600.0]


async def test_a_text_longer_than_a_cell_is_cut_visibly() -> None:
    [rows] = sheets(await _file("xlsx", [["字" * 40_000, 1]]))
    [[text, _]] = rows[1:]
    assert isinstance(text, str)
    assert text.endswith("字…")
    assert len(text) < 32_768


async def test_pages_follow_each_other_and_a_full_sheet_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sheet, "_MOST_ROWS", 4)
    pages = [[[number, "x"] for number in range(start, start + 2)] for start in range(0, 8, 2)]
    found = sheets(await _file("xlsx", *pages))
    assert [row[0] for each in found for row in each] == ["one", 0, 1, 2, "one", 3, 4, 5, "one", 6, 7]
    assert (await _file("csv", *pages)).decode().splitlines() == ["\ufeffone,two", *(f"{n},x" for n in range(8))]


async def test_a_list_that_is_empty_has_its_columns() -> None:
    assert sheets(await _file("xlsx")) == [[["one", "two"]]]
    assert (await _file("csv")).decode() == "\ufeffone,two\r\n"


async def test_nothing_is_left_on_disk_also_where_the_list_breaks_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def broken() -> AsyncIterator[sheet.Rows]:
        yield [[1, 2]]
        raise ConnectionError("the database went away")

    await _file("xlsx", [[1, 2]])
    assert _left(tmp_path) == []
    with pytest.raises(ConnectionError):
        await sheet.download("things", "xlsx", ["one", "two"], broken())
    assert _left(tmp_path) == []
