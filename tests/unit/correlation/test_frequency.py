"""How common names are, told by the names of those who are there."""

from math import log

import pytest

from worker.correlation.frequency import MOST_UNSEEN, UNSEEN, NameFrequencies, unseen_among

SIGNS = "abcdefghij"
MANY = [f"{one}{two}an {three}{two}{one}ov" for one in SIGNS for two in SIGNS for three in SIGNS]


@pytest.mark.parametrize(
    ("shared", "total", "expected"),
    [
        pytest.param([], 1_000, UNSEEN, id="no two have one name: it can still be that others have"),
        pytest.param([2] * 10 + [7], 1_027, UNSEEN, id="few namesakes"),
        pytest.param([2] * 100, 1_200, 0.2, id="a name for two of ten for one"),
        pytest.param([2] * 100, 300, UNSEEN, id="too few people to tell"),
        pytest.param([2] * 500, 1_000, MOST_UNSEEN, id="nobody is alone"),
    ],
)
def test_the_more_namesakes_there_are_the_less_a_single_name_tells(
    shared: list[int], total: int, expected: float
) -> None:
    assert unseen_among(shared, total) == pytest.approx(expected)


def test_a_name_that_is_there_once_is_worth_less_among_many_namesakes() -> None:
    alone, among = NameFrequencies.of(MANY), NameFrequencies.of([*MANY, *MANY[:400]])

    assert among.unseen > alone.unseen
    assert among.rarity("zoe zabel") < alone.rarity("zoe zabel")


def test_names_of_some_are_as_common_as_among_all_and_one_of_all_is_meant() -> None:
    names = [f"Anna {letter}{other}" for letter in "abcdefghijklmnopqrstuvwxyz" for other in "abcdefgh"] * 10
    some = NameFrequencies.of(names, people=100 * len(names))

    assert some.rarity("anna") == NameFrequencies.of(names).rarity("anna")
    assert some.prior == pytest.approx(NameFrequencies.of(names).prior - log(100))
    assert NameFrequencies.of(names, people=len(names)).prior == NameFrequencies.of(names).prior
