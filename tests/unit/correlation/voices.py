"""What hooks and expressions might say, whoever is asked: for tests that hold whatever they say."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from tests.unit.correlation.people import ref
from worker.correlation import Held, Told, Word
from worker.domain.errors import HookError
from worker.domain.hook import Correlated, FailurePolicy

_SCORES = st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0])
_TEXTS = st.sampled_from(["anna.mueller", "E-00042", "Müller", "Sales", "somebody", "1"])
_ATTRIBUTES = st.sampled_from(["user_name", "department", "family_name", "external_id"])


def words(*, about: Sequence[UUID], fails: bool = False) -> st.SearchStrategy[Word]:
    """One hook's word, with scores for these people."""
    said: list[st.SearchStrategy[Any]] = [
        st.builds(Correlated),
        st.builds(Correlated, keys=st.lists(_TEXTS, min_size=1, max_size=3).map(tuple)),
        st.builds(Correlated, match=st.dictionaries(_ATTRIBUTES, _TEXTS, min_size=1, max_size=2)),
        st.builds(Correlated, score=st.dictionaries(st.sampled_from([str(each) for each in about]), _SCORES)),
    ]
    if fails:
        said.append(st.just(HookError("it broke")))
    return st.builds(
        Word,
        hook=st.sampled_from(["one (version 1)", "two (version 7)"]),
        said=st.one_of(said),
        on_error=st.sampled_from(FailurePolicy),
    )


@cache
def _some_words(about: tuple[UUID, ...], *, fails: bool) -> st.SearchStrategy[list[Any]]:
    """One for all draws: to make a strategy costs more than to draw from it."""
    return st.lists(words(about=about, fails=fails), max_size=3)


@st.composite
def tellings(draw: st.DrawFn, *, people: int = 1, accounts: int = 4, fails: bool = False) -> Told:
    """What is said of accounts 100, 101, … and people 1, 2, …, and what the expression rule 'same place' is."""
    persons = tuple(ref(1 + number) for number in range(people))
    theirs = [ref(100 + number) for number in range(accounts)]
    of_account = {each: tuple(draw(_some_words(persons, fails=fails))) for each in theirs if draw(st.booleans())}
    held = {
        ("same place", person, account): Held(draw(st.sampled_from([True, False, None])))
        for person in persons
        for account in theirs
    }
    return Told(of_account, held)
