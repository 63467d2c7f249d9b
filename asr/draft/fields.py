from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

# Words heard wrong have a mean confidence of 0.75, rules that guess a strength of 0.6 or less.
DOUBTFUL_BELOW = 0.65


@dataclass(frozen=True, slots=True)
class Evidence:
    """The speech behind a value: which utterance of the transcript, from where to where in its recording (seconds)."""

    utterance: int
    start: float
    end: float
    text: str
    recording_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape; `recording_id` only where it is known."""
        shape = {"utterance": self.utterance, "start": self.start, "end": self.end, "text": self.text}
        return shape if self.recording_id is None else {**shape, "recording_id": self.recording_id}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a draft. What was not said has no value, no confidence and no evidence.

    `confidence` (0 to 1) is the mean confidence of the words behind the value times the strength of the rule that
    found it (each rule's module names its strengths). Below `DOUBTFUL_BELOW` a value is `doubtful`: shown, and marked.
    """

    value: str | None = None
    confidence: float = 0.0
    evidence: tuple[Evidence, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether a human should look twice: a weak rule, or words that were hardly heard."""
        return self.value is not None and self.confidence < DOUBTFUL_BELOW

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape; a machine's value is never confirmed."""
        return {
            "value": self.value,
            "confidence": round(self.confidence, 3),
            "confirmed": False,
            "doubtful": self.doubtful,
            "evidence": [each.to_json() for each in self.evidence],
        }


NOT_SAID = Field()


@dataclass(frozen=True, slots=True)
class Draft:
    """What a transcript suggests for a ticket."""

    summary: Field = NOT_SAID
    category: Field = NOT_SAID
    place: Field = NOT_SAID
    district: Field = NOT_SAID
    street: Field = NOT_SAID
    urgency: Field = NOT_SAID
    complexity: Field = NOT_SAID
    unit: Field = NOT_SAID
    contact_phone: Field = NOT_SAID
    contact_name: Field = NOT_SAID
    happened_at: Field = NOT_SAID
    respondent: Field = NOT_SAID

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Give a ticket's `fields`."""
        return {field.name: getattr(self, field.name).to_json() for field in fields(self)}


def once(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Put evidence in order of speech, each piece once."""
    return tuple(sorted(dict.fromkeys(evidence), key=lambda each: (each.utterance, each.start)))
