import json
from typing import Any

import pytest

from worker.domain.storable import is_storable


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "Müller",
        "😀",
        5,
        -(1 << 1023),
        1.5,
        True,
        None,
        [],
        ["a", None, 3],
        {"a": [1]},
        {"a": "ü", "b": None},
    ],
    ids=lambda value: json.dumps(value)[:20],
)
def test_what_can_be_kept(value: Any) -> None:
    assert is_storable(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\0b", id="NUL"),
        pytest.param("ü\0", id="NUL behind an umlaut"),
        pytest.param("\ud800", id="half of a surrogate pair"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(float("-inf"), id="infinity"),
        pytest.param(1 << 2000, id="a number beyond meaning"),
        pytest.param(["a", ["\0"]], id="deep in a list"),
        pytest.param({"a": {"b": "\0"}}, id="deep in an object"),
        pytest.param({"a\0": 1}, id="in a name"),
        pytest.param({"a": "x", "b": None, "c": "y\0"}, id="one text of several"),
        pytest.param({"a": "\ud83d", "b": "\ude00"}, id="two halves of a pair in two values"),
    ],
)
def test_what_cannot(value: Any) -> None:
    assert not is_storable(value)
