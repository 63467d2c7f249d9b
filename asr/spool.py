"""Recordings kept on this machine until the server has them: a crash costs at most the last second."""

import fcntl
import os
import struct
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from asr.audio import Samples

_HEADER_BYTES = 44
_PART = ".wav.part"
_SYNC_SECONDS = 0.5


class SpooledRecording:
    """A WAV that is being written: `R.wav.part`, locked while its writer lives, `R.wav` once it is whole."""

    def __init__(self, folder: Path, recording_id: str, channels: int, rate: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{recording_id}.wav"
        self._part = folder / f"{recording_id}{_PART}"
        self._file: IO[bytes] = self._part.open("xb", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._file.write(_header(channels, rate, 0))
        self._rate, self._channels, self._synced = rate, channels, time.monotonic()
        self.frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def seconds(self) -> float:
        """How much was recorded."""
        return self.frames / self._rate

    def write(self, samples: Samples) -> None:
        """Append samples of shape (frames, channels); they outlive this process at once, the machine within 0.5 s."""
        self._file.write(samples.astype("<i2").tobytes())
        self.frames += len(samples)
        if time.monotonic() - self._synced >= _SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def close(self) -> None:
        """Make the file whole and give it its name; nothing stays of one without any sound."""
        if not self._file.closed:
            _complete(self._part)
            self._file.close()


def recover(folder: Path) -> list[Path]:
    """Make whole what a crash left behind; returns those files. What is still being recorded is left alone."""
    repaired = []
    for part in sorted(folder.glob(f"*{_PART}")):
        with part.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            whole = _complete(part)
        if whole is not None:
            repaired.append(whole)
    return repaired


def waiting(folder: Path) -> list[Path]:
    """Return the whole recordings that the server does not have yet, oldest first."""
    return sorted(folder.glob("*.wav"), key=lambda path: (path.stat().st_mtime_ns, path.name))


def _complete(part: Path) -> Path | None:
    """Write the true lengths into the header and rename; half a frame at the end is cut off."""
    with part.open("r+b") as file:
        head = file.read(_HEADER_BYTES)
        size = os.fstat(file.fileno()).st_size
        channels, rate = struct.unpack("<HI", head[22:28]) if len(head) == _HEADER_BYTES else (1, 1)
        data = max(0, size - _HEADER_BYTES) // (2 * channels) * 2 * channels
        if not data:
            part.unlink()
            return None
        file.truncate(_HEADER_BYTES + data)
        file.seek(0)
        file.write(_header(channels, rate, data))
        file.flush()
        os.fsync(file.fileno())
    whole = part.with_name(part.name.removesuffix(".part"))
    part.rename(whole)
    folder = os.open(part.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return whole


def _header(channels: int, rate: int, data_bytes: int) -> bytes:
    """Return a WAV header (16-bit PCM); zero bytes: not known yet."""
    frame = 2 * channels
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * frame, frame, 16)
    riff = 36 + data_bytes if data_bytes else 0
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + form + b"data" + struct.pack("<I", data_bytes)
