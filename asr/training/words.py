"""The words of a model and what is likely to follow what: all of its graph, from the recipe alone."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from asr.training.graph import FstTools, Lexicon, write_graph
from asr.training.kaldi_text import word_boundaries
from asr.training.language import SAID_DIGITS, estimate, grammar_text
from asr.training.recipe import Recipe, in_words
from asr.training.sentences import Sentence, sentences


def write_words(folder: Path, recipe: Recipe, seed: int, text_sentences: int, tools: FstTools) -> None:
    """Write the model's `graph/` anew: vocabulary, pronunciations, bigrams of `text_sentences` generated sentences."""
    graph = folder / "graph"
    shutil.rmtree(graph, ignore_errors=True)
    (graph / "phones").mkdir(parents=True)
    (graph / "phones/word_boundary.int").write_text(word_boundaries())
    vocabulary = recipe.vocabulary()
    lexicon = Lexicon.build({word: recipe.pronunciations(word) for word in vocabulary})
    # Each example once beside what is drawn: what is said of a matter is said in few ways that a draw would hit.
    texts = [*sentences(recipe, seed, text_sentences), *(tuple(line.split()) for line in recipe.examples)]
    bigrams = estimate(one_way(texts, vocabulary), vocabulary, recipe.common)
    write_graph(graph, lexicon, grammar_text(bigrams, lexicon.numbers()), tools)


def one_way(texts: Iterable[Sentence], vocabulary: Sequence[str]) -> Iterator[Sentence]:
    """Cut each sentence anew, all in the same way: 您 贵姓 beside 您贵姓 halves the confidence of both. Digits stay."""
    known = frozenset(vocabulary)
    for words in texts:
        parts = groupby(words, key=SAID_DIGITS.__contains__)
        yield tuple(
            word for digits, part in parts for word in (part if digits else in_words("".join(part), known).split())
        )
