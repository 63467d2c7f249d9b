"""Running calls → words while they are spoken. `LiveDecoders` owns the child processes that decode."""

from asr.live.events import Event, Finished, GivenUp, Heard, LiveTrack, Partial
from asr.live.pool import LiveDecoders

__all__ = ["Event", "Finished", "GivenUp", "Heard", "LiveDecoders", "LiveTrack", "Partial"]
