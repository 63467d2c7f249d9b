import wave
from collections.abc import Sequence
from pathlib import Path

from asr.synthesis import SAMPLE_RATE, Espeak, render_track


def speak(path: Path, lines: Sequence[tuple[float, str]], voice: str, espeak: Espeak, seconds: float = 0.0) -> Path:
    """Write `lines` (start second, text) as a WAV of at least `seconds`, 8 kHz mono; return its path."""
    samples = render_track(lines, voice, espeak).tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.ljust(int(seconds * SAMPLE_RATE) * 2, b"\0"))
    return path
