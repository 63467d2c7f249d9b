"""One call that is transcribed while it runs, as its worker keeps it in mind."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from api.recordings.models import RecordingRow
from api.transcripts.service import Live
from asr.live import Finished, Heard
from asr.model import SpeechModel
from asr.transcript import Utterance

# Silence is not worth a transaction; that so much of it passed is, for whoever has to go on from there.
_SILENCE_SECONDS = 15.0
# Of one core, so much may go into drafts of calls that still run.
_DRAFT_SHARE = 0.25


@dataclass(slots=True)
class LiveCall:
    """`live` is what is stored, `waiting` what is not yet; `drafted` how many of its utterances the draft knows."""

    recording: RecordingRow
    model: SpeechModel
    live: Live
    waiting: list[Heard] = field(default_factory=list)
    finished: Finished | None = None
    finishing_since: float | None = None
    lag_before_seconds: float | None = None
    drafted: int = 0
    draft_due: float = 0.0
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def recording_id(self) -> str:
        """The recording's name."""
        return self.recording.recording_id

    @property
    def worth_writing(self) -> bool:
        """Whether something waits that should be stored now."""
        heard = self.live.heard_seconds
        return self.finished is not None or any(
            each.utterance is not None or each.heard_seconds - heard[each.speaker] > _SILENCE_SECONDS
            for each in self.waiting
        )

    @property
    def draft_is_old(self) -> bool:
        """Whether words are stored that the draft does not know."""
        return self.drafted < len(self.live.utterances)


def fresh(live: Live, heard: Sequence[Heard]) -> list[Heard]:
    """Return what is not stored yet: a stream that was opened again may tell some of it twice. Pure."""
    at = dict(live.heard_seconds)
    found = []
    for each in heard:
        if each.heard_seconds > at[each.speaker] or (
            each.utterance is not None and each.utterance.start >= at[each.speaker]
        ):
            found.append(each)
            at[each.speaker] = max(at[each.speaker], each.heard_seconds)
    return found


def grown(live: Live, heard: Sequence[Heard], model: str) -> Live:
    """Return the transcript with what was heard since. Pure."""
    at = dict(live.heard_seconds)
    for each in heard:
        at[each.speaker] = max(at[each.speaker], each.heard_seconds)
    models = live.model.split(", ") if live.model else []
    return replace(
        live,
        model=", ".join(dict.fromkeys([*models, model])),
        heard_seconds=at,
        utterances=tuple(
            sorted([*live.utterances, *spoken(heard)], key=lambda each: (each.start, each.end, each.speaker))
        ),
    )


def spoken(heard: Sequence[Heard]) -> list[Utterance]:
    """Return the utterances among what was heard. Pure."""
    return [each.utterance for each in heard if each.utterance is not None]


def draft_pause_seconds(cost_seconds: float, calls: int) -> float:
    """Return how long a call's next draft waits after one that took `cost_seconds`, while `calls` run. Pure.

    One call's draft follows every utterance; many long calls share a quarter of a core.
    """
    return cost_seconds * max(1, calls) / _DRAFT_SHARE
