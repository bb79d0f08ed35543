import pytest

from worker.domain.errors import HookError
from worker.domain.hook import HookScript
from worker.hooks.job import Job

SOURCE = "X = 1\n\ndef transform(ctx):\n    return 7\n\ndef after_create(ctx):\n    return 7\n"


@pytest.mark.parametrize(
    ("function", "hook_class", "line"),
    [
        pytest.param("after_create", "hook.result", 6, id="what a function answered"),
        pytest.param("before_create", "hook.timeout", 3, id="under the function that stands in"),
        pytest.param("on_error", "hook.memory", 3, id="no such function"),
        pytest.param("transform", "hook.limit", None, id="what the script did not do"),
        pytest.param("transform", "hook.busy", None, id="no sandbox"),
    ],
)
def test_a_failure_of_a_call_as_a_whole_is_at_its_function(function: str, hook_class: str, line: int | None) -> None:
    job = Job("k", {"function": function}, {}, 250, script=HookScript(SOURCE, name="h"))

    fields = job.entitled(HookError("x", hook_class=hook_class)).fields

    assert (fields.get("line"), fields.get("column")) == (line, None if line is None else 1)
    assert fields["hook"] == "h"


def test_a_place_that_is_known_stays() -> None:
    job = Job("k", {"function": "transform"}, {}, 250, script=HookScript(SOURCE))

    assert job.entitled(HookError("x", hook_class="hook.script", line=4, column=5)).fields["line"] == 4
