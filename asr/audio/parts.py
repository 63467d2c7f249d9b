"""A WAV in parts: one that still grows, or one too long to be held whole."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from asr.audio.codings import to_int16
from asr.audio.riff import Samples, WavInfo, read_header
from asr.audio.wav import open_recording

PART_SECONDS = 20


class WavParts:
    """An open WAV whose frames are read by number. Opening raises the errors of `asr.audio.probe`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = open_recording(path)
        try:
            self.info = self.look()
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._stream.close()

    def look(self) -> WavInfo:
        """Read the header again: whoever writes the file corrects it in the end."""
        self._stream.seek(0)
        self.info = read_header(self._stream, self._size(), self.path.name)
        return self.info

    def frames_grown(self) -> int:
        """Count the frames that are there now, whatever the header of a file that still grows says."""
        return max(0, self._size() - self.info.data_offset) // self.info.frame_bytes

    def read(self, first: int, count: int, channel: int = 0) -> Samples:
        """Return up to `count` frames of one channel (of mono the only one), from frame `first` on."""
        info = self.info
        self._stream.seek(info.data_offset + first * info.frame_bytes)
        data = self._stream.read(count * info.frame_bytes)
        whole = data[: len(data) // info.frame_bytes * info.frame_bytes]
        return to_int16(whole, info).reshape(-1, info.channels)[:, min(channel, info.channels - 1)]

    def parts(self, channel: int = 0) -> Iterator[Samples]:
        """Return one channel of what the header vouches for, part after part."""
        step = PART_SECONDS * self.info.rate
        for first in range(0, self.info.frames, step):
            yield self.read(first, min(step, self.info.frames - first), channel)

    def _size(self) -> int:
        return os.fstat(self._stream.fileno()).st_size
