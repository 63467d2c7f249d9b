"""How like the example sentences of each matter a text is: weights of character runs, learned from the examples."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

LONGEST_RUN = 3
OFTEN = 80
"""A run in more sentences is multiplied as a column of a matrix, a rarer one by itself."""

RIDGE = 0.3
"""Regularisation; 0.3 to 3 give the same accuracy within two percent."""

_CLAUSE = re.compile(r"[\u4e00-\u9fff]+")

Weights = npt.NDArray[np.float32]


class Likeness:
    """Linear weights of runs of one to three characters for each code, fitted by regularised least squares.

    Each example is a vector of its runs, rare ones weighing more (TF-IDF), of length 1; the weights are the ridge
    regression of "belongs to the code" on these vectors (R. Rifkin, G. Yeo, T. Poggio: Regularized Least-Squares
    Classification, 2003). The same examples give the same weights; nothing is random.
    """

    def __init__(self, examples: Mapping[str, Sequence[str]]) -> None:
        """Learn from `examples`: code → sentences. A code with a dot also counts for the part before it."""
        rows = [(code, _runs(text)) for code, texts in examples.items() for text in texts]
        rows = [(code, runs) for code, runs in rows if runs]
        seen = Counter(run for _, runs in rows for run in runs)
        self.codes = tuple(dict.fromkeys(each for code, _ in rows for each in (code.partition(".")[0], code)))
        self._at = {run: at for at, run in enumerate(seen)}
        self._rarity = np.array([np.log((1 + len(rows)) / (1 + count)) + 1 for count in seen.values()], np.float32)
        self._unheard = float(np.log(1 + len(rows)) + 1)
        self._weights = self._fitted(rows) if rows else np.zeros((0, 0), np.float32)

    def scores(self, text: str) -> dict[str, float]:
        """Give each code's score: up to 1, about 0 for what is like no example of it; {} where no run is known."""
        runs = _runs(text)
        known = [self._at[run] for run in runs if run in self._at]
        if not known:
            return {}
        rarity = self._rarity[known]
        length = float(rarity @ rarity) + (len(runs) - len(known)) * self._unheard**2
        total = rarity @ self._weights[known] / np.sqrt(length)
        return dict(zip(self.codes, map(float, total), strict=True))

    def _fitted(self, rows: Sequence[tuple[str, Sequence[str]]]) -> Weights:
        columns = [np.array([self._at[run] for run in runs]) for _, runs in rows]
        values = [self._rarity[each] / np.linalg.norm(self._rarity[each]) for each in columns]
        gram = _gram(columns, values)
        gram[np.diag_indices(len(rows))] += RIDGE
        belongs = np.zeros((len(rows), len(self.codes)), np.float32)
        place = {code: at for at, code in enumerate(self.codes)}
        for at, (code, _) in enumerate(rows):
            belongs[at, [place[code], place[code.partition(".")[0]]]] = 1
        parts = np.linalg.solve(gram, belongs - belongs.mean(axis=0))
        weights = np.zeros((len(self._at), len(self.codes)), np.float32)
        for column, value, part in zip(columns, values, parts, strict=True):
            weights[column] += np.outer(value, part)
        return weights


def _runs(text: str) -> list[str]:
    """Give each run of one to three characters once, none across punctuation, in order."""
    found = (
        clause[at : at + length]
        for clause in _CLAUSE.findall(text)
        for length in range(1, LONGEST_RUN + 1)
        for at in range(len(clause) - length + 1)
    )
    return list(dict.fromkeys(found))


def _gram(columns: Sequence[npt.NDArray[np.int_]], values: Sequence[Weights]) -> Weights:
    """Multiply each row with each row, over the runs that they share; each row has the length 1."""
    column = np.concatenate(columns)
    row = np.repeat(np.arange(len(columns)), [len(each) for each in columns])
    by_run = np.argsort(column, kind="stable")
    row, value = row[by_run], np.concatenate(values)[by_run]
    ends = np.cumsum(np.bincount(column))
    gram = np.zeros((len(columns), len(columns)), np.float32)
    often = []
    for start, end in pairwise([0, *ends.tolist()]):
        if end - start > OFTEN:
            often.append((row[start:end], value[start:end]))
        elif end - start > 1:
            rows, weights = row[start:end], value[start:end]
            gram[rows[:, None], rows] += weights[:, None] * weights
    dense = np.zeros((len(columns), len(often)), np.float32)
    for at, (rows, weights) in enumerate(often):
        dense[rows, at] = weights
    gram += dense @ dense.T
    np.fill_diagonal(gram, 1.0)
    return gram
