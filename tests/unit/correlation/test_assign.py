"""One-to-one, taken together."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.correlation.assign import MAX_GROUP, assign, groups

CLAIMS = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(10, 13)), st.integers(-3, 20).map(float), min_size=1, max_size=10
)


def best_sum(claims: dict[tuple[int, int], float]) -> float:
    """By trying everything: the first of the left ones with nobody, or with each of the right ones."""
    if not claims:
        return 0.0
    first = min(left for left, _ in claims)
    others = {claim: worth for claim, worth in claims.items() if claim[0] != first}
    return max(
        best_sum(others),
        *(
            worth + best_sum({claim: other for claim, other in others.items() if claim[1] != right})
            for (left, right), worth in claims.items()
            if left == first
        ),
    )


@settings(deadline=None, max_examples=50)
@given(CLAIMS)
def test_the_assignment_is_one_to_one_and_the_best(claims: dict[tuple[int, int], float]) -> None:
    found = assign(claims)

    assert len({right for right, _ in found.values()}) == len(found)
    assert sum(claims[left, right] for left, (right, _) in found.items()) == pytest.approx(best_sum(claims))


@settings(deadline=None, max_examples=50)
@given(CLAIMS)
def test_regret_is_what_the_best_sum_loses_without_the_pair(claims: dict[tuple[int, int], float]) -> None:
    best = best_sum(claims)
    for left, (right, regret) in assign(claims).items():
        rest = best_sum({claim: worth for claim, worth in claims.items() if claim != (left, right)})

        assert regret == pytest.approx(best - rest)


def test_who_has_another_choice_leaves_it_to_who_has_none() -> None:
    claims = {("a", "x"): 10.0, ("a", "y"): 9.5, ("b", "x"): 10.0}

    assert assign(claims) == {"a": ("y", 9.5), "b": ("x", 9.5)}


def test_claims_that_are_not_worth_it_are_left_alone() -> None:
    assert assign({("a", "x"): -1.0, ("b", "x"): 0.0}) == {}


def test_a_large_group_is_for_a_person() -> None:
    assert assign({(at, "x"): 5.0 for at in range(MAX_GROUP + 1)}) == {}


def test_groups_are_what_hangs_together() -> None:
    claims = {("a", "x"): 1.0, ("b", "y"): 1.0, ("b", "x"): 1.0, ("c", "z"): 1.0}

    assert sorted(len(group) for group in groups(claims)) == [1, 3]


def test_the_two_sides_may_use_the_same_names() -> None:
    assert len(list(groups({(1, 2): 1.0, (2, 3): 1.0}))) == 2
