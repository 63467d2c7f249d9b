"""The network's measures: shared by training, which needs torch, and by the export, which does not."""

from typing import Final

COEFFICIENTS: Final = 40
LOWEST_HERTZ, HIGHEST_HERTZ = 40, -200
"""Of the mel filters; a negative one counts down from half the sample rate."""

MFCC_CONF: Final = f"""\
--sample-frequency=8000
--use-energy=false
--num-mel-bins={COEFFICIENTS}
--num-ceps={COEFFICIENTS}
--low-freq={LOWEST_HERTZ}
--high-freq={HIGHEST_HERTZ}
--dither=0
--allow-upsample=true
"""
"""The model's conf/mfcc.conf: Vosk computes by it what asr.training.features computed for training."""

SUBSAMPLING: Final = 3
"""MFCC frames for one output of the network; Vosk's word times assume three."""

WIDTH: Final = 320
FIRST_KERNEL: Final = 7
OFFSETS: Final = (3, 3, 6, 6, 3)
"""Input frames between the three taps of each later layer."""

CONTEXT: Final = FIRST_KERNEL // 2 + sum(OFFSETS)
"""Input frames that the network sees on each side: 24."""
