"""Recordings as samples: WAV files read strictly, both tracks of a call, any rate brought to the model's."""

from asr.audio.parts import WavParts
from asr.audio.resample import Resampler, resample
from asr.audio.riff import Samples, WavInfo
from asr.audio.tracks import Speaker, Track, TrackSource, read_track, read_tracks, track_sources
from asr.audio.wav import probe, read_mono, read_samples

__all__ = [
    "Resampler",
    "Samples",
    "Speaker",
    "Track",
    "TrackSource",
    "WavInfo",
    "WavParts",
    "probe",
    "read_mono",
    "read_samples",
    "read_track",
    "read_tracks",
    "resample",
    "track_sources",
]
