"""What editors complete of ``ctx`` is what scripts are told."""

from dataclasses import fields

from worker.domain.hook import HookContext
from worker.sandbox import context_fields


def test_the_documented_fields_are_those_of_the_context() -> None:
    documented = {field["name"] for field in context_fields() if "." not in field["name"]}
    of_operations = {field["name"] for field in context_fields() if field["events"] != ("correlate",)}

    assert documented & of_operations == {"api"} | {field.name for field in fields(HookContext)}
    assert documented - of_operations == {"account", "candidates"}
