"""Bytes of a recording for a browser: ranges, and headers of files that still grow."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\s*")
_RIFF_HEADER_BYTES = 44
_DATA_AT = 36


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1


class OutOfRange(ValueError):
    """No byte of the file lies in the range."""

    error_id = "recording.out_of_range"


def requested_range(header: str | None, size: int) -> ByteRange | None:
    """Return what a Range header asks of a file of `size` bytes (RFC 9110, section 14.1.2).

    None means the whole file: no header, one of another unit, a malformed one, or several ranges, which a server may
    answer with the whole. Raises OutOfRange.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None:
        return None
    first_text, last_text, suffix_text = found.groups()
    if suffix_text is not None:
        suffix = int(suffix_text)
        if suffix == 0 or size == 0:
            raise OutOfRange
        return ByteRange(max(0, size - suffix), size - 1)
    first = int(first_text)
    last = int(last_text) if last_text else size - 1
    if last_text and last < first:
        return None
    if first >= size:
        raise OutOfRange
    return ByteRange(first, min(last, size - 1))


def playable_header(head: bytes, size: int) -> bytes:
    """Return the first bytes of a WAV file with lengths that fit what is there now.

    A file that grows, or was cut off, declares too little or too much, and a browser believes it.
    """
    if len(head) < _RIFF_HEADER_BYTES or head[:4] != b"RIFF" or head[_DATA_AT : _DATA_AT + 4] != b"data":
        return head
    riff = min(size - 8, 0xFFFFFFFF).to_bytes(4, "little")
    data = min(size - _RIFF_HEADER_BYTES, 0xFFFFFFFF).to_bytes(4, "little")
    return head[:4] + riff + head[8:40] + data + head[_RIFF_HEADER_BYTES:]
