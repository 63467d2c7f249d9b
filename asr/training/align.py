"""Forced alignment: which HMM state each output frame belongs to, given what was spoken (Viterbi)."""

import numpy as np
import numpy.typing as npt

from asr.training.phones import SILENCE, first_pdf, split, state_count

Scores = npt.NDArray[np.float32]
IMPOSSIBLE = np.float32(-1e30)


def state_sequence(syllables: tuple[str, ...]) -> tuple[list[int], list[bool]]:
    """Return the pdfs to pass through, in order, and which of them may be skipped (silence between syllables)."""
    pdfs, optional = [first_pdf(SILENCE)], [True]
    for syllable in syllables:
        for sound in split(syllable):
            states = state_count(sound)
            pdfs += [first_pdf(sound) + state for state in range(states)]
            optional += [False] * states
        pdfs.append(first_pdf(SILENCE))
        optional.append(True)
    return pdfs, optional


def realign(scores: Scores, syllables: tuple[str, ...], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the best path's pdf for each of the (frames, pdfs) scores; the old labels where none fits."""
    pdfs, optional = state_sequence(syllables)
    frames, states = len(scores), len(pdfs)
    if frames < states - sum(optional):
        return labels
    skip = np.array([False, False, *optional[1:-1]][:states])  # entering state s may jump over s - 1
    emitted = scores[:, pdfs]
    best = np.full(states, IMPOSSIBLE, dtype=np.float32)
    best[:2] = emitted[0, :2]
    came_from = np.zeros((frames, states), dtype=np.int8)
    for frame in range(1, frames):
        moves = np.full((3, states), IMPOSSIBLE, dtype=np.float32)
        moves[0] = best
        moves[1, 1:] = best[:-1]
        moves[2, 2:] = np.where(skip[2:], best[:-2], IMPOSSIBLE)
        came_from[frame] = moves.argmax(0)
        best = moves.max(0) + emitted[frame]
    state = states - 1 if states == 1 or best[-1] >= best[-2] else states - 2
    if best[state] <= IMPOSSIBLE / 2:
        return labels
    path = np.empty(frames, dtype=np.int64)
    for frame in range(frames - 1, -1, -1):
        path[frame] = pdfs[state]
        state -= int(came_from[frame, state])
    return path
