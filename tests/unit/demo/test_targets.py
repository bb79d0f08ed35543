from uuid import uuid4

import pytest

from worker.correlation import RuleSet
from worker.domain.filter_syntax import parse
from worker.domain.filters import compiled
from worker.domain.identity import Identity
from worker.domain.mapping import MappingVersion
from worker.domain.schedule import Frequency, Schedule
from worker.mapping import Mapped, MappingEngine, check_rules
from worker.schedule import check_schedule
from worker.service.demo.existing import Planted, plan_existing
from worker.service.demo.organisation import Organisation
from worker.service.demo.targets import HOOK_SOURCE, NIGHTLY, TARGETS, DemoTarget

EACH = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.type)


def identities(organisation: Organisation) -> list[Identity]:
    """As an import makes them: what is empty in the file is no value, the status says who is active."""
    return [
        Identity(
            uuid4(),
            one.employee_number,
            one.employee_number,
            {name: value or None for name, value in one.as_row().items() if name != "status"},
            active=one.is_active,
        )
        for one in organisation.employees
    ]


@EACH
def test_mapping_has_no_mistake(target: DemoTarget) -> None:
    assert check_rules(target.rules) == ()


@EACH
async def test_account_of_an_employee_is_what_mapping_and_hook_make(
    target: DemoTarget, organisation: Organisation
) -> None:
    mapping = MappingVersion(uuid4(), "user", 1, target.rules)
    mapped = await MappingEngine().map_identities(identities(organisation), mapping=mapping)

    for employee, made in zip(organisation.employees, mapped, strict=True):
        assert isinstance(made, Mapped)
        hooked = {target.login: employee.login, target.mail: employee.mail}
        assert {**made.for_create(), **hooked} == target.account_of(employee)


@EACH
def test_scope_takes_in_whom_the_target_wants(target: DemoTarget, organisation: Organisation) -> None:
    in_scope = compiled(parse(target.scope))
    taken = [in_scope(identity.as_source()) for identity in identities(organisation)]

    assert taken == [target.wants(employee) for employee in organisation.employees]
    assert 0 < sum(taken) < len(taken)


@EACH
def test_machines_and_administrators_are_protected_and_nobody_else(
    target: DemoTarget, organisation: Organisation
) -> None:
    is_protected = compiled(parse(target.protected_filter))

    for account in plan_existing(organisation, target):
        assert is_protected(account.attributes) == (account.kind is Planted.SERVICE)


@EACH
def test_rule_set_reads_attributes_that_the_target_has(target: DemoTarget) -> None:
    known = {rule.target for rule in target.rules} | {target.login, target.mail}
    rule_set = RuleSet.from_json(target.rule_set)
    read = {part.strip() for rule in rule_set.rules for one in rule.target.split("|") for part in one.split("+")}

    assert read <= known
    assert {"employee number", "email", "name"} <= {rule.name for rule in rule_set.rules}


@EACH
def test_hook_is_told_what_the_target_calls_the_two_attributes(target: DemoTarget) -> None:
    assert set(target.hook_params) == {"login", "mail", "domain"}
    assert target.settings["hook_attributes"] == [target.login, target.mail]
    assert all(f'params["{name}"]' in HOOK_SOURCE for name in target.hook_params)


def test_nightly_schedule_has_no_mistake() -> None:
    fields = {**NIGHTLY, "frequency": Frequency(NIGHTLY["frequency"])}

    assert check_schedule(Schedule(uuid4(), uuid4(), **fields)) == ()
