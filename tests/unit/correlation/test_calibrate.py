"""Scores to probabilities."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.correlation.calibrate import Calibration, confidences, fit

SCORES = st.lists(st.floats(-60, 60), min_size=1, max_size=6)


def test_a_lone_candidate_has_the_logistic_curve() -> None:
    assert confidences([0.0], calibration=Calibration()) == [0.5]
    assert confidences([2.0], calibration=Calibration(2, -1)) == [pytest.approx(1 / (1 + exp(-3)))]


def test_two_equal_candidates_share_what_they_have() -> None:
    assert confidences([9.0, 9.0], calibration=Calibration()) == pytest.approx([0.5, 0.5], abs=1e-4)


def test_nobody_has_no_confidence() -> None:
    assert confidences([], calibration=Calibration()) == []


def test_huge_scores_do_not_overflow() -> None:
    assert confidences([1e4, -1e4], calibration=Calibration()) == [1.0, 0.0]


@given(SCORES, st.integers(0, 5), st.floats(0, 20))
def test_a_better_score_never_lowers_its_confidence_and_never_raises_another(
    scores: list[float], place: int, more: float
) -> None:
    place %= len(scores)
    better = [score + more if at == place else score for at, score in enumerate(scores)]

    before, after = confidences(scores, calibration=Calibration()), confidences(better, calibration=Calibration())

    assert after[place] >= before[place] - 1e-12
    assert all(new <= old + 1e-12 for at, (old, new) in enumerate(zip(before, after, strict=True)) if at != place)
    assert sum(after) <= 1 + 1e-9


def test_fit_stays_at_the_prior_without_decisions() -> None:
    assert fit([], prior=Calibration(0.8, -0.2)) == Calibration(0.8, -0.2)


def test_fit_learns_that_scores_were_too_sure() -> None:
    reviewed = [(3.0, at % 2 == 0) for at in range(200)] + [(-3.0, False)] * 200

    found = fit(reviewed, prior=Calibration())

    assert 1 / (1 + exp(-(found.slope * 3 + found.offset))) == pytest.approx(0.5, abs=0.02)
    assert found.slope > 0


def test_fit_never_turns_a_better_score_into_a_worse_one() -> None:
    reviewed = [(5.0, False), (-5.0, True)] * 100

    assert fit(reviewed, prior=Calibration()).slope == pytest.approx(0.01)
