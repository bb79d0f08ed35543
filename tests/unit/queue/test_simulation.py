"""The queue's duties through many interleavings of kills, pauses, drains, lost replies and slow targets.

Time is virtual and a story is told again by its seed. Ten thousand of them: ``python -m tests.simulation``.
"""

from collections import Counter

from tests.simulation.house import storm

STORIES = 30


def test_whatever_befalls_processes_all_that_was_accepted_ends_once_and_in_order() -> None:
    """Faults that hit nothing prove nothing: each kind of them does, in some story."""
    told = {seed: storm(seed) for seed in range(STORIES)}

    wrong = {seed: story.wrong for seed, story in told.items() if story.wrong}
    met = sum((Counter(story.met) for story in told.values()), Counter[str]())
    assert wrong == {}
    assert {
        "lost",
        "done",
        "failed",
        "waits",
        "dead_letter",
        "commit unheard",
        "killed holding",
        "claimed along",
        "refused",
    } <= met.keys()


def test_a_story_is_told_again_by_its_seed() -> None:
    assert storm(7) == storm(7)
