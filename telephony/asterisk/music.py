import wave
from pathlib import Path

import numpy as np

RATE = 8000


def write_hold_music(path: Path) -> None:
    """Write the sound a caller hears while held: two soft notes each five seconds, so that the line is heard alive."""
    if path.exists():
        return
    seconds = np.arange(5 * RATE) / RATE
    notes = np.zeros(seconds.size)
    for begin, frequency in ((0.0, 523.25), (0.45, 659.25)):
        t = seconds - begin
        notes += np.where(t >= 0, np.sin(2 * np.pi * frequency * t) * np.exp(-3.0 * np.maximum(t, 0)), 0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((notes * 3000).astype("<i2").tobytes())
