from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from worker.cli import findings
from worker.cli.findings import Finding, Grade
from worker.domain.connector import BreakerState, Connector, ConnectorStatus
from worker.hooks import HookStatus
from worker.store.schema import SchemaState
from worker.store.server import Server
from worker.store.standing import Standing

NOW = datetime(2026, 1, 2, tzinfo=UTC)
STANDING = Standing("worker", False, False, 0, 16, (), False, NOW)
APP = Connector(UUID(int=1), UUID(int=2), "app", "sql", has_baseline=True)


@pytest.mark.parametrize(
    ("state", "grade"),
    [
        pytest.param(SchemaState(0, 0), Grade.BAD, id="nothing was migrated"),
        pytest.param(SchemaState(2, 1), Grade.BAD, id="behind"),
        pytest.param(SchemaState(3, 1), Grade.OK, id="as wanted"),
        pytest.param(SchemaState(4, 3), Grade.OK, id="ahead by a compatible step"),
        pytest.param(SchemaState(5, 4), Grade.BAD, id="ahead by an incompatible step"),
    ],
)
def test_schema(state: SchemaState, grade: Grade) -> None:
    assert findings.of_schema(state, code=3).grade is grade


def test_a_role_that_may_nothing_on_a_good_server_is_well() -> None:
    assert {each.grade for each in findings.of_standing(STANDING, now=NOW)} == {Grade.OK}


@pytest.mark.parametrize(
    ("changes", "what", "grade", "said"),
    [
        pytest.param({"is_superuser": True}, "role", Grade.BAD, "is a superuser", id="superuser"),
        pytest.param({"bypasses_rls": True}, "role", Grade.BAD, "can bypass row-level security", id="bypass"),
        pytest.param({"owned": 7}, "role", Grade.BAD, "owns 7 objects of the schema", id="owner"),
        pytest.param({"server_version": 14}, "server", Grade.BAD, "PostgreSQL 14.", id="old server"),
        pytest.param({"lossy": ("fsync",)}, "server", Grade.WARN, "has fsync off", id="not durable"),
        pytest.param({"is_standby": True}, "server", Grade.BAD, "a read-only standby", id="standby"),
        pytest.param({"now": NOW + timedelta(minutes=3)}, "clock", Grade.WARN, "3 min ahead of", id="clock ahead"),
        pytest.param({"now": NOW - timedelta(hours=3)}, "clock", Grade.WARN, "3 h behind", id="clock behind"),
    ],
)
def test_standing(changes: dict[str, Any], what: str, grade: Grade, said: str) -> None:
    found = {each.what: each for each in findings.of_standing(replace(STANDING, **changes), now=NOW)}
    changed = found.pop(what)

    assert (changed.grade, bool(changed.advice)) == (grade, True)
    assert said in changed.said
    assert {each.grade for each in found.values()} == {Grade.OK}


@pytest.mark.parametrize(
    ("server", "shares", "grades"),
    [
        pytest.param(Server(), False, [], id="none"),
        pytest.param(Server(is_pooled=True), True, [Grade.OK], id="for a transaction"),
        pytest.param(Server(is_pooled=True), False, [Grade.WARN], id="for a session"),
    ],
)
def test_pooler(server: Server, shares: bool, grades: list[Grade]) -> None:
    assert [each.grade for each in findings.of_pooler(server, shares_servers=shares)] == grades


@pytest.mark.parametrize(
    ("missing", "require", "grade"),
    [
        pytest.param((), True, Grade.OK, id="all"),
        pytest.param(("landlock",), True, Grade.WARN, id="a part"),
        pytest.param(("seccomp",), False, Grade.WARN, id="no seccomp"),
        pytest.param(("seccomp",), True, Grade.BAD, id="no seccomp where it is required"),
    ],
)
def test_sandbox(missing: tuple[str, ...], require: bool, grade: Grade) -> None:
    status = HookStatus("partial", missing, frozenset(), None)  # type: ignore[arg-type]  # the pool is not looked at

    assert findings.of_sandbox(status, require_seccomp=require).grade is grade


@pytest.mark.parametrize(
    ("changes", "error", "grade"),
    [
        pytest.param({}, None, Grade.OK, id="answers"),
        pytest.param({}, "refused", Grade.BAD, id="does not answer"),
        pytest.param({"breaker": BreakerState.OPEN}, "refused", Grade.BAD, id="does not answer, as the breaker knows"),
        pytest.param({"breaker": BreakerState.HALF_OPEN}, None, Grade.WARN, id="back, and the breaker not yet"),
        pytest.param({"status": ConnectorStatus.MAINTENANCE}, None, Grade.WARN, id="maintenance"),
        pytest.param({"has_baseline": False}, None, Grade.WARN, id="never listed"),
        pytest.param({"has_baseline": False, "is_target": False}, None, Grade.OK, id="a source is never listed"),
        pytest.param(
            {"has_baseline": False, "settings": {"require_baseline": False}}, None, Grade.OK, id="needs no listing"
        ),
    ],
)
def test_connector(changes: dict[str, Any], error: str | None, grade: Grade) -> None:
    found = findings.of_connector(replace(APP, **changes), error=error)

    assert (found.what, found.grade) == ("connector app", grade)
    assert bool(found.advice) is (grade is not Grade.OK)


@pytest.mark.parametrize(
    ("found", "grade"),
    [
        pytest.param(findings.of_workers(0, draining=0), Grade.BAD, id="no daemon"),
        pytest.param(findings.of_workers(2, draining=2), Grade.WARN, id="all daemons stop"),
        pytest.param(findings.of_workers(2, draining=1), Grade.OK, id="a daemon"),
        pytest.param(findings.of_oldest(None, now=NOW), Grade.OK, id="nothing waits"),
        pytest.param(findings.of_oldest(NOW - timedelta(seconds=9), now=NOW), Grade.OK, id="waits shortly"),
        pytest.param(findings.of_oldest(NOW - timedelta(days=2), now=NOW), Grade.WARN, id="waits long"),
        pytest.param(findings.of_dead_letters({"app": 0}), Grade.OK, id="no dead letter"),
        pytest.param(findings.of_dead_letters({"app": 1}), Grade.WARN, id="a dead letter"),
        pytest.param(findings.of_waiting(approvals=0, cases=0), Grade.OK, id="no decision"),
        pytest.param(findings.of_waiting(approvals=1, cases=0), Grade.WARN, id="held removals"),
        pytest.param(findings.of_waiting(approvals=0, cases=1), Grade.WARN, id="a case"),
    ],
)
def test_work(found: Finding, grade: Grade) -> None:
    assert found.grade is grade


def test_the_whole_is_as_bad_as_its_worst_part() -> None:
    grades = [Grade.OK, Grade.BAD, Grade.WARN]

    assert findings.worst([Finding("x", grade, "") for grade in grades]) is Grade.BAD
    assert findings.worst([]) is Grade.OK


@pytest.mark.parametrize(
    ("approvals", "cases", "advice"),
    [
        pytest.param(1, 0, ("recon approvals",), id="held"),
        pytest.param(0, 7, ("/correlation/cases",), id="asked"),
        pytest.param(1, 7, ("recon approvals", "/correlation/cases"), id="both"),
    ],
)
def test_whatever_waits_for_a_person_is_led_to(approvals: int, cases: int, advice: tuple[str, ...]) -> None:
    found = findings.of_waiting(approvals=approvals, cases=cases)

    told = [each for each in ("recon approvals", "/correlation/cases") if each in found.advice]
    assert tuple(told) == advice
