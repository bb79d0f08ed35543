"""Organisations of strangers: the same seed makes the same, and the command finds whose accounts they are."""

from pathlib import Path

from tests.benchmarks.correlation.strangers.draws import draw, made
from tests.benchmarks.correlation.strangers.measure import figures_of, tried


def test_a_seed_says_everything() -> None:
    one, other, another = (made(draw(seed, people=60)) for seed in (11, 11, 12))

    assert (one.persons, one.accounts, one.owners) == (other.persons, other.accounts, other.owners)
    assert one.persons != another.persons
    assert None in one.owners


def test_most_accounts_of_strangers_are_found_and_none_is_another_s(tmp_path: Path) -> None:
    found = tried(104, tmp_path, people=300)

    assert found.measured.f1 > 0.95
    assert found.wrong == []
    assert [figure.measure for figure in figures_of([found])][:2] == [
        "strangers, F1, worst tenth",
        "strangers, F1, median",
    ]
