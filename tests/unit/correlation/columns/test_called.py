"""Names compared many at once come out as ``compare_names`` and ``name_points`` say of each two."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.correlation.columns.called import NameComparer
from worker.correlation.columns.interned import Interned
from worker.correlation.columns.names import Names
from worker.correlation.frequency import NameFrequencies
from worker.correlation.normalize import name
from worker.correlation.person_names import compare_names
from worker.correlation.rules import MatchKind, Rule
from worker.correlation.score import name_points
from worker.correlation.similarity import Algorithm

PARTS = [
    *("anna", "ann", "anne", "a", "bob", "rob", "robert", "robret", "hans", "georg", "hansgeorg", "georghans"),
    *("de", "jong", "dejong", "mueller", "muller", "miller", "mülller", "mill", "x", "xaver", "li", "lin", "an"),
]


def names_of(parts: int) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(PARTS), min_size=1, max_size=parts).map(" ".join)


#: Many names, or long ones: what many long ones would try, each two of them tell.
LISTED = st.one_of(st.lists(names_of(4), min_size=2, max_size=12), st.lists(names_of(10), min_size=2, max_size=4))


@settings(max_examples=150, deadline=None)
@given(
    listed=LISTED,
    by_frequency=st.booleans(),
    is_counted=st.booleans(),
)
def test_names_compare_alike_one_by_one_and_together(listed: list[str], by_frequency: bool, is_counted: bool) -> None:
    rule = Rule(
        "name",
        "n",
        "n",
        MatchKind.FUZZY,
        Algorithm.TOKEN_SORT,
        weight=8.0,
        normalize=("name",),
        by_frequency=by_frequency,
    )
    frequencies = NameFrequencies.of(listed) if is_counted else None
    space = Interned()
    space.numbers(name(each) for each in listed)
    comparer = NameComparer(rule, space.texts, Names(space.texts, Interned()), frequencies)
    pairs = [(one, other) for one in range(len(space)) for other in range(len(space)) if one != other]
    if not pairs:
        return

    found = comparer.of(*(np.array(side, dtype=np.int32) for side in zip(*pairs, strict=True)))

    for place, (one, other) in enumerate(pairs):
        source, target = space.texts[one], space.texts[other]
        compared = compare_names(source, target)
        assert found.likeness[place] == compared.likeness
        assert found.is_contradicted[place] == compared.is_contradicted or not compared.likeness
        assert found.points[place] == pytest.approx(name_points(rule, source, target, frequencies))
