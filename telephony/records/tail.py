"""The end of a growing log whose lines carry times: found by bisection, a year's file costs no more than a day's."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from telephony.records.errors import RecordsUnreadable

# Rows are written by several threads of Asterisk and may stand this much out of order.
DISORDER_US = 5_000_000
_STEP_BYTES = 64 * 1024


def lines_since(path: Path, since_us: int, time_of: Callable[[bytes], int | None]) -> Iterator[bytes]:
    """Yield the whole lines (without their ends) whose time is `since_us` or later, in the file's order.

    `time_of` gives a line's time in microseconds, None for a line that is none. What is rotated away (`<name>.1`,
    logrotate's and Asterisk's `<name>.0`) is read first when it was still written to at that time. A last line
    without an end is still being written and is left for the next time. Raises `RecordsUnreadable`.
    """
    for part in [*_rotated(path, since_us), path]:
        try:
            with part.open("rb") as file:
                file.seek(_start(file, since_us - DISORDER_US, time_of))
                for line in file:
                    at = time_of(line)
                    if at is not None and at >= since_us and line.endswith(b"\n"):
                        yield line.rstrip(b"\r\n")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise RecordsUnreadable(
                f"Asterisk's record {part} cannot be read: {error.strerror}; give this user the right to read it"
            ) from error


def _rotated(path: Path, since_us: int) -> list[Path]:
    """Give the older parts of the log that may hold such lines, the oldest first."""
    parts = [part for part in path.parent.glob(f"{path.name}.*") if part.suffix[1:].isdigit()]
    written = [(part.stat().st_mtime_ns, part) for part in parts]
    return [part for mtime_ns, part in sorted(written) if mtime_ns >= since_us * 1000]


def _start(file: BinaryIO, since_us: int, time_of: Callable[[bytes], int | None]) -> int:
    """Bisect for an offset before which no line is as late as `since_us`."""
    low, high = 0, file.seek(0, 2)
    while high - low > _STEP_BYTES:
        middle = (low + high) // 2
        at = _time_after(file, middle, high, time_of)
        if at is None or at >= since_us:
            high = middle
        else:
            low = middle
    file.seek(low)
    if low:
        file.readline()
    return file.tell()


def _time_after(file: BinaryIO, offset: int, end: int, time_of: Callable[[bytes], int | None]) -> int | None:
    """Give the time of the first dated line that starts after `offset` and before `end`."""
    file.seek(offset)
    file.readline()
    while file.tell() < end and (line := file.readline()):
        at = time_of(line)
        if at is not None:
            return at
    return None
