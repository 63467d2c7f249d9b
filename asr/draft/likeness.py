"""How like the example sentences of each matter a text is: weights of character runs, learned from the examples."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, cg

from asr.text.sound import alike, syllables

LONGEST_RUN = 3
RIDGE = 0.3
"""Regularisation; 0.3 to 3 give the same accuracy within two percent."""

PRECISION = 1e-3
"""Of the equations' solution, relative; smaller ones change no verdict."""

_CLAUSE = re.compile(r"[\u4e00-\u9fff]+")

Weights = npt.NDArray[np.float32]


class Likeness:
    """How like the examples of each code a text is.

    Weights are fitted with the first text that is asked about: seconds, where there are thousands of examples.
    """

    def __init__(self, examples: Mapping[str, Sequence[str]]) -> None:
        """`examples`: code → sentences."""
        self._examples = examples

    def scores(self, text: str) -> dict[str, float]:
        """Give each code's score: up to 1, about 0 for what is like no example of it; {} where no run is known."""
        return self._fitted.scores(text)

    @cached_property
    def _fitted(self) -> "_Fitted":
        return _Fitted(self._examples)


class _Fitted:
    """Linear weights of runs for each code, fitted by regularised least squares.

    Runs are one to three characters as written and, since a recogniser errs by sound, two to three syllables as the
    telephone tells them apart. Each example is a vector of its runs, rare ones weighing more (TF-IDF), of length 1; the
    weights are the ridge regression of "belongs to the code" on these vectors (R. Rifkin, G. Yeo, T. Poggio:
    Regularized Least-Squares Classification, 2003), solved by conjugate gradients. The same examples give the same
    weights; nothing is random.
    """

    def __init__(self, examples: Mapping[str, Sequence[str]]) -> None:
        rows = [(code, _runs(text)) for code, texts in examples.items() for text in texts]
        rows = [(code, runs) for code, runs in rows if runs]
        seen = Counter(run for _, runs in rows for run in runs)
        self.codes = tuple(dict.fromkeys(code for code, _ in rows))
        self._at = {run: at for at, run in enumerate(seen)}
        self._rarity = np.array([np.log((1 + len(rows)) / (1 + count)) + 1 for count in seen.values()], np.float32)
        self._unheard = float(np.log(1 + len(rows)) + 1)
        self._weights = self._fit(rows) if rows else np.zeros((0, 0), np.float32)

    def scores(self, text: str) -> dict[str, float]:
        runs = _runs(text)
        known = [self._at[run] for run in runs if run in self._at]
        if not known:
            return {}
        rarity = self._rarity[known]
        length = float(rarity @ rarity) + (len(runs) - len(known)) * self._unheard**2
        total = rarity @ self._weights[known] / np.sqrt(length)
        return dict(zip(self.codes, map(float, total), strict=True))

    def _fit(self, rows: Sequence[tuple[str, Sequence[str]]]) -> Weights:
        vectors = self._vectors([runs for _, runs in rows])
        across = vectors.T.tocsr()
        count = len(rows)
        gram = LinearOperator(
            (count, count), matvec=lambda part: vectors @ (across @ part) + RIDGE * part, dtype=np.float32
        )
        belongs = np.array([[code == each for each in self.codes] for code, _ in rows], np.float32)
        belongs -= belongs.mean(axis=0)
        parts = np.stack([cg(gram, column, rtol=PRECISION)[0] for column in belongs.T], axis=1)
        return np.asarray(across @ parts, np.float32)

    def _vectors(self, texts: Sequence[Sequence[str]]) -> csr_array:
        """Give a row of length 1 for each text's runs."""
        columns = np.array([self._at[run] for runs in texts for run in runs], np.int32)
        lengths = [len(runs) for runs in texts]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        values = self._rarity[columns]
        values /= np.repeat(np.sqrt(np.add.reduceat(values**2, starts[:-1])), lengths)
        return csr_array((values, columns, starts), shape=(len(texts), len(self._at)))


def _runs(text: str) -> list[str]:
    """Give each run of one to three characters and of two to three syllables once, none across punctuation."""
    found: list[str] = []
    for clause in _CLAUSE.findall(text):
        heard = [_heard(sign) for sign in clause]
        for length in range(1, LONGEST_RUN + 1):
            for at in range(len(clause) - length + 1):
                found.append(clause[at : at + length])
                if length > 1:
                    found.append(" ".join(heard[at : at + length]))
    return list(dict.fromkeys(found))


@cache
def _heard(sign: str) -> str:
    """Give a sign's most frequent reading, folded as `alike` does. Signs are some ten thousand at most."""
    return alike(syllables(sign)[0])
