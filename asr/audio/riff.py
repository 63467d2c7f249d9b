"""The header of a WAV file, read as it is and not as it should be."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from asr.errors import AudioEmpty, NotWav, UnsupportedWav

Samples = npt.NDArray[np.int16]

_CODINGS = {1: "pcm", 3: "float", 6: "alaw", 7: "mulaw"}
_BITS = {"pcm": (8, 16, 24, 32), "float": (32, 64), "alaw": (8,), "mulaw": (8,)}
_EXTENSIBLE = 0xFFFE
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
_RATES = range(4000, 192_001)
_OTHER_FORMATS = {
    b"OggS": "Ogg",
    b"fLaC": "FLAC",
    b"ID3": "MP3",
    b"\xff\xfb": "MP3",
    b"RIFX": "big-endian RIFX",
    b"RF64": "RF64",
    b".snd": "Sun AU",
    b"FORM": "AIFF",
}


@dataclass(frozen=True, slots=True)
class WavInfo:
    """What a WAV file holds.

    `rate` in Hz, `bits` a sample, `coding` one of pcm, float, alaw, mulaw. `frames_declared` is what the header says,
    None where the writer has not said it yet (a file that still grows); `frames` is what is there. `torn` is true when
    those differ, so that the end of the recording is missing or not written yet.
    """

    rate: int
    channels: int
    bits: int
    coding: str
    frames_declared: int | None
    frames: int
    torn: bool
    data_offset: int

    @property
    def seconds(self) -> float:
        """Length of what is there."""
        return self.frames / self.rate

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.bits // 8


def read_header(stream: BinaryIO, size: int, name: str) -> WavInfo:
    """Read the chunks of a WAV up to its samples; `size` is the file's length in bytes when it was looked at.

    Source: Microsoft, Multimedia Programming Interface and Data Specifications 1.0 (RIFF); Asterisk writes zero for
    both sizes until a recording is closed. Raises AudioEmpty, NotWav or UnsupportedWav.
    """
    if size == 0:
        raise AudioEmpty(f"{name} is empty (0 bytes): the recording was never written; look at Asterisk's log and disk")
    head = stream.read(12)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise NotWav(f"{name} is not a WAV file{_guess(head)}: give a RIFF/WAVE recording")
    riff_size = struct.unpack("<I", head[4:8])[0]
    fmt: bytes | None = None
    position = 12
    while position + 8 <= size:
        chunk, chunk_size = struct.unpack("<4sI", stream.read(8))
        position += 8
        if chunk == b"data":
            if fmt is None:
                raise UnsupportedWav(f"{name} has samples before their format: the file is damaged, record it again")
            return _info(_format(fmt, name), chunk_size, size - position, riff_size, position)
        if chunk == b"fmt ":
            fmt = stream.read(min(chunk_size, 64))
        position += chunk_size + chunk_size % 2
        stream.seek(position)
    if fmt is None:
        raise NotWav(f"{name} ends before it says what its samples are: it was cut in its header, nothing is left")
    rate, channels, bits, coding = _format(fmt, name)
    return WavInfo(rate, channels, bits, coding, frames_declared=None, frames=0, torn=True, data_offset=size)


def _info(form: tuple[int, int, int, str], declared_bytes: int, present_bytes: int, riff_size: int, at: int) -> WavInfo:
    rate, channels, bits, coding = form
    frame_bytes = channels * bits // 8
    open_ended = declared_bytes in _UNKNOWN_SIZES and (riff_size in _UNKNOWN_SIZES or riff_size + 8 <= at)
    declared = None if open_ended and present_bytes else declared_bytes // frame_bytes
    frames = (present_bytes if declared is None else min(declared_bytes, present_bytes)) // frame_bytes
    return WavInfo(rate, channels, bits, coding, declared, frames, declared != frames, at)


def _format(fmt: bytes, name: str) -> tuple[int, int, int, str]:
    if len(fmt) < 16:  # noqa: PLR2004 - the fixed part of a fmt chunk
        raise UnsupportedWav(f"{name} has a format chunk of {len(fmt)} bytes, 16 are needed: the file is damaged")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", fmt[:16])
    if tag == _EXTENSIBLE and len(fmt) >= 26:  # noqa: PLR2004 - up to the sub-format's tag
        tag = struct.unpack("<H", fmt[24:26])[0]
    coding = _CODINGS.get(tag)
    if coding is None:
        raise UnsupportedWav(f"{name} uses WAV coding 0x{tag:04x}: record as 16-bit PCM (Asterisk format `wav`)")
    if bits not in _BITS[coding]:
        raise UnsupportedWav(f"{name} says {bits} bits a sample, {coding} has {_BITS[coding]}: its header is wrong")
    if channels not in (1, 2):
        raise UnsupportedWav(f"{name} has {channels} channels: give one speaker a file, or two in stereo")
    if rate not in _RATES:
        raise UnsupportedWav(f"{name} says {rate} samples a second, which no telephone has: its header is wrong")
    return rate, channels, bits, coding


def _guess(head: bytes) -> str:
    for magic, what in _OTHER_FORMATS.items():
        if head.startswith(magic):
            return f" but {what}"
    return ""
