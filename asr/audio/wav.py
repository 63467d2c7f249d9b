import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from asr.audio.codings import to_int16
from asr.audio.riff import Samples, WavInfo, read_header
from asr.errors import AudioMissing


def probe(path: Path) -> WavInfo:
    """Say what a WAV file holds, without reading its samples.

    Raises AudioMissing, AudioEmpty, NotWav or UnsupportedWav. A torn or growing file is no error: `torn` says so.
    """
    with open_recording(path) as stream:
        return read_header(stream, os.fstat(stream.fileno()).st_size, path.name)


def read_samples(path: Path) -> tuple[Samples, WavInfo]:
    """Read all samples that are there now, as int16 of shape (frames, channels). Errors as for `probe`."""
    with open_recording(path) as stream:
        info = read_header(stream, os.fstat(stream.fileno()).st_size, path.name)
        stream.seek(info.data_offset)
        data = stream.read(info.frames * info.frame_bytes)
    return to_int16(data, info).reshape(-1, info.channels), info


def read_mono(path: Path) -> tuple[Samples, int]:
    """Read a WAV as one channel (both channels averaged) and its rate in Hz. Errors as for `probe`."""
    samples, info = read_samples(path)
    if info.channels == 1:
        return samples[:, 0], info.rate
    return np.rint(samples.mean(axis=1)).astype(np.int16), info.rate


def open_recording(path: Path) -> BinaryIO:
    """Open a recording for reading. Raises AudioMissing."""
    try:
        if path.exists() and not path.is_file():
            raise AudioMissing(f"{path.name} is no file: give the path of a recording")
        return path.open("rb", buffering=0)  # a buffer would hide what a growing file's writer changes
    except FileNotFoundError as error:
        raise AudioMissing(f"{path.name} is gone: it was moved, deleted, or never recorded") from error
    except OSError as error:
        raise AudioMissing(f"{path.name} cannot be read ({error.strerror}): check its owner and mode") from error
