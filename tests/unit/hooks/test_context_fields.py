"""What editors complete of ``ctx`` is what scripts are told."""

from datetime import UTC, datetime

import pytest

from worker.domain.hook import HookContext
from worker.sandbox import context_fields


@pytest.mark.parametrize("event", ["before_update", "correlate"])
def test_the_documented_fields_of_a_function_are_those_it_is_told(event: str) -> None:
    told = HookContext(event, "user", datetime(2026, 1, 1, tzinfo=UTC)).as_dict()
    documented = {field["name"] for field in context_fields() if event in field["events"] and "." not in field["name"]}

    assert documented - told.keys() == set()
    assert told.keys() - documented <= {"result"}  # of what was done: None before
