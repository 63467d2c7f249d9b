"""What training speaks: template sentences, digits, random words and syllables, and sounds that are no speech."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pypinyin import Style, lazy_pinyin

from asr.synthesis import PAUSE, Job
from asr.training.errors import TrainingError
from asr.training.phones import split
from asr.training.recipe import Recipe
from asr.training.sentences import draw

Kind = Literal["sentence", "digits", "words", "syllables", "noise"]

SHARES: Final[tuple[tuple[Kind, float], ...]] = (
    ("sentence", 0.48),
    ("digits", 0.17),
    ("words", 0.14),
    ("syllables", 0.13),
    ("noise", 0.08),
)
PAUSE_AFTER_WORD = 0.06
FREQUENT_HANZI: Final = (0x4E00, 0x9FA5)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One training utterance: its job for espeak-ng (none for noise) and the seed of its telephone channel."""

    kind: Kind
    text: str
    job: Job | None
    seed: int


def tonal_syllables() -> tuple[str, ...]:
    """Return the numbered pinyin of every Mandarin syllable that a hanzi has, neutral tones left out."""
    hanzi = "".join(map(chr, range(*FREQUENT_HANZI)))
    found: set[str] = set()
    for syllable in lazy_pinyin(hanzi, style=Style.TONE3, neutral_tone_with_five=True):
        try:
            split(syllable)
        except TrainingError:
            continue
        if syllable[-1] in "1234" and syllable.isascii():
            found.add(syllable)
    return tuple(sorted(found))


def plan(recipe: Recipe, seed: int, count: int) -> list[Utterance]:
    """Plan `count` utterances; the same seed plans the same ones."""
    chance = random.Random(seed)  # noqa: S311 (a reproducible corpus, no secret)
    vocabulary, syllables = recipe.vocabulary(), tonal_syllables()
    kinds, shares = [kind for kind, _ in SHARES], [share for _, share in SHARES]
    return [_utterance(kind, recipe, vocabulary, syllables, chance) for kind in chance.choices(kinds, shares, k=count)]


def _utterance(
    kind: Kind, recipe: Recipe, vocabulary: Sequence[str], syllables: Sequence[str], chance: random.Random
) -> Utterance:
    words: Sequence[str] = ()
    if kind == "sentence":
        words = draw(recipe, chance)
    elif kind == "digits":
        words = draw(recipe, chance, chance.choice(("{mobile}", "{mobile}", "{few_digits}", "{landline}", "{room}")))
    elif kind == "words":
        words = [chance.choice(vocabulary) for _ in range(chance.randint(1, 7))]
        while "".join(words) in recipe.held_out.texts:
            words = [chance.choice(vocabulary)]
    elif kind == "noise":
        return Utterance(kind, "", None, chance.getrandbits(32))
    if kind == "syllables":
        spoken = [[chance.choice(syllables)] for _ in range(chance.randint(3, 16))]
    else:
        spoken = [list(chance.choice(recipe.pronunciations(word))) for word in words]
    job = Job(
        syllables=tuple(with_pauses(spoken, chance)),
        voice=chance.choice(recipe.voices.training),
        rate=chance.randint(*recipe.voices.rate),
        pitch=chance.randint(*recipe.voices.pitch),
    )
    return Utterance(kind, "".join(words), job, chance.getrandbits(32))


def with_pauses(words: Sequence[Sequence[str]], chance: random.Random) -> list[str]:
    """Join the words' syllables, with a pause between two words now and then."""
    joined: list[str] = []
    for word in words:
        if joined and chance.random() < PAUSE_AFTER_WORD:
            joined.append(PAUSE)
        joined += word
    return joined
