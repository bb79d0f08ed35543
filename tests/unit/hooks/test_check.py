import pytest

from worker.domain.errors import HookError
from worker.domain.hook import HookScript, Library
from worker.hooks.check import check_source, definition_of


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


def test_a_definition_carries_libraries_in_their_order() -> None:
    script = HookScript("\ufeffx = 1\n", libraries=(Library("a", "\ufeffy = 1\n"), Library("b/c", "z = 1\n")))

    assert definition_of(script) == {"source": "x = 1\n", "libraries": [["a", "y = 1\n"], ["b/c", "z = 1\n"]]}
    assert definition_of(HookScript("x = 1\n")) == {"source": "x = 1\n"}


@pytest.mark.parametrize(
    ("script", "hook_class", "message"),
    [
        pytest.param(HookScript("x", api=2), "hook.compile", "version 2 of the contract", id="another contract"),
        pytest.param(
            HookScript("x", libraries=tuple(Library(f"l{n}", "") for n in range(11))),
            "hook.limit", "more than 10 libraries", id="too many",
        ),
        pytest.param(
            HookScript("x", libraries=tuple(Library(f"l{n}", "#" * 60_000) for n in range(5))),
            "hook.limit", "larger than 256 KiB in all", id="too large in all",
        ),
        pytest.param(
            HookScript("x", libraries=(Library("a", "#" * 70_000),)), "hook.limit", "lib/a: the source", id="too large"
        ),
        pytest.param(HookScript("x", libraries=(Library("a:b", ""),)), "hook.compile", "name of a library", id="name"),
    ],
)  # fmt: skip
def test_libraries_that_no_child_should_see(script: HookScript, hook_class: str, message: str) -> None:
    with pytest.raises(HookError, match=message) as caught:
        definition_of(script)

    assert caught.value.hook_class == hook_class
