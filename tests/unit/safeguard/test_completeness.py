"""Which listings are believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.safeguard import Listing, SafeguardLimits, judge

NUMBERS = st.integers(min_value=0, max_value=10**6)


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        pytest.param(Listing(0, True), None, id="a new target is empty"),
        pytest.param(Listing(100, True, total=100, known=100), None, id="as before"),
        pytest.param(Listing(70, True, known=100, lost=30), None, id="three tenths less"),
        pytest.param(Listing(69, True, known=100, lost=31), "31 of the 100", id="more than that"),
        pytest.param(Listing(100, True, known=100, lost=60), "60 of the 100", id="as many, but others"),
        pytest.param(Listing(100, False), "broke off", id="no end"),
        pytest.param(Listing(99, True, total=100), "says that there are 100", id="short of its own count"),
        pytest.param(Listing(101, True, total=100), None, id="grew while it was listed"),
        pytest.param(Listing(0, True, known=3, lost=3), "is empty", id="emptied"),
        pytest.param(Listing(0, True, last_seen=5), "before there were 5", id="emptied, and our records too"),
        pytest.param(Listing(60, True, last_seen=100), "the last complete one showed 100", id="less than the last run"),
    ],
)
def test_first_doubt_is_told(listing: Listing, words: str | None) -> None:
    verdict = judge(listing)

    assert verdict.is_complete is (words is None)
    assert (words or "") in verdict.reason


def test_a_listing_may_shrink_as_far_as_an_operator_says() -> None:
    listing = Listing(60, True, known=100, lost=40, last_seen=100)

    assert judge(listing, SafeguardLimits(shrink_percent=40.0)).is_complete
    assert not judge(listing, SafeguardLimits(shrink_percent=39.0)).is_complete


@given(seen=NUMBERS, known=NUMBERS, lost=NUMBERS, last=st.none() | NUMBERS)
def test_nothing_is_believed_that_would_lose_more_than_three_tenths(
    seen: int, known: int, lost: int, last: int | None
) -> None:
    verdict = judge(Listing(seen, True, known=known, lost=min(lost, known), last_seen=last))

    if verdict.is_complete:
        assert min(lost, known) <= known * 0.3
        assert seen >= (last or 0) * 0.7
