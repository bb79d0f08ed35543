"""What holds for every function of the host library, whatever a script hands in."""

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.sandbox import randomness
from worker.sandbox.library import LIBRARY

FUNCTIONS = [
    pytest.param(function, id=f"{group}.{name}")
    for group, members in LIBRARY.items()
    for name, function in members.items()
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
#: Likely and unlikely texts: what the functions read, and what has broken readers before.
TEXTS = st.sampled_from(
    [
        "",
        "a",
        "2024-01-31",
        "+4930901820",
        "cn=a,dc=b",
        "a@b.org",
        "{a:1}",
        "%Y",
        "DE",
        "\x00",
        "\\",
        "#",
        "İ",
        "ß",
        "\ufdfa",
    ]
)


def takes_text_first(function: Any) -> bool:
    return [one.annotation for one in inspect.signature(function).parameters.values()][:1] == [str]


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=8)
@given(data=st.data())
def test_a_function_answers_with_json_or_a_sentence_for_the_author(
    function: Callable[..., Any], data: st.DataObject
) -> None:
    """No other error than ValueError: its text is all that may reach the author."""
    parameters = inspect.signature(function).parameters.values()
    given_ones = [one for one in parameters if one.default is one.empty or data.draw(st.booleans())]
    arguments = {one.name: data.draw(TEXTS | JSON) for one in given_ones}
    randomness.begin(b"seed")

    try:
        answer = function(**arguments)
    except ValueError as error:
        assert 0 < len(str(error)) < 1000  # noqa: PT017 - either end is fine
    else:
        assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize("function", [one for one in FUNCTIONS if takes_text_first(one.values[0])])
def test_texts_beyond_64_kib_are_refused_or_looked_at_no_further(function: Callable[..., Any]) -> None:
    _, *others = inspect.signature(function).parameters.values()
    rest = {one.name: {str: "a", int: 1}.get(one.annotation, {}) for one in others if one.default is one.empty}

    with pytest.raises(ValueError, match=r"longer|at most|characters|pairs|between"):
        function("a" * (64 * 1024 + 1), **rest)
