import pytest

from worker.hooks.child import cause_of_death


@pytest.mark.parametrize(
    ("returncode", "is_overdue", "hook_class", "is_ours"),
    [
        pytest.param(-27, False, "hook.timeout", True, id="timer of the processor"),
        pytest.param(-14, False, "hook.timeout", True, id="timer of the clock"),
        pytest.param(-9, True, "hook.timeout", True, id="killed by us when late"),
        pytest.param(-6, False, "hook.memory", True, id="abort of the allocator"),
        pytest.param(-11, False, "hook.crash", True, id="segmentation fault"),
        pytest.param(-31, False, "hook.crash", True, id="bad system call"),
        pytest.param(0, False, "hook.crash", True, id="left without a word"),
        pytest.param(1, False, "hook.crash", True, id="status"),
        pytest.param(-64, False, "hook.crash", True, id="signal without a name"),
        pytest.param(-9, False, "hook.crash", False, id="killed by somebody else"),
        pytest.param(-15, False, "hook.crash", False, id="terminated by somebody else"),
    ],
)
def test_how_a_child_ended_tells_the_class(returncode: int, is_overdue: bool, hook_class: str, is_ours: bool) -> None:
    lost = cause_of_death(returncode, is_overdue=is_overdue)

    assert (lost.hook_class, lost.is_ours) == (hook_class, is_ours)
    assert str(lost)
