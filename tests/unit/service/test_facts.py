"""What a process tells of itself in ``/status``."""

from types import SimpleNamespace
from typing import Any, cast

from worker.hooks import HookStatus
from worker.service.http import _facts


def house(scripts: Any) -> Any:
    return cast("Any", SimpleNamespace(scripts=scripts))


def test_how_much_of_its_hardening_the_sandbox_has_is_told() -> None:
    status = HookStatus("partial", ("seccomp",), frozenset({"a"}), pool=cast("Any", None))

    assert _facts(house(SimpleNamespace(status=status))) == {
        "sandbox": {"level": "partial", "missing": ["seccomp"], "suspended": 1}
    }


def test_a_process_that_runs_no_scripts_says_so() -> None:
    assert _facts(house(None)) == {"sandbox": None}
