"""One-to-one: how sure each pair is when several claim the same one.

All ways to pair everybody with at most one other are weighed at once: a pairing's weight is the product of the odds of
its pairs. How much of the whole weight falls to the pairings that contain a pair is that pair's probability. Sums over
pairings are told by belief propagation on the graph of claims, the monomer-dimer model (Bayati, Gamarnik, Katz, Nair
and Tetali 2007): exact where claims form no rings, which is nearly everywhere, close to it elsewhere. For one who is
alone with his candidates it is the formula of ``calibrate``. Of two pairs that exclude each other, one stays below a
half.
"""

import numpy as np
from numpy.typing import NDArray

#: Larger log odds than these are taken for these: a person's word, a rule that settles.
MOST = 60.0
_STEPS = 300
_SETTLED = 1e-7


def joint_confidences(
    left: NDArray[np.int64], right: NDArray[np.int64], logits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The probability of each claim: ``left[n]`` and ``right[n]`` (numbers from 0) with the log odds ``logits[n]``."""
    if not len(logits):
        return np.zeros(0)
    odds = np.exp(np.clip(logits, -MOST, MOST))
    lefts, rights = int(left.max()) + 1, int(right.max()) + 1
    free_left, free_right = np.ones(len(odds)), np.ones(len(odds))
    for _ in range(_STEPS):
        new_left = _free_but_for(left, lefts, odds * free_right)
        new_right = _free_but_for(right, rights, odds * new_left)
        moved = max(float(np.abs(new_left - free_left).max()), float(np.abs(new_right - free_right).max()))
        free_left, free_right = new_left, new_right
        if moved < _SETTLED:
            break
    worth = odds * free_left * free_right
    found: NDArray[np.float64] = worth / (1 + worth)
    return found


def _free_but_for(ends: NDArray[np.int64], count: int, pull: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each claim how likely its end is with none of its other claims.

    The strongest claim of an end is kept out of the sum, which would lose the others beside it.
    """
    strongest = np.zeros(count)
    np.maximum.at(strongest, ends, pull)
    first = np.full(count, len(ends))
    at = np.flatnonzero(pull >= strongest[ends])
    np.minimum.at(first, ends[at], at)
    is_first = first[ends] == np.arange(len(ends))
    rest = np.bincount(ends, weights=np.where(is_first, 0.0, pull), minlength=count)[ends]
    others = np.where(is_first, rest, np.maximum(rest - pull, 0.0) + strongest[ends])
    found: NDArray[np.float64] = 1 / (1 + others)
    return found
