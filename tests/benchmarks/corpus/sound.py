"""Corpus calls as sound: two tracks at 8 kHz as a PBX records them, with what lines, rooms and people add."""

import hashlib
import json
import wave
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asr.audio import Speaker
from asr.synthesis import SAMPLE_RATE, Espeak, Job, spoken_syllables, synthesise_all
from asr.training.channel import Signal, babble, codec, line, room, street_noise
from tests.benchmarks.corpus.call import CallText

SPEAKERS: tuple[Speaker, Speaker] = ("agent", "citizen")
CROWD = ("f2", "m3", "Alex", "belinda", "paul", "linda")
"""Who babbles in the background: none of them speaks in a call."""

CROWD_SAYS = ("我想反映一个问题", "请问您贵姓", "好的我马上为您登记", "小区停水了", "电话是多少", "谢谢再见")
RATES, PITCHES = (150, 230), (38, 62)
GAP_SECONDS = (0.25, 1.1)
OVERLAP_SHARE, OVERLAP_SECONDS = 0.12, (0.15, 0.5)
"""Of the turns, those that begin while the other still speaks, and by how much."""

LEAK_SHARE, LEAK_DB = 0.5, (-45.0, -28.0)
"""Of the calls, those in which each hears the other through the line's echo, and how far below."""

CITIZEN_NOISE = (("none", 0.15), ("street", 0.45), ("babble", 0.40))
AGENT_NOISE = (("none", 0.4), ("babble", 0.6))
SNR_DB: Mapping[Speaker, tuple[float, float]] = {"citizen": (12.0, 32.0), "agent": (20.0, 35.0)}
ROOM_SHARE = 0.25
VERSION = 1
"""Raise it when this module's sound changes: cached files carry it in their names."""


@dataclass(frozen=True, slots=True)
class CallSound:
    """Where a call's two recordings are."""

    agent: Path
    citizen: Path


def call_sounds(calls: Sequence[CallText], folder: Path, espeak: Espeak, processes: int) -> list[CallSound]:
    """Write each call's tracks below `folder`; what is already there from an earlier run is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [CallSound(*(folder / f"{key}-{who}.wav" for who in SPEAKERS)) for key in map(_key, calls)]
    missing = [(c, s) for c, s in zip(calls, found, strict=True) if not (s.agent.is_file() and s.citizen.is_file())]
    if missing:
        crowd = [speech.samples for speech in synthesise_all(_crowd_jobs(), espeak)]
        parts = [missing[k::processes] for k in range(processes)]
        with ThreadPoolExecutor(processes) as threads:  # espeak-ng works in child processes
            list(threads.map(lambda part: _write(part, crowd, espeak), parts))
    return found


def _key(call: CallText) -> str:
    content = json.dumps([VERSION, [asdict(each) for each in call.lines], dict(call.voices), call.seed])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _crowd_jobs() -> list[Job]:
    return [Job(spoken_syllables(text), voice) for voice in CROWD for text in CROWD_SAYS]


def _write(part: Sequence[tuple[CallText, CallSound]], crowd: Sequence[npt.NDArray[np.int16]], espeak: Espeak) -> None:
    chances = [np.random.default_rng(call.seed) for call, _ in part]
    jobs: list[Job] = []
    for (call, _), chance in zip(part, chances, strict=True):
        manner = {who: (int(chance.integers(*RATES)), int(chance.integers(*PITCHES))) for who in SPEAKERS}
        jobs += [Job(spoken_syllables(x.text), call.voices[x.speaker], *manner[x.speaker]) for x in call.lines]
    spoken = iter(synthesise_all(jobs, espeak))
    for (call, sound), chance in zip(part, chances, strict=True):
        turns = [(each.speaker, next(spoken).samples.astype(np.float64)) for each in call.lines]
        tracks = _tracks(turns, chance)
        heard = {who: _line(who, tracks, crowd, chance) for who in SPEAKERS}
        _save(sound.agent, heard["agent"])
        _save(sound.citizen, heard["citizen"])


def _tracks(turns: Sequence[tuple[Speaker, Signal]], chance: np.random.Generator) -> dict[Speaker, Signal]:
    """Lay the turns in time, one after the other, some into the other's end."""
    starts, end = [], float(chance.uniform(0.3, 1.0))
    for at, (who, samples) in enumerate(turns):
        change = at > 0 and turns[at - 1][0] != who
        overlaps = change and chance.random() < OVERLAP_SHARE
        start = end - chance.uniform(*OVERLAP_SECONDS) if overlaps else end + chance.uniform(*GAP_SECONDS)
        starts.append(int(start * SAMPLE_RATE))
        end = start + len(samples) / SAMPLE_RATE
    length = int((end + 0.8) * SAMPLE_RATE)
    tracks: dict[Speaker, Signal] = {who: np.zeros(length) for who in SPEAKERS}
    for (who, samples), start in zip(turns, starts, strict=True):
        tracks[who][start : start + len(samples)] += samples
    return tracks


def _line(
    who: Speaker,
    tracks: Mapping[Speaker, Signal],
    crowd: Sequence[npt.NDArray[np.int16]],
    chance: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """One speaker's track as it is recorded: room, noise, the other's echo, the line, the codec."""
    other: Speaker = "agent" if who == "citizen" else "citizen"
    signal = tracks[who] * 0.5
    if who == "citizen" and chance.random() < ROOM_SHARE:
        signal = room(signal, chance)
    shares = CITIZEN_NOISE if who == "citizen" else AGENT_NOISE
    kind = str(chance.choice([name for name, _ in shares], p=[share for _, share in shares]))
    if kind == "babble":
        people = [crowd[k] for k in chance.integers(0, len(crowd), int(chance.integers(3, 8)))]
        signal = signal + _below(tracks[who] * 0.5, babble(people, len(signal), chance), chance.uniform(*SNR_DB[who]))
    elif kind == "street":
        noise = street_noise(len(signal), chance)
        signal = signal + _below(tracks[who] * 0.5, noise, chance.uniform(*SNR_DB[who]))
    if chance.random() < LEAK_SHARE:
        signal = signal + tracks[other] * 0.5 * 10 ** (chance.uniform(*LEAK_DB) / 20)
    return codec(line(signal, chance), chance)


def _below(speech: Signal, noise: Signal, snr_db: float) -> Signal:
    """Scale noise so that speech, where somebody speaks, has `snr_db` more power."""
    power = float((speech[speech != 0] ** 2).mean())
    return np.asarray(noise * np.sqrt(power / float((noise**2).mean()) / 10 ** (snr_db / 10)))


def _save(path: Path, samples: npt.NDArray[np.float32]) -> None:
    """Write a WAV whole or not at all."""
    partial = path.with_suffix(".partial")
    with wave.open(str(partial), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(np.clip(samples, -32768, 32767).astype("<i2").tobytes())
    partial.rename(path)
