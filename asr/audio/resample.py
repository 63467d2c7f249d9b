import numpy as np
import numpy.typing as npt
import soxr

from asr.audio.riff import Samples


def resample(samples: Samples, rate: int, to_rate: int) -> Samples:
    """Bring int16 mono samples from `rate` to `to_rate` (Hz) by soxr's high-quality filter."""
    if rate == to_rate or not samples.size:
        return samples
    return _int16(soxr.resample(samples.astype(np.float32), rate, to_rate))


class Resampler:
    """`resample` for sound that comes in pieces; output sample n stands for second n / `to_rate`, as in one piece."""

    def __init__(self, rate: int, to_rate: int) -> None:
        self.rate = rate
        self._stream = None if rate == to_rate else soxr.ResampleStream(rate, to_rate, 1, dtype="float32")

    def feed(self, samples: Samples) -> Samples:
        """Take the next piece; what is returned lags behind by the filter's length."""
        if self._stream is None or not samples.size:
            return samples
        return _int16(self._stream.resample_chunk(samples.astype(np.float32)))

    def flush(self) -> Samples:
        """Return what the filter still holds; nothing may be fed afterwards."""
        if self._stream is None:
            return np.zeros(0, np.int16)
        return _int16(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))


def _int16(sound: npt.NDArray[np.float32]) -> Samples:
    return np.rint(np.clip(sound, -32768, 32767)).astype(np.int16)
