"""The model's sounds: toneless Mandarin initials and finals, and Kaldi's numbering of their states.

Ids follow Kaldi's conventions (position-dependent phones `_B _E _I _S`, transition-ids from 1); copies of a sound at
different places of a word share their acoustic states (pdfs), so only the lexicon knows where words begin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from asr.training.errors import TrainingError

SILENCE: Final = "SIL"
# Read as plain rows; quoted one by one they would fill a page.
INITIALS: Final = tuple("b p m f d t n l g k h j q x zh ch sh r z c s y w".split())  # noqa: SIM905
FINALS: Final = tuple(
    "a o e er ai ei ao ou an en ang eng ong i ia ie iao iu ian in iang ing iong "  # noqa: SIM905
    "u ua uo uai ui uan un uang v ve van vn ih iz".split()
)
SOUNDS: Final = (*INITIALS, *FINALS)

Position = Literal["B", "I", "E", "S"]
POSITIONS: Final[tuple[Position, ...]] = ("B", "I", "E", "S")
BOUNDARIES: Final[dict[Position, str]] = {"B": "begin", "I": "internal", "E": "end", "S": "singleton"}

AFTER_Y: Final = {"u": "v", "ue": "ve", "uan": "van", "un": "vn", "e": "ie", "an": "ian"}
AFTER_JQX: Final = {"u": "v", "ue": "ve", "uan": "van", "un": "vn"}
RETROFLEX: Final = frozenset({"zh", "ch", "sh", "r"})
SIBILANT: Final = frozenset({"z", "c", "s"})


def split(syllable: str) -> tuple[str, ...]:
    """Return a numbered or bare pinyin syllable's sounds: initial and final, or the final alone.

    Raises TrainingError for what is no Mandarin syllable of this model.
    """
    bare = syllable.rstrip("12345").replace("ü", "v")
    initial = next((i for i in ("zh", "ch", "sh", *INITIALS) if bare.startswith(i)), "")
    final = bare[len(initial) :]
    if initial == "y":
        final = AFTER_Y.get(final, final)
    elif initial in {"j", "q", "x"}:
        final = AFTER_JQX.get(final, final)
    elif initial in RETROFLEX and final == "i":
        final = "ih"
    elif initial in SIBILANT and final == "i":
        final = "iz"
    final = {"ue": "ve"}.get(final, final)
    if final not in FINALS:
        raise TrainingError(f"{syllable!r} is no syllable this model knows: check config/speech/pronunciations.toml")
    return (initial, final) if initial else (final,)


def state_count(sound: str) -> int:
    """Return how many HMM states a sound has: two for finals, one for initials and silence."""
    return 2 if sound in FINALS else 1


def first_pdf(sound: str) -> int:
    """Return the first pdf (row of the network's output) of a sound; its other state follows."""
    return _FIRST_PDF[sound]


def _number_pdfs() -> tuple[dict[str, int], int]:
    first: dict[str, int] = {}
    count = 0
    for sound in (SILENCE, *SOUNDS):
        first[sound] = count
        count += state_count(sound)
    return first, count


_FIRST_PDF, PDF_COUNT = _number_pdfs()


def phone_id(sound: str, position: Position = "S") -> int:
    """Return Kaldi's phone id: 1 for silence, then four for each sound."""
    if sound == SILENCE:
        return 1
    return 2 + 4 * SOUNDS.index(sound) + POSITIONS.index(position)


PHONE_COUNT: Final = 1 + 4 * len(SOUNDS)


def word_positions(sounds: Sequence[str]) -> list[tuple[str, Position]]:
    """Mark where in its word each sound stands."""
    if len(sounds) == 1:
        return [(sounds[0], "S")]
    middle: list[tuple[str, Position]] = [(sound, "I") for sound in sounds[1:-1]]
    return [(sounds[0], "B"), *middle, (sounds[-1], "E")]


@dataclass(frozen=True, slots=True)
class HmmState:
    """One (phone, state, pdf) tuple of the transition model; `number` counts them from 0 in Kaldi's order."""

    number: int
    phone: int
    state: int
    pdf: int

    @property
    def self_loop(self) -> int:
        """Return the transition-id of staying in the state."""
        return 2 * self.number + 1

    @property
    def forward(self) -> int:
        """Return the transition-id of leaving the state."""
        return 2 * self.number + 2


def _number_states() -> tuple[tuple[HmmState, ...], ...]:
    states: list[tuple[HmmState, ...]] = [()]
    number = 0
    for sound in (SILENCE, *SOUNDS):
        copies = 1 if sound == SILENCE else len(POSITIONS)
        for _ in range(copies):
            phone = len(states)
            count = state_count(sound)
            states.append(tuple(HmmState(number + k, phone, k, first_pdf(sound) + k) for k in range(count)))
            number += count
    return tuple(states)


HMM_STATES: Final = _number_states()
"""By phone id (0 is unused): the phone's states in order."""
