"""The telephone: what a line, a room, a codec and the street do to speech, at 8 kHz in numpy."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from asr.synthesis import SAMPLE_RATE

Signal = npt.NDArray[np.float64]
FULL_SCALE = 32767.0
A_LAW, MU_LAW = 87.6, 255.0
ROOM_SHARE, NOISE_SHARE, BABBLE_SHARE = 0.3, 0.8, 0.5
"""Of the calls, those from an echoing room and those with noise; of the noises, other people's voices."""
CODEC_SHARES = {"none": 0.25, "mu-law": 0.3, "A-law": 0.3, "GSM": 0.15}


def mu_law(signal: Signal) -> Signal:
    """Return the signal (int16 range) after an 8-bit µ-law codec (ITU-T G.711, continuous form)."""
    x = np.clip(signal / FULL_SCALE, -1, 1)
    code = np.round(127 * np.sign(x) * np.log1p(MU_LAW * np.abs(x)) / np.log1p(MU_LAW)) / 127
    return np.asarray(FULL_SCALE * np.sign(code) * np.expm1(np.abs(code) * np.log1p(MU_LAW)) / MU_LAW)


def a_law(signal: Signal) -> Signal:
    """Return the signal (int16 range) after an 8-bit A-law codec (ITU-T G.711, continuous form)."""
    x = np.clip(signal / FULL_SCALE, -1, 1)
    scale, size = 1 + np.log(A_LAW), np.abs(x)
    code = np.where(size < 1 / A_LAW, A_LAW * size, 1 + np.log(np.maximum(A_LAW * size, 1))) / scale
    code = np.round(127 * code) / 127
    back = np.where(code < 1 / scale, code * scale / A_LAW, np.exp(code * scale - 1) / A_LAW)
    return np.asarray(FULL_SCALE * np.sign(x) * back)


def gsm(signal: Signal) -> Signal:
    """Return the signal (int16 range) after the GSM 06.10 full-rate codec of libsndfile."""
    file = io.BytesIO()
    clipped = np.clip(np.round(signal), -32768, 32767).astype(np.int16)
    soundfile.write(file, clipped, SAMPLE_RATE, format="WAV", subtype="GSM610")
    file.seek(0)
    decoded: Any = soundfile.read(file, dtype="int16")[0]
    return np.asarray(decoded[: len(signal)], dtype=np.float64)


