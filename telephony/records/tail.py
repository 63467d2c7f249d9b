"""The end of a growing log whose lines carry times: found by bisection, a year's file costs no more than a day's."""

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from telephony.records.errors import RecordsUnreadable

# Rows are written by several threads of Asterisk and may stand this much out of order.
DISORDER_US = 5_000_000
_STEP_BYTES = 64 * 1024
# `<name>.1` by logrotate, `<name>.0` by Asterisk's `logger rotate`, `<name>-20261125` by logrotate's dateext.
_ROTATED = re.compile(r"(?:\.[0-9]+|-[0-9]{8}(?:[0-9]{2})?)")

TimeOf = Callable[[bytes], int | None]


def lines_since(path: Path, since_us: int, time_of: TimeOf, until_us: int | None = None) -> Iterator[bytes]:
    """Yield the whole lines (without their ends) whose time lies in [`since_us`, `until_us`), in the file's order.

    `time_of` gives a line's time in microseconds, None for a line that is none. What is rotated away is read first
    when it was still written to at that time; a rotation meanwhile loses nothing. A last line without an end is still
    being written and is left for the next time. Raises `RecordsUnreadable`.
    """
    with contextlib.ExitStack() as stack:
        for file in _parts(path, since_us, stack):
            try:
                file.seek(_start(file, since_us - DISORDER_US, time_of))
                for line in file:
                    at = time_of(line)
                    if at is None or at < since_us:
                        continue
                    if until_us is not None and at >= until_us:
                        if at >= until_us + DISORDER_US:
                            break
                        continue
                    if line.endswith(b"\n"):
                        yield line.rstrip(b"\r\n")
            except OSError as error:
                raise _unreadable(file.name, error) from error


def first_time(path: Path, time_of: TimeOf) -> int | None:
    """Give the time of the log's oldest line, rotated parts included; None when there is none at all.

    Raises `RecordsUnreadable`.
    """
    with contextlib.ExitStack() as stack:
        for file in _parts(path, 0, stack):
            try:
                for line in file:
                    at = time_of(line)
                    if at is not None:
                        return at
            except OSError as error:
                raise _unreadable(file.name, error) from error
    return None


def _parts(path: Path, since_us: int, stack: contextlib.ExitStack) -> list[BinaryIO]:
    """Open what holds such lines, the oldest first; each file once, also when it is rotated at this very moment."""
    # Opened before the others are listed: if it is renamed now, it is read under either name.
    now = _open(path, stack)
    older = [file for part in _rotated(path, since_us) if (file := _open(part, stack))]
    opened = [*older, *[file for file in (now, _open(path, stack)) if file]]
    return list({_identity(file): file for file in reversed(opened)}.values())[::-1]


def _identity(file: BinaryIO) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino


def _open(path: Path, stack: contextlib.ExitStack) -> BinaryIO | None:
    try:
        return stack.enter_context(path.open("rb"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(str(path), error) from error


def _unreadable(name: str, error: OSError) -> RecordsUnreadable:
    return RecordsUnreadable(
        f"Asterisk's record {name} cannot be read: {error.strerror}; give this user the right to read it"
    )


def _rotated(path: Path, since_us: int) -> list[Path]:
    """Give the older parts of the log that may hold such lines, the oldest first."""
    written = []
    for part in path.parent.glob(f"{path.name}?*"):
        if _ROTATED.fullmatch(part.name.removeprefix(path.name)):
            # Removed by the next rotation: its time is over.
            with contextlib.suppress(FileNotFoundError):
                written.append((part.stat().st_mtime_ns, part))
    return [part for mtime_ns, part in sorted(written) if mtime_ns >= since_us * 1000]


def _start(file: BinaryIO, since_us: int, time_of: TimeOf) -> int:
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


def _time_after(file: BinaryIO, offset: int, end: int, time_of: TimeOf) -> int | None:
    """Give the time of the first dated line that starts after `offset` and before `end`."""
    file.seek(offset)
    file.readline()
    while file.tell() < end and (line := file.readline()):
        at = time_of(line)
        if at is not None:
            return at
    return None
