import pytest

from worker.domain.errors import HookError
from worker.hooks.check import check_source


def test_a_byte_order_mark_is_taken_off() -> None:
    assert check_source("\ufeffx = 1\n") == "x = 1\n"


@pytest.mark.parametrize(
    ("source", "hook_class"),
    [
        pytest.param("x" * 65537, "hook.limit", id="too large"),
        pytest.param("ü" * 32769, "hook.limit", id="too large in bytes"),
        pytest.param("x = '\ud800'", "hook.syntax", id="half a character"),
    ],
)
def test_a_source_that_no_child_should_see(source: str, hook_class: str) -> None:
    with pytest.raises(HookError) as caught:
        check_source(source)

    assert caught.value.hook_class == hook_class