def add_noise(signal: Signal, noise: Signal, snr_db: float) -> Signal:
    """Add noise so that speech (its loud half) stands `snr_db` above it."""
    loud = np.sort(signal**2)[len(signal) // 2 :]
    power = float(loud.mean()) if len(loud) else 0.0
    noise_power = float((noise**2).mean()) or 1.0
    return np.asarray(signal + noise * np.sqrt(power / noise_power / 10 ** (snr_db / 10)))


def babble(voices: Sequence[npt.NDArray[np.int16]], length: int, chance: np.random.Generator) -> Signal:
    """Return `length` samples of all the voices talking at once, each from a place of its own."""
    mixed = np.zeros(length)
    for voice in voices:
        loop = np.resize(voice.astype(np.float64), length + len(voice))
        start = int(chance.integers(0, len(voice)))
        part = loop[start : start + length]
        mixed += part / (np.sqrt((part**2).mean()) or 1.0)
    return mixed


def street_noise(length: int, chance: np.random.Generator) -> Signal:
    """Return white, pink or brown noise, mains hum, tones, or music."""
    sound = (_steady, _steady, _steady, _hum, _tones, _music)[int(chance.integers(0, 6))]
    return sound(length, chance)


def _steady(length: int, chance: np.random.Generator) -> Signal:
    """White, pink or brown noise, and what lies between."""
    spectrum = np.fft.rfft(chance.standard_normal(length))
    fall = np.maximum(np.arange(len(spectrum)), 1.0) ** -chance.uniform(0, 1)
    return np.fft.irfft(spectrum * fall, length)


def _hum(length: int, chance: np.random.Generator) -> Signal:
    time = np.arange(length) / SAMPLE_RATE
    hertz = chance.choice([50.0, 60.0]) * chance.uniform(0.98, 1.02)
    fall, count = chance.uniform(0.3, 2.5), int(chance.integers(1, 30))
    harmonics = [np.sin(2 * np.pi * hertz * k * time + chance.uniform(0, 6)) / k**fall for k in range(1, count + 1)]
    return np.asarray(sum(harmonics) + chance.uniform(0, 0.03) * chance.standard_normal(length))


def _tones(length: int, chance: np.random.Generator) -> Signal:
    """Dialling, ringing and alarm tones."""
    time = np.arange(length) / SAMPLE_RATE
    tones = [np.sin(2 * np.pi * chance.uniform(200, 2500) * time) for _ in range(chance.integers(1, 4))]
    gate = (time * chance.uniform(0.5, 3)) % 1 < chance.uniform(0.3, 1)
    return np.asarray(sum(tones) * gate + 0.01 * chance.standard_normal(length))


def _music(length: int, chance: np.random.Generator) -> Signal:
    """Chords of decaying notes, each with a few harmonics."""
    music = np.zeros(length)
    start = 0
    while start < length:
        time = np.arange(min(length - start, int(chance.uniform(0.12, 0.9) * SAMPLE_RATE))) / SAMPLE_RATE
        for _ in range(int(chance.integers(1, 4))):
            hertz = 110 * 2 ** (chance.integers(0, 36) / 12)
            note = [np.sin(2 * np.pi * hertz * k * time) / k ** chance.uniform(0.7, 2) for k in range(1, 7)]
            music[start : start + len(time)] += sum(note) * np.exp(-chance.uniform(0, 6) * time)
        start += len(time)
    return music


def line(signal: Signal, chance: np.random.Generator) -> Signal:
    """Return the signal within a random line's band edges and tilt, as one curve over the spectrum."""
    spectrum = np.fft.rfft(signal)
    hertz = np.fft.rfftfreq(len(signal), 1 / SAMPLE_RATE)
    low, high = chance.uniform(60, 320), chance.uniform(3200, 3800)
    order = chance.uniform(2, 6)
    with np.errstate(divide="ignore", over="ignore"):
        band = 1 / np.sqrt(1 + (low / np.maximum(hertz, 1)) ** (2 * order)) / np.sqrt(1 + (hertz / high) ** 24)
    tilt = 10 ** (chance.uniform(-6, 6) * (hertz / 4000 - 0.5) / 20)
    return np.fft.irfft(spectrum * band * tilt, len(signal))


def room(signal: Signal, chance: np.random.Generator) -> Signal:
    """Return the signal as a small random room makes it: decaying noise as impulse response."""
    decay = chance.uniform(0.05, 0.35)
    length = int(decay * SAMPLE_RATE)
    response = chance.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    response *= chance.uniform(0.1, 0.5) / np.sqrt((response**2).sum())
    response[0] = 1.0
    size = len(signal) + length
    return np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size)[: len(signal)]


def telephone(
    samples: npt.NDArray[np.int16], voices: Sequence[npt.NDArray[np.int16]], chance: np.random.Generator
) -> tuple[npt.NDArray[np.float32], float, float]:
    """Send speech through a random telephone call; `voices` is other speech, for babble.

    Returns the samples (int16 range), and how the times of the speech change: `new = old * scale + shift` seconds.
    """
    speed = chance.uniform(0.88, 1.12)
    signal = soxr.resample(samples.astype(np.float64), SAMPLE_RATE * speed, SAMPLE_RATE, quality="MQ")
    lead, tail = chance.uniform(0.1, 1.3, 2)
    signal = np.concatenate([np.zeros(int(lead * SAMPLE_RATE)), signal, np.zeros(int(tail * SAMPLE_RATE))])
    if chance.random() < ROOM_SHARE:
        signal = room(signal, chance)
    if chance.random() < NOISE_SHARE:
        if voices and chance.random() < BABBLE_SHARE:
            crowd = [voices[k] for k in chance.integers(0, len(voices), int(chance.integers(2, 8)))]
            signal = add_noise(signal, babble(crowd, len(signal), chance), chance.uniform(3, 30))
        else:
            signal = add_noise(signal, street_noise(len(signal), chance), chance.uniform(0, 35))
    return codec(line(signal, chance), chance), 1 / speed, lead


def codec(signal: Signal, chance: np.random.Generator) -> npt.NDArray[np.float32]:
    """Set a level between -26 and 0 dB of full scale and pass one of the codecs, or none."""
    peak = float(np.abs(signal).max()) or 1.0
    signal = signal / peak * FULL_SCALE * 0.95 * 10 ** (chance.uniform(-26, 0) / 20)
    coded = str(chance.choice(list(CODEC_SHARES), p=list(CODEC_SHARES.values())))
    signal = {"none": lambda x: x, "mu-law": mu_law, "A-law": a_law, "GSM": gsm}[coded](signal)
    return np.round(signal).astype(np.float32)
