"""The language model: word bigrams with absolute discounting, backing off to a flattened unigram."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from asr.training.sentences import DIGITS, Sentence

DISCOUNT = 0.6
FLATTENING = 0.9
"""A word by itself is less rare than its count says: 1 costs rare words dear, 0.75 took them for others (你 → 泥)."""

DIGIT_BONUS = 3.0
"""Taken off the cost of a digit that goes on a long number. In a number that is read out every digit is as likely as
any other and costs 2.3, more than a short vowel beside its like says for itself: 二二 was heard as 二, 五五 as 五."""

LONG_NUMBER = 3
"""Digits after which a number is a long one; with fewer, the bonus made digits of other words (三个 → 三五)."""

COMMON_WORDS = 50_000
"""As many words as the general language's frequencies count for, beside the some 500,000 of the hotline's sentences."""

EDGE = "</s>"
"""Begin and end of a sentence."""

SAID_DIGITS = frozenset((*DIGITS, "幺"))


@dataclass(frozen=True, slots=True)
class Bigrams:
    """Costs (negative natural logarithms): of a word after another, of backing off, of a word by itself."""

    after: Mapping[str, Mapping[str, float]]
    backoff: Mapping[str, float]
    unigram: Mapping[str, float]


def estimate(sentences: Iterable[Sentence], vocabulary: Sequence[str], common: Mapping[str, int]) -> Bigrams:
    """Estimate the bigrams; the unigram goes by the counts to the power FLATTENING, a word never seen counting 1.

    `common` says how often words are in the language at large: in the unigram they count for COMMON_WORDS words.
    """
    pairs: dict[str, Counter[str]] = defaultdict(Counter)
    known = {word: common.get(word, 0) for word in vocabulary}
    share = COMMON_WORDS / max(1, sum(known.values()))
    counts: dict[str, float] = {EDGE: 1.0, **{word: 1 + share * count for word, count in known.items()}}
    for sentence in sentences:
        for before, word in zip((EDGE, *sentence), (*sentence, EDGE), strict=True):
            pairs[before][word] += 1
            counts[word] += 1
    roots = {word: count**FLATTENING for word, count in counts.items()}
    total = sum(roots.values())
    unigram = {word: root / total for word, root in roots.items()}
    after: dict[str, dict[str, float]] = {}
    backoff: dict[str, float] = {}
    for before, followers in pairs.items():
        seen = sum(followers.values())
        left = DISCOUNT * len(followers) / seen
        after[before] = {
            word: -math.log((count - DISCOUNT) / seen + left * unigram[word]) for word, count in followers.items()
        }
        backoff[before] = -math.log(left)
    return Bigrams(after, backoff, {word: -math.log(chance) for word, chance in unigram.items()})


def grammar_text(bigrams: Bigrams, numbers: Mapping[str, int]) -> str:
    """Return the bigrams as an FST for fstcompile: state 0 begins, 1 is the unigram, then one for each word.

    A digit has as many states as the digits before it count, up to LONG_NUMBER. Costs are told to the hundredth: more
    digits make the packed model 6 % larger and nothing better.
    """
    words = [EDGE, *sorted(word for word in bigrams.after if word != EDGE)]
    longer = [(word, before) for before in range(1, LONG_NUMBER + 1) for word in words if word in SAID_DIGITS]
    histories = [*((word, 0) for word in words), *longer]
    states = {history: number if number == 0 else number + 1 for number, history in enumerate(histories)}

    def arc(state: int, word: str, cost: float, digits: int = 0) -> str:
        """Return the arc of a word that follows so many digits."""
        long = word in SAID_DIGITS and digits >= LONG_NUMBER
        target = states.get((word, min(digits, LONG_NUMBER) if word in SAID_DIGITS else 0), 1)
        return f"{state} {target} {numbers[word]} {numbers[word]} {cost - DIGIT_BONUS * long:.2f}"

    lines: list[str] = []
    for (before, digits), state in states.items():
        followers = bigrams.after[before]
        so_far = digits + 1 if before in SAID_DIGITS else 0
        lines += [arc(state, word, cost, so_far) for word, cost in followers.items() if word != EDGE]
        lines.append(f"{state} 1 0 0 {bigrams.backoff[before]:.2f}")
        if EDGE in followers:
            lines.append(f"{state} {followers[EDGE]:.2f}")
    lines += [arc(1, word, cost) for word, cost in bigrams.unigram.items() if word != EDGE]
    lines.append(f"1 {bigrams.unigram[EDGE]:.2f}")
    return "\n".join(lines) + "\n"
