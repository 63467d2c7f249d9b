"""Measure the bundled model: character error rate on four voices and in four conditions it was never trained on.

Run it by `make bench` or `python -m tests.benchmarks.speech_accuracy`; it exits with 1 when a target is missed.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import vosk

from asr.model import extract
from asr.synthesis import SAMPLE_RATE, Espeak, Job, SynthesisError, spoken_syllables, synthesise_all
from asr.training.channel import a_law, add_noise, babble, gsm
from asr.training.recipe import HELD_OUT, Recipe, load_recipe

ROOT = Path(__file__).resolve().parents[2]
SEED = 20261123
RATES = (150, 175, 200, 225)
PITCHES = (40, 50, 60)
CROWD = ("f2", "m3", "Alex", "belinda", "paul", "linda")
"""Who babbles in the background: voices other than those measured."""

CHUNK_BYTES = 2 * SAMPLE_RATE // 5
OVERALL_TARGET, VOICE_TARGET, CONDITION_TARGET = 0.06, 0.10, 0.12
CONDITIONS = ("clean", "A-law", "GSM", "babble 10 dB")


@dataclass(frozen=True, slots=True)
class Trial:
    """One sentence to be decoded, and its row in the table."""

    text: str
    known_shape: bool
    voice: str
    condition: str
    samples: npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Result:
    """What was heard instead of the trial's text, and how many characters are wrong."""

    text: str
    heard: str
    known_shape: bool
    voice: str
    condition: str
    errors: int


def edit_distance(reference: str, heard: str) -> int:
    """Return the Levenshtein distance in characters."""
    row = list(range(len(heard) + 1))
    for i, expected in enumerate(reference, start=1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(heard, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (expected != got))
    return row[-1]


def test_sentences(recipe: Recipe) -> list[tuple[str, bool]]:
    """Return the texts of config/speech/held_out.toml, and whether training has sentences of their shape."""
    known = [(text, True) for text in recipe.held_out.known_shapes]
    return known + [(text, False) for text in recipe.held_out.unseen_shapes]


def spoken(texts: Sequence[tuple[str, bool]], espeak: Espeak) -> list[Trial]:
    """Speak every text by every voice; in each other condition every text once, the voices taking turns."""
    chance = np.random.default_rng(SEED)
    voices = sorted(HELD_OUT)
    jobs = [
        Job(spoken_syllables(text), voice, RATES[k % len(RATES)], PITCHES[(k // 4) % len(PITCHES)])
        for voice in voices
        for k, (text, _) in enumerate(texts)
    ]
    crowd_jobs = [Job(spoken_syllables(text), voice) for voice in CROWD for text, _ in texts[:12]]
    speeches = synthesise_all([*jobs, *crowd_jobs], espeak)
    crowd = [speech.samples for speech in speeches[len(jobs) :]]
    trials = []
    for number, speech in enumerate(speeches[: len(jobs)]):
        voice, k = voices[number // len(texts)], number % len(texts)
        text, known_shape = texts[k]
        edge = np.zeros(SAMPLE_RATE // 2)
        signal = np.concatenate([edge, speech.samples * 0.5, edge])
        trials.append(Trial(text, known_shape, voice, "clean", _pcm(signal)))
        if k % len(voices) == voices.index(voice):
            people = [crowd[i] for i in chance.integers(0, len(crowd), 6)]
            noisy = add_noise(signal, babble(people, len(signal), chance), 10.0)
            for condition, heard in zip(CONDITIONS[1:], (a_law(signal), gsm(signal), noisy), strict=True):
                trials.append(Trial(text, known_shape, voice, condition, _pcm(heard)))
    return trials


def _pcm(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
    return np.clip(np.round(signal), -32768, 32767).astype(np.int16)


def decode(work: tuple[str, Sequence[Trial]]) -> list[Result]:
    """Decode the trials with a fresh recognizer each."""
    folder, trials = work
    vosk.SetLogLevel(-1)
    model = vosk.Model(folder)
    results = []
    for trial in trials:
        recognizer = vosk.KaldiRecognizer(model, SAMPLE_RATE)
        audio, heard = trial.samples.tobytes(), ""
        for start in range(0, len(audio), CHUNK_BYTES):
            if recognizer.AcceptWaveform(audio[start : start + CHUNK_BYTES]):
                heard += json.loads(recognizer.Result())["text"]
        heard = (heard + json.loads(recognizer.FinalResult())["text"]).replace(" ", "")
        errors = edit_distance(trial.text, heard)
        results.append(Result(trial.text, heard, trial.known_shape, trial.voice, trial.condition, errors))
    return results


def error_rate(results: Iterable[Result]) -> float:
    """Return wrong characters by characters spoken."""
    rows = list(results)
    return sum(row.errors for row in rows) / sum(len(row.text) for row in rows)


def table(results: Sequence[Result]) -> list[tuple[str, int, float, float | None]]:
    """Return the rows: name, sentences, error rate, and the target where there is one."""
    clean = [row for row in results if row.condition == "clean"]
    rows: list[tuple[str, Sequence[Result], float | None]] = [("overall", clean, OVERALL_TARGET)]
    rows += [(f"voice {v}", [r for r in clean if r.voice == v], VOICE_TARGET) for v in sorted(HELD_OUT)]
    rows += [("known shapes", [r for r in clean if r.known_shape], None)]
    rows += [("unseen shapes", [r for r in clean if not r.known_shape], None)]
    rows += [(c, [r for r in results if r.condition == c], CONDITION_TARGET) for c in CONDITIONS[1:]]
    return [(name, len(part), error_rate(part), target) for name, part, target in rows]


def measure(archive: Path, tools: Path, config: Path) -> list[Result]:
    """Unpack the model and decode all trials on two processes."""
    try:
        espeak = Espeak.under(tools)
    except SynthesisError:
        espeak = Espeak.under(Path("/"))
    trials = spoken(test_sentences(load_recipe(config)), espeak)
    with tempfile.TemporaryDirectory() as scratch:
        folder = str(extract(archive, Path(scratch)))
        work = [(folder, trials[k::8]) for k in range(8)]
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            return [row for part in pool.map(decode, work) for row in part]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and, with --errors, every sentence that was heard wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    archives = sorted((ROOT / "asr/models").glob("*.tar.xz"))
    parser.add_argument("--archive", type=Path, default=archives[-1] if archives else None)
    unpacked = Path(os.environ.get("ZHITONG_TOOLS", ROOT / ".tools")) / "speech"
    parser.add_argument("--tools", type=Path, default=unpacked, help="where espeak-ng is unpacked; else the host's")
    parser.add_argument("--errors", action="store_true")
    options = parser.parse_args(arguments)
    results = measure(options.archive, options.tools, ROOT / "config")
    missed = 0
    write = sys.stdout.write
    write(f"{options.archive.name}: character error rate, voices never trained on\n")
    for name, count, rate, target in table(results):
        verdict = "" if target is None else f"target {target:.0%} " + ("met" if rate <= target else "MISSED")
        missed += verdict.endswith("MISSED")
        write(f"  {name:<16}{count:>5} sentences {rate:>7.2%}  {verdict}\n")
    if options.errors:
        for row in results:
            if row.errors:
                write(f"{row.condition} {row.voice} {row.errors}: {row.text} | {row.heard}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
