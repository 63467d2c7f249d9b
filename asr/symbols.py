"""The words that a compiled grammar carries inside itself."""

import struct
from pathlib import Path
from typing import BinaryIO

_FST_MAGIC, _SYMBOLS_MAGIC = 2125659606, 2125658996
_HAS_INPUT, _HAS_OUTPUT = 1, 2
_LONGEST_NAME, _MOST_SYMBOLS = 4096, 10_000_000


def output_symbols(fst: Path) -> list[str] | None:
    """Return the output symbols stored in an OpenFst file, None where it has none or is no such file.

    Layout: OpenFst's fst.cc (FstHeader) and symbol-table.cc (SymbolTableImpl::Read), little-endian.
    """
    try:
        with fst.open("rb") as stream:
            if _int(stream, "i") != _FST_MAGIC:
                return None
            _text(stream), _text(stream)  # kind of machine, kind of arc
            _int(stream, "i")  # version
            flags = _int(stream, "i")
            stream.seek(8 * 4, 1)  # properties, start, states, arcs
            if not flags & _HAS_OUTPUT:
                return None
            if flags & _HAS_INPUT:
                _symbols(stream)
            return _symbols(stream)
    except (OSError, ValueError, struct.error):
        return None


def _symbols(stream: BinaryIO) -> list[str]:
    if _int(stream, "i") != _SYMBOLS_MAGIC:
        raise ValueError("no symbol table here")
    _text(stream)
    _int(stream, "q")  # the next free key
    count = _int(stream, "q")
    if not 0 <= count <= _MOST_SYMBOLS:
        raise ValueError("a symbol table of an impossible size")
    return [_entry(stream) for _ in range(count)]


def _entry(stream: BinaryIO) -> str:
    symbol = _text(stream)
    _int(stream, "q")
    return symbol


def _text(stream: BinaryIO) -> str:
    length = _int(stream, "i")
    if not 0 <= length <= _LONGEST_NAME:
        raise ValueError("a name of an impossible length")
    return stream.read(length).decode("utf-8", "replace")


def _int(stream: BinaryIO, kind: str) -> int:
    size = struct.calcsize(f"<{kind}")
    value: int = struct.unpack(f"<{kind}", stream.read(size))[0]
    return value
