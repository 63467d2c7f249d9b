"""Sound that can be recognised again: a SIP success says nothing about the audio."""

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 8000
Samples = npt.NDArray[np.float64]
AnySamples = npt.NDArray[np.float64] | npt.NDArray[np.int16]
# A quarter of a second is heard when it correlates so well with what was played, at most so far from where it belongs.
WINDOW, REACH = 2000, 800
HEARD = 0.9
# Root mean square of what counts as sound, of 32768.
LOUD = 100


def read(path: Path) -> Samples:
    """Return a mono 16-bit WAV as floats."""
    with wave.open(str(path), "rb") as file:
        assert file.getnchannels() == 1
        assert file.getframerate() == RATE
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)


def heard_share(recorded: AnySamples, played: AnySamples) -> float:
    """Give how many of the played quarter-seconds are in the recording, near where the whole correlates best.

    Quarters without sound are not counted. One packet that came late or not at all costs the quarter that it is in
    and shifts those behind it, at most by REACH altogether.
    """
    size = recorded.size + played.size
    whole = np.fft.irfft(np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(played, size)), size)
    best = int(np.argmax(whole))
    shift = best if best < recorded.size else best - size
    windows = played[: played.size // WINDOW * WINDOW].reshape(-1, WINDOW).astype(np.float64)
    begins = WINDOW * np.arange(len(windows))
    loud = np.linalg.norm(windows, axis=1) > LOUD * np.sqrt(WINDOW)
    windows, begins = windows[loud], begins[loud]
    around = np.pad(recorded.astype(np.float64), size)
    length = WINDOW + 2 * REACH
    places = around[(size + shift - REACH + begins)[:, None] + np.arange(length)]
    found = np.fft.irfft(np.fft.rfft(places, length) * np.conj(np.fft.rfft(windows, length)), length)[:, : 2 * REACH]
    at = np.argmax(found, axis=1)
    rows = np.arange(len(windows))
    there = places[rows[:, None], at[:, None] + np.arange(WINDOW)]
    energy = np.linalg.norm(windows, axis=1) * np.linalg.norm(there, axis=1)
    return float(np.mean(found[rows, at] >= HEARD * np.maximum(energy, 1.0)))
