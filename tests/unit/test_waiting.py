"""The one way in which tests wait."""

import pytest

from tests.waiting import eventually


async def test_first_true_answer_is_returned():
    answers = iter([None, 0, "", "here"])

    assert await eventually(lambda: next(answers), interval=0) == "here"


async def test_check_may_be_async_and_may_assert():
    calls = 0

    async def check() -> int:
        nonlocal calls
        calls += 1
        assert calls > 2
        return calls

    assert await eventually(check, interval=0) == 3


async def test_last_assertion_tells_why_it_never_came():
    def check() -> None:
        raise AssertionError("still red")

    with pytest.raises(AssertionError, match="still red"):
        await eventually(check, timeout=0)


async def test_last_answer_tells_what_was_waited_for():
    with pytest.raises(AssertionError, match="a green light did not come true within 0 s; last answer: None"):
        await eventually(lambda: None, timeout=0, what="a green light")
