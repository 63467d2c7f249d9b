import numpy as np
import numpy.typing as npt
import soxr

from asr.audio.riff import Samples


def resample(samples: Samples, rate: int, to_rate: int) -> Samples:
    """Bring int16 mono samples from `rate` to `to_rate` (Hz) by soxr's high-quality filter."""
    if rate == to_rate or not samples.size:
        return samples
    resampled: npt.NDArray[np.float32] = soxr.resample(samples.astype(np.float32), rate, to_rate)
    return np.rint(np.clip(resampled, -32768, 32767)).astype(np.int16)
