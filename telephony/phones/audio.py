import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from telephony.errors import TelephonyError

RATE = 8000
Samples = npt.NDArray[np.float64]
_EXTENSIBLE = 0xFFFE
_FORMAT_BYTES, _EXTENSIBLE_BYTES = 16, 26
_CHANNELS, _RATES = range(1, 33), range(1000, 768001)


class PhoneAudioError(TelephonyError):
    """A sound file for a phone cannot be used; the message says why."""

    error_id = "phone_audio"


def alaw_file(source: Path, target: Path) -> float:
    """Convert any WAV (or raw .alaw, 8 kHz) `source` to raw 8 kHz mono A-law at `target`; return its seconds.

    PCM of 8 to 32 bits, float, A-law and µ-law are understood, any rate, any number of channels (mixed to one).
    Raises PhoneAudioError.
    """
    try:
        data = source.read_bytes()
    except OSError as error:
        raise PhoneAudioError(f"{source} cannot be read: {error.strerror}.") from error
    if not data:
        raise PhoneAudioError(f"{source} is empty.")
    encoded = data if source.suffix == ".alaw" else encode_alaw(_to_int16(*_read_wav(data, source)))
    target.write_bytes(encoded)
    return len(encoded) / RATE


def encode_alaw(samples: npt.NDArray[np.int16]) -> bytes:
    """Encode 16-bit linear samples as G.711 A-law (ITU-T G.711, table 1a: 13-bit, even bits inverted)."""
    linear = samples.astype(np.int32) >> 3
    negative = linear < 0
    magnitude = np.where(negative, -linear - 1, linear)
    segment = np.searchsorted(np.array([0x1F, 0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF]), magnitude)
    mantissa = magnitude >> np.maximum(segment, 1) & 0x0F
    code = (segment << 4) | mantissa
    return bytes((code ^ np.where(negative, 0x55, 0xD5)).astype(np.uint8))


def decode_alaw(data: bytes) -> npt.NDArray[np.int16]:
    """Decode G.711 A-law to 16-bit linear samples (ITU-T G.711, table 1a)."""
    code = np.frombuffer(data, np.uint8).astype(np.int32) ^ 0x55
    segment = (code >> 4) & 0x07
    value = ((code & 0x0F) << 4) + 8
    value = np.where(segment > 0, (value + 0x100) << np.maximum(segment - 1, 0), value)
    return np.where(code & 0x80, value, -value).astype(np.int16)


def _decode_ulaw(data: bytes) -> npt.NDArray[np.int16]:
    code = ~np.frombuffer(data, np.uint8).astype(np.int32) & 0xFF
    value = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 0x07)) - 0x84
    return np.where(code & 0x80, -value, value).astype(np.int16)


def _to_int16(samples: Samples, rate: int) -> npt.NDArray[np.int16]:
    mono = samples.mean(axis=1)
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE)
    scaled: npt.NDArray[np.float64] = np.clip(mono, -1.0, 32767 / 32768) * 32768
    return scaled.round().astype(np.int16)


def _read_wav(data: bytes, source: Path) -> tuple[Samples, int]:
    """Return samples (frames x channels, -1 to 1) and rate. A file cut short gives what is there."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise PhoneAudioError(f"{source} is not a WAV file (nor named .alaw): convert it first.")
    position, form, body = 12, b"", b""
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        chunk = data[position + 8 : position + 8 + size]
        if name == b"fmt ":
            form = chunk
        elif name == b"data":
            body = chunk
            break
        position += 8 + size + size % 2
    if len(form) < _FORMAT_BYTES or not body:
        raise PhoneAudioError(f"{source} has no format or no sound in it.")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if kind == _EXTENSIBLE and len(form) >= _EXTENSIBLE_BYTES:
        (kind,) = struct.unpack_from("<H", form, 24)
    if channels not in _CHANNELS or rate not in _RATES:
        raise PhoneAudioError(f"{source} claims {channels} channels at {rate} Hz: it is damaged.")
    flat = _samples(body, kind, bits, source)
    return flat[: flat.size // channels * channels].reshape(-1, channels), rate


def _samples(body: bytes, kind: int, bits: int, source: Path) -> Samples:  # noqa: PLR0911 -- a table of formats
    body = body[: len(body) // (bits // 8 or 1) * (bits // 8 or 1)]
    match kind, bits:
        case (1, 8):
            return (np.frombuffer(body, np.uint8).astype(np.float64) - 128) / 128
        case (1, 16):
            return np.frombuffer(body, "<i2").astype(np.float64) / 2**15
        case (1, 24):
            parts = np.frombuffer(body, np.uint8).reshape(-1, 3).astype(np.int32)
            return ((parts[:, 0] << 8 | parts[:, 1] << 16 | parts[:, 2] << 24) / 2**31).astype(np.float64)
        case (1, 32):
            return np.frombuffer(body, "<i4").astype(np.float64) / 2**31
        case (3, 32 | 64):
            return np.nan_to_num(np.frombuffer(body, f"<f{bits // 8}").astype(np.float64))
        case (6, 8):
            return decode_alaw(body).astype(np.float64) / 2**15
        case (7, 8):
            return _decode_ulaw(body).astype(np.float64) / 2**15
        case _:
            raise PhoneAudioError(f"{source}: WAV format {kind} with {bits} bits is not understood; use PCM or A-law.")
