"""Scores to probabilities.

At most one candidate is the one, and maybe none is. With z = slope * score + offset for each, that gives
P(i) = exp(z_i) / (1 + sum exp(z_j)): the uncropped score, the gap to the next and the number of candidates in one.
A lone candidate's curve is the logistic one, so slope and offset are fitted to reviewed pairs as Platt did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

_STEPS = 50
_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Calibration:
    slope: float = 1.0
    offset: float = 0.0


def confidences(scores: Sequence[float], *, calibration: Calibration) -> list[float]:
    """The probability of each candidate to be the one; what is left to 1 is that none is."""
    logits = [calibration.slope * score + calibration.offset for score in scores]
    highest = max(0.0, *logits) if logits else 0.0
    weights = [exp(logit - highest) for logit in logits]
    total = exp(-highest) + sum(weights)
    return [weight / total for weight in weights]


def fit(reviewed: Sequence[tuple[float, bool]], *, prior: Calibration) -> Calibration:
    """Slope and offset that explain people's decisions on (score, is the one), held near the prior by few decisions.

    Newton's method on the logistic likelihood with a Gaussian prior; the slope stays positive, so a better score is
    never worth less.
    """
    slope, offset = prior.slope, prior.offset
    for _ in range(_STEPS):
        gradient_s, gradient_o = -_RIDGE * (slope - prior.slope), -_RIDGE * (offset - prior.offset)
        h_ss, h_so, h_oo = _RIDGE, 0.0, _RIDGE
        for score, is_one in reviewed:
            p = _logistic(slope * score + offset)
            gradient_s += (is_one - p) * score
            gradient_o += is_one - p
            curvature = p * (1 - p)
            h_ss, h_so, h_oo = h_ss + curvature * score * score, h_so + curvature * score, h_oo + curvature
        determinant = h_ss * h_oo - h_so * h_so
        step_s = (h_oo * gradient_s - h_so * gradient_o) / determinant
        step_o = (h_ss * gradient_o - h_so * gradient_s) / determinant
        scale = min(1.0, 1.0 / max(abs(step_s), abs(step_o), 1e-12))
        slope, offset = max(slope + scale * step_s, 0.01), offset + scale * step_o
        if max(abs(step_s), abs(step_o)) < 1e-9:
            break
    return Calibration(slope, offset)


def _logistic(value: float) -> float:
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))
