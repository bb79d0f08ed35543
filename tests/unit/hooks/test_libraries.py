from collections.abc import Sequence

import pytest

from worker.domain.errors import HookError
from worker.hooks import library_order

LOADS = {"a": ["b", "c"], "b": ["c"], "c": [], "lost": ["nowhere"], "x": ["y"], "y": ["z"], "z": ["y"]}


@pytest.mark.parametrize(
    ("wanted", "ordered"),
    [
        pytest.param([], [], id="none"),
        pytest.param(["a"], ["c", "b", "a"], id="what is loaded comes first"),
        pytest.param(["c", "a", "c"], ["c", "b", "a"], id="each once"),
    ],
)
def test_what_is_loaded_is_built_first(wanted: Sequence[str], ordered: list[str]) -> None:
    assert library_order(wanted, LOADS) == ordered


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        pytest.param("nope", "the library nope is missing", id="missing"),
        pytest.param("lost", "the library nowhere, which lost loads, is missing", id="missing below"),
        pytest.param("x", "these libraries load each other: y -> z -> y", id="circle"),
    ],
)
def test_what_has_no_order_is_named(wanted: str, message: str) -> None:
    with pytest.raises(HookError) as caught:
        library_order([wanted], LOADS)

    assert (caught.value.hook_class, str(caught.value)) == ("hook.compile", message)
