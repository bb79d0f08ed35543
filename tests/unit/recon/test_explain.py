"""What is offered to a person who is asked is never called certain."""

import pytest

from worker.domain.correlation import CorrelationMatch, MatchType
from worker.domain.ids import uuid7
from worker.recon.explain import link_to


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        pytest.param(0.324, "Ann with 32.4% confidence.", id="in a tenth of a percent"),
        pytest.param(0.9999, "Ann with over 99.9% confidence.", id="not rounded up to all"),
        pytest.param(1.0, "Ann with 100.0% confidence.", id="what a rule settles"),
    ],
)
def test_a_link_is_offered_as_sure_as_it_is(confidence: float, words: str) -> None:
    match = CorrelationMatch(uuid7(), confidence, MatchType.FUZZY, (), name="Ann")

    assert link_to(match).reason == words
