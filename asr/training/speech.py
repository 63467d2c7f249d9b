"""From planned utterances to features and labels, in parallel processes."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from asr.synthesis import PAUSE, SAMPLE_RATE, Espeak, synthesise_all
from asr.training.channel import codec, street_noise, telephone
from asr.training.corpus import Utterance
from asr.training.features import Features, Labels, label, mfcc, output_frames
from asr.training.phones import SILENCE, first_pdf

BATCH = 64
SHORTEST_SYLLABLE_SECONDS = 0.095
"""Three output frames: a faster syllable does not fit into its HMM states."""

SILENCE_SHARE = 0.2
"""Of the utterances without speech, those that are silent or nearly so."""


@dataclass(frozen=True, slots=True)
class Example:
    """One training example: (frames, 40) MFCC, a pdf for each output frame, the spoken syllables."""

    features: Features
    labels: Labels
    syllables: tuple[str, ...]


def examples(
    utterances: Sequence[Utterance], espeak: Espeak, processes: int, progress: Callable[[str], None]
) -> list[Example]:
    """Speak, telephone and label all utterances; those that came out too fast to recognise are left out."""
    batches = [(utterances[start : start + BATCH], espeak) for start in range(0, len(utterances), BATCH)]
    done: list[Example] = []
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for number, batch in enumerate(pool.map(_batch, batches), start=1):
            done += batch
            if number % 10 == 0 or number == len(batches):
                progress(f"spoken {len(done)} of {len(utterances)} utterances")
    return done


def _batch(work: tuple[Sequence[Utterance], Espeak]) -> list[Example]:
    utterances, espeak = work
    spoken = [utterance.job for utterance in utterances if utterance.job]
    speeches = dict(zip(spoken, synthesise_all(spoken, espeak), strict=True))
    crowd = [speech.samples for speech in speeches.values()]
    done = []
    for utterance in utterances:
        chance = np.random.default_rng(utterance.seed)
        if utterance.job is None:
            done.append(_noise(chance))
            continue
        speech = speeches[utterance.job]
        seconds = len(speech.samples) / SAMPLE_RATE
        if not speech.syllables or seconds < SHORTEST_SYLLABLE_SECONDS * len(speech.syllables):
            continue
        samples, scale, shift = telephone(speech.samples, crowd, chance)
        features = mfcc(samples)
        labels = label(speech.syllables, scale, shift, output_frames(len(features)))
        names = tuple(syllable for syllable in utterance.job.syllables if syllable != PAUSE)
        done.append(Example(features, labels, names))
    return done


def _noise(chance: np.random.Generator) -> Example:
    """No speech at all: noise, hum, tones, or digital silence."""
    length = int(chance.uniform(1.5, 6) * SAMPLE_RATE)
    if chance.random() < SILENCE_SHARE:
        samples = np.round(chance.standard_normal(length) * chance.choice([0.0, 0.6, 3.0])).astype(np.float32)
    else:
        signal = street_noise(length, chance) * (1 + chance.uniform(0, 1) * np.sin(np.arange(length) / 4000))
        samples = codec(signal, chance)
    features = mfcc(samples)
    labels = np.full(output_frames(len(features)), first_pdf(SILENCE), dtype=np.int16)
    return Example(features, labels, ())
