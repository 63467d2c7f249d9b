"""The language model: word bigrams with absolute discounting, backing off to a flattened unigram."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from asr.training.sentences import Sentence

DISCOUNT = 0.6
EDGE = "</s>"
"""Begin and end of a sentence."""


@dataclass(frozen=True, slots=True)
class Bigrams:
    """Costs (negative natural logarithms): of a word after another, of backing off, of a word by itself."""

    after: Mapping[str, Mapping[str, float]]
    backoff: Mapping[str, float]
    unigram: Mapping[str, float]


def estimate(sentences: Iterable[Sentence], vocabulary: Sequence[str]) -> Bigrams:
    """Estimate the bigrams; the unigram goes by the square root of the counts, a word never seen counting 1."""
    pairs: dict[str, Counter[str]] = defaultdict(Counter)
    counts: Counter[str] = Counter(dict.fromkeys((*vocabulary, EDGE), 1))
    for sentence in sentences:
        for before, word in zip((EDGE, *sentence), (*sentence, EDGE), strict=True):
            pairs[before][word] += 1
            counts[word] += 1
    roots = {word: math.sqrt(count) for word, count in counts.items()}
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
    """Return the bigrams as an FST for fstcompile: state 0 begins, 1 is the unigram, then one for each word."""
    states = {EDGE: 0}
    for word in sorted(bigrams.after):
        if word != EDGE:
            states[word] = len(states) + 1
    lines: list[str] = []
    for before, state in states.items():
        followers = bigrams.after[before]
        lines += [_arc(state, word, cost, states, numbers) for word, cost in followers.items() if word != EDGE]
        lines.append(f"{state} 1 0 0 {bigrams.backoff[before]:.4f}")
        if EDGE in followers:
            lines.append(f"{state} {followers[EDGE]:.4f}")
    lines += [_arc(1, word, cost, states, numbers) for word, cost in bigrams.unigram.items() if word != EDGE]
    lines.append(f"1 {bigrams.unigram[EDGE]:.4f}")
    return "\n".join(lines) + "\n"


def _arc(state: int, word: str, cost: float, states: Mapping[str, int], numbers: Mapping[str, int]) -> str:
    number = numbers[word]
    return f"{state} {states.get(word, 1)} {number} {number} {cost:.4f}"
