"""A note that outlives its writer: which recording a decoding process worked on when it was killed."""

import os

_BYTES = 8


def write_mark(descriptor: int, number: int) -> None:
    """Note the recording that is worked on now; 0 for none."""
    os.pwrite(descriptor, number.to_bytes(_BYTES, "big"), 0)


def read_mark(descriptor: int) -> int:
    """Return what was noted last; 0 where nothing was."""
    return int.from_bytes(os.pread(descriptor, _BYTES, 0), "big")
