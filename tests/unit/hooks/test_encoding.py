import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.errors import HookError
from worker.hooks.encoding import BATCH, BATCH_BYTES, Line, batches, encode_context


@dataclass(frozen=True, slots=True)
class Point:
    x: int


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param(datetime(2024, 1, 31, 12, tzinfo=UTC), "2024-01-31T12:00:00+00:00", id="time"),
        pytest.param(date(2024, 1, 31), "2024-01-31", id="date"),
        pytest.param(UUID(int=5), "00000000-0000-0000-0000-000000000005", id="uuid"),
        pytest.param(Decimal("1.10"), "1.10", id="decimal"),
        pytest.param(b"\xff\x00", "/wA=", id="bytes"),
        pytest.param({"b", "a"}, ["a", "b"], id="set"),
        pytest.param(("a", 1), ["a", 1], id="tuple"),
        pytest.param(timedelta(minutes=1), 60.0, id="duration"),
        pytest.param(Point(3), {"x": 3}, id="dataclass"),
        pytest.param("ü\u2028\n", "ü\u2028\n", id="text"),
        pytest.param(None, None, id="none"),
    ],
)
def test_a_context_is_told_in_json(value: Any, told: Any) -> None:
    line = encode_context({"v": value}, limit=1000)

    assert b"\n" not in line
    assert line.isascii()
    assert json.loads(line) == {"v": told}


def nested(levels: int) -> Any:
    value: Any = "{[" * 200
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("😀", id="a character of two halves"),
        pytest.param("\\ud800", id="the escape as a text"),
        pytest.param("\\\\ud83d", id="the escape behind two backslashes"),
        pytest.param(nested(119), id="as deep as may be"),
        pytest.param([[]] * 200, id="many beside each other"),
    ],
)
def test_what_only_looks_strange_is_told(value: Any) -> None:
    assert json.loads(encode_context({"v": value}, limit=2000)) == {"v": value}


@pytest.mark.parametrize(
    ("context", "hook_class"),
    [
        pytest.param({"v": float("nan")}, "hook.context", id="nan"),
        pytest.param({"v": object()}, "hook.context", id="unknown type"),
        pytest.param({("a",): 1}, "hook.context", id="strange key"),
        pytest.param({"v": "x" * 1000}, "hook.limit", id="too large"),
        pytest.param({"v": "a\ud800"}, "hook.context", id="first half of a character"),
        pytest.param({"v": "\udc00b"}, "hook.context", id="second half of a character"),
        pytest.param({"v": "\ud83d\ud83d\ude00"}, "hook.context", id="half before a whole character"),
        pytest.param({"v": "\ud83d\ude00\ude00"}, "hook.context", id="half behind a whole character"),
        pytest.param({"\udc00": 1}, "hook.context", id="half a character in a name"),
        pytest.param({"v": nested(120)}, "hook.context", id="too deep"),
    ],
)
def test_what_cannot_be_told_is_a_hook_error(context: dict[Any, Any], hook_class: str) -> None:
    with pytest.raises(HookError) as caught:
        encode_context(context, limit=800)

    assert caught.value.hook_class == hook_class


def test_a_context_that_contains_itself_is_a_hook_error() -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless

    with pytest.raises(HookError):
        encode_context(endless, limit=500)


@given(st.lists(st.integers(0, 400_000), max_size=120))
def test_batches_keep_every_line_in_order_within_their_bounds(sizes: list[int]) -> None:
    lines = [Line(bytes(size)) for size in sizes]
    made = list(batches(lines))

    assert [line for batch in made for line in batch] == lines
    assert all(batch and len(batch) <= BATCH for batch in made)
    assert all(len(batch) == 1 or sum(len(line.text) for line in batch) <= BATCH_BYTES for batch in made)
