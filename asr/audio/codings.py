import numpy as np
import numpy.typing as npt

from asr.audio.riff import Samples, WavInfo


def _alaw_table() -> Samples:
    """Give the 256 linear values of A-law bytes (ITU-T G.711, 13 bits scaled to 16)."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _mulaw_table() -> Samples:
    """Give the 256 linear values of µ-law bytes (ITU-T G.711, 14 bits scaled to 16)."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 15) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


_TABLES = {"alaw": _alaw_table(), "mulaw": _mulaw_table()}


def to_int16(data: bytes, info: WavInfo) -> Samples:
    """Turn the bytes of a data chunk into int16 samples, interleaved as they came; non-finite floats become silence."""
    if info.coding in _TABLES:
        return _TABLES[info.coding][np.frombuffer(data, np.uint8)]
    if info.coding == "float":
        wide = np.nan_to_num(np.frombuffer(data, f"<f{info.bits // 8}").astype(np.float64), posinf=1.0, neginf=-1.0)
        return np.clip(np.rint(wide * 32767), -32768, 32767).astype(np.int16)
    if info.bits == 8:  # noqa: PLR2004 - bits of a sample
        return ((np.frombuffer(data, np.uint8).astype(np.int16) - 128) << 8).astype(np.int16)
    if info.bits == 16:  # noqa: PLR2004
        return np.frombuffer(data, "<i2").astype(np.int16)
    width = info.bits // 8
    upper: npt.NDArray[np.uint8] = np.frombuffer(data, np.uint8).reshape(-1, width)[:, width - 2 :]
    return np.ascontiguousarray(upper).view("<i2").reshape(-1).astype(np.int16)
