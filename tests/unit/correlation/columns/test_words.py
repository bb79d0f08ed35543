"""Which of several values a sentence tells."""

import pytest

from worker.correlation.columns.words import nearest


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        pytest.param(["ada.lovelace"], ["a1", "alovelace"], ("ada.lovelace", "alovelace"), id="a login, not a number"),
        pytest.param(["bo", "ada"], ["adah", "zed"], ("ada", "adah"), id="several on both sides"),
        pytest.param(["x"], ["y", "z"], ("x", "y"), id="none is alike"),
    ],
)
def test_those_are_told_that_are_most_alike(ours: list[str], theirs: list[str], told: tuple[str, str]) -> None:
    assert nearest(ours, theirs) == told
