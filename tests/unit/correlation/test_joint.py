"""How sure a pair is when several claim the same."""

from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.correlation.calibrate import Calibration, confidences
from worker.correlation.joint import joint_confidences

CLAIMS = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, 3)), st.floats(-8, 12, allow_nan=False), min_size=1, max_size=9
)


def found(claims: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    left, right = np.array([left for left, _ in claims]), np.array([right for _, right in claims])
    return dict(zip(claims, joint_confidences(left, right, np.array(list(claims.values()))).tolist(), strict=True))


def weighed(claims: list[tuple[tuple[int, int], float]], taken: frozenset[tuple[str, int]] = frozenset()) -> float:
    """The weight of all pairings."""
    if not claims:
        return 1.0
    ((left, right), logit), rest = claims[0], claims[1:]
    without = weighed(rest, taken)
    ends = {("left", left), ("right", right)}
    return without if ends & taken else without + exp(logit) * weighed(rest, taken | ends)


def exactly(claims: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    total = weighed(list(claims.items()))
    return {claim: 1 - weighed([each for each in claims.items() if each[0] != claim]) / total for claim in claims}


def test_nobody_claims_nothing() -> None:
    assert found_empty() == []


def found_empty() -> list[float]:
    nothing = np.array([], dtype=np.int64)
    answer: list[float] = joint_confidences(nothing, nothing, np.array([])).tolist()
    return answer


def test_alone_with_his_candidates_it_is_the_usual_formula() -> None:
    alone = found({(0, 0): 3.0, (0, 1): 1.0, (0, 2): -2.0})

    assert list(alone.values()) == pytest.approx(confidences([3.0, 1.0, -2.0], calibration=Calibration()))


def test_the_surer_claim_takes_it_from_the_other() -> None:
    both = found({(0, 0): 40.0, (1, 0): 20.0, (1, 1): 5.0})

    assert both[0, 0] > 0.999
    assert both[1, 0] < 0.001
    assert both[1, 1] == pytest.approx(1 / (1 + exp(-5)), abs=1e-3)


@settings(deadline=None)
@given(CLAIMS)
def test_of_pairs_that_exclude_each_other_one_at_most_is_likely(claims: dict[tuple[int, int], float]) -> None:
    likely = [claim for claim, sure in found(claims).items() if sure > 0.5 + 1e-6]

    assert len({left for left, _ in likely}) == len({right for _, right in likely}) == len(likely)


@settings(deadline=None)
@given(CLAIMS)
def test_it_is_near_the_sum_over_all_pairings(claims: dict[tuple[int, int], float]) -> None:
    assert found(claims) == pytest.approx(exactly(claims), abs=0.15)


@settings(deadline=None)
@given(st.lists(st.floats(-8, 12, allow_nan=False), min_size=1, max_size=7))
def test_without_a_ring_it_is_the_sum_over_all_pairings(logits: list[float]) -> None:
    chain = {(at // 2, (at + 1) // 2): logit for at, logit in enumerate(logits)}

    assert found(chain) == pytest.approx(exactly(chain), abs=1e-5)
