"""XLSX files read by what the standard says of them, not by the library that wrote them (ECMA-376, part 1, 18.3)."""

import io
import re
import zipfile
from xml.etree import ElementTree as ET

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Cell = str | float | None


def sheets(content: bytes) -> list[list[list[Cell]]]:
    """Return every sheet's rows of cells: numbers, strings as written, None where nothing is. A formula is an error."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        names = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        return [_rows(ET.fromstring(book.read(name))) for name in names]  # noqa: S314 - our own file


def _rows(sheet: ET.Element) -> list[list[Cell]]:
    assert not list(sheet.iter(f"{_MAIN}f")), "a formula"
    return [_cells(row) for row in sheet.iter(f"{_MAIN}row")]


def _cells(row: ET.Element) -> list[Cell]:
    found: dict[int, Cell] = {}
    for cell in row:
        letters = re.sub(r"\d", "", cell.attrib["r"])
        place = 0
        for letter in letters:
            place = place * 26 + ord(letter) - ord("A") + 1
        if cell.get("t") == "inlineStr":
            text = "".join(each.text or "" for each in cell.iter(f"{_MAIN}t"))
            found[place - 1] = re.sub(r"_x([0-9A-Fa-f]{4})_", lambda code: chr(int(code[1], 16)), text)
        else:
            found[place - 1] = float(cell.findtext(f"{_MAIN}v") or "nan")
    return [found.get(place) for place in range(max(found, default=-1) + 1)]
