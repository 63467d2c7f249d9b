"""Sound that can be recognised again: a SIP success says nothing about the audio."""

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 8000
Samples = npt.NDArray[np.float64]


def read(path: Path) -> Samples:
    """Return a mono 16-bit WAV as floats."""
    with wave.open(str(path), "rb") as file:
        assert file.getnchannels() == 1
        assert file.getframerate() == RATE
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)


def correlation(played: Samples, recorded: Samples) -> float:
    """Return the highest normalised cross-correlation of `played` anywhere in `recorded`: 1.0 is the same sound.

    Computed over the part of `played` that carries sound; the denominator is the energy of the matched stretch.
    """
    loud = np.flatnonzero(np.abs(played) > 50)
    pattern = played[loud[0] : loud[-1] + 1]
    if len(recorded) < len(pattern):
        recorded = np.pad(recorded, (0, len(pattern) - len(recorded)))
    size = 1 << int(np.ceil(np.log2(len(recorded) + len(pattern))))
    spectrum = np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(pattern, size))
    products = np.fft.irfft(spectrum, size)[: len(recorded) - len(pattern) + 1]
    energy = np.concatenate([[0.0], np.cumsum(recorded**2)])
    stretches = energy[len(pattern) :] - energy[: -len(pattern)]
    norms = np.sqrt(np.maximum(stretches, 1.0) * float(pattern @ pattern))
    return float(np.max(products / norms))
