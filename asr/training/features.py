"""MFCC exactly as Vosk (Kaldi) will compute them from the model's mfcc.conf, and labels at the network's frame rate."""

from typing import Final

import kaldi_native_fbank
import numpy as np
import numpy.typing as npt

from asr.synthesis import SAMPLE_RATE, Syllable
from asr.training.layout import COEFFICIENTS, HIGHEST_HERTZ, LOWEST_HERTZ, SUBSAMPLING
from asr.training.phones import SILENCE, first_pdf, split, state_count

FRAME_SHIFT_SECONDS: Final = 0.010
FIRST_CENTRE_SECONDS: Final = 0.0125
LONGEST_CLOSURE_SECONDS: Final = 0.070
"""A shorter gap between two syllables is a stop's closure, part of the next initial; a longer one is silence."""

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int16]


def _options() -> kaldi_native_fbank.MfccOptions:
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = COEFFICIENTS
    options.mel_opts.low_freq = LOWEST_HERTZ
    options.mel_opts.high_freq = HIGHEST_HERTZ
    options.num_ceps = COEFFICIENTS
    options.use_energy = False
    return options


def mfcc(samples: npt.NDArray[np.float32]) -> Features:
    """Return (frames, 40) MFCC of samples in int16 range at 8 kHz, a frame every 10 ms."""
    extractor = kaldi_native_fbank.OnlineMfcc(_options())
    extractor.accept_waveform(SAMPLE_RATE, samples.tolist())
    extractor.input_finished()
    frames = [extractor.get_frame(k) for k in range(extractor.num_frames_ready)]
    return np.array(frames, dtype=np.float32).reshape(-1, COEFFICIENTS)


def output_frames(input_frames: int) -> int:
    """Return how many frames the network gives for so many MFCC frames."""
    return (input_frames + SUBSAMPLING - 1) // SUBSAMPLING


def label(syllables: tuple[Syllable, ...], scale: float, shift_seconds: float, frames: int) -> Labels:
    """Return the pdf of every output frame; frame n is centred at 30 n + 12.5 ms.

    `scale` and `shift_seconds` move the syllables' times to those of the telephone's output.
    """
    times = (np.arange(frames) * SUBSAMPLING * FRAME_SHIFT_SECONDS + FIRST_CENTRE_SECONDS - shift_seconds) / scale
    labels = np.full(frames, first_pdf(SILENCE), dtype=np.int16)
    previous_end = -1.0
    for syllable in syllables:
        sounds, starts, end = split(syllable.pinyin), syllable.sound_starts, syllable.end
        start = starts[0] if starts[0] - previous_end > LONGEST_CLOSURE_SECONDS else previous_end
        middle = start
        if len(sounds) > 1:
            middle = starts[1] if len(starts) > 1 else start + 0.3 * (end - start)
            labels[(times >= start) & (times < middle)] = first_pdf(sounds[0])
        states = state_count(sounds[-1])
        for state in range(states):
            part_start, part_end = (middle + (end - middle) * (state + k) / states for k in (0, 1))
            labels[(times >= part_start) & (times < part_end)] = first_pdf(sounds[-1]) + state
        previous_end = end
    return labels
