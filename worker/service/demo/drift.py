"""What goes wrong at the demo's targets after everything was provisioned: each kind of discrepancy, planted on purpose.

The next reconciliation must find exactly these, call each by its kind, and repair them so that the one after it finds
nothing. A link is lost by forgetting our own record of an account, as after a restore from an older backup.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Any

from worker.domain.discrepancy import DiscrepancyType
from worker.service.demo.existing import ordinary_employees, plan_existing
from worker.service.demo.organisation import DOMAIN, Employee, Organisation
from worker.service.demo.targets import DemoTarget

#: How many of each kind a target gets.
COUNTS: dict[DiscrepancyType, int] = {
    DiscrepancyType.MISMATCH: 6,
    DiscrepancyType.DELETED: 4,
    DiscrepancyType.ORPHAN: 3,
    DiscrepancyType.UNLINKED: 2,
    DiscrepancyType.MISSING: 2,
    DiscrepancyType.COLLISION: 1,
}
_STRANGERS = (("Bartholomew", "Quigley"), ("Eudoxia", "Zographou"), ("Kunigunde", "Pfefferkorn"))


class Change(StrEnum):
    """What is done: three things at the target, and forgetting our record of the account."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that goes wrong. ``login`` finds the account at the target; ``attributes`` as for create or update."""

    target: str
    kind: DiscrepancyType
    changes: tuple[Change, ...]
    login: str
    why: str
    employee: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    active: bool | None = None


def plan_drift(organisation: Organisation, target: DemoTarget, *, seed: int = 7) -> tuple[Drift, ...]:
    """Everything that goes wrong at one target, to people whom ``plan_existing`` leaves alone."""
    used = {number for one in plan_existing(organisation, target, seed=seed) for number in one.employees}
    deck = [one for one in ordinary_employees(organisation, target) if one.employee_number not in used]
    Random(f"drift {seed} {target.name}").shuffle(deck)
    people = iter(deck)
    return (
        *_mismatches(target, people),
        *_deleted(target, people),
        *_orphans(target),
        *_unlinked(target, people),
        *_missing(target, people),
        *_collisions(target, people),
    )


def expected_kinds(drift: tuple[Drift, ...]) -> dict[DiscrepancyType, int]:
    """How often a reconciliation must find each kind."""
    return dict(Counter(one.kind for one in drift))


def _mismatches(target: DemoTarget, people: Iterator[Employee]) -> Iterator[Drift]:
    for place in range(COUNTS[DiscrepancyType.MISMATCH]):
        one = next(people)
        attributes, active, why = _edit(target, one, place)
        drift = _about(one, target, DiscrepancyType.MISMATCH, Change.UPDATE, why=why)
        yield replace(drift, attributes=attributes, active=active)


def _edit(target: DemoTarget, employee: Employee, place: int) -> tuple[dict[str, Any], bool | None, str]:
    title, phone, department = (target.attribute(name) or "" for name in ("title", "phone", "department"))
    edits: tuple[tuple[dict[str, Any], bool | None, str], ...] = (
        ({title: "Team Lead"}, None, "somebody promoted them by hand"),
        ({phone: "+49 30 23125-99"}, None, "the telephone number was changed by hand"),
        ({department: None}, None, "the department was cleared"),
        ({}, False, "the account was disabled by hand"),
        ({target.mail: f"info.{employee.login}@{DOMAIN}"}, None, "the mail address was changed by hand"),
        ({title: "Trainee", department: "Central Services"}, None, "title and department were set back"),
    )
    return edits[place % len(edits)]


def _deleted(target: DemoTarget, people: Iterator[Employee]) -> Iterator[Drift]:
    for _ in range(COUNTS[DiscrepancyType.DELETED]):
        why = "the account was deleted by hand"
        yield _about(next(people), target, DiscrepancyType.DELETED, Change.DELETE, why=why)


def _orphans(target: DemoTarget) -> Iterator[Drift]:
    for given, family in _STRANGERS[: COUNTS[DiscrepancyType.ORPHAN]]:
        login = f"{given}.{family}".lower()
        values = {"given_name": given, "family_name": family, "display_name": f"{given} {family}"}
        account = {rule.target: values[rule.source] for rule in target.rules if rule.source in values}
        account |= {target.login: login, target.mail: f"{login}@{DOMAIN}"}
        why = "made by hand for somebody who is not in the personnel file"
        yield Drift(target.name, DiscrepancyType.ORPHAN, (Change.CREATE,), login, why, None, account, active=True)


def _unlinked(target: DemoTarget, people: Iterator[Employee]) -> Iterator[Drift]:
    for _ in range(COUNTS[DiscrepancyType.UNLINKED]):
        why = "our record of the account was lost"
        yield _about(next(people), target, DiscrepancyType.UNLINKED, Change.FORGET, why=why)


def _missing(target: DemoTarget, people: Iterator[Employee]) -> Iterator[Drift]:
    for _ in range(COUNTS[DiscrepancyType.MISSING]):
        why = "the account was deleted, and our record of it was lost"
        yield _about(next(people), target, DiscrepancyType.MISSING, Change.FORGET, Change.DELETE, why=why)


def _collisions(target: DemoTarget, people: Iterator[Employee]) -> Iterator[Drift]:
    """A second account of one person, without the number, which is unique at the target."""
    for _ in range(COUNTS[DiscrepancyType.COLLISION]):
        one = next(people)
        login = f"{one.login}-2"
        numbers = [rule.target for rule in target.rules if rule.source == "employee_number"]
        account = {name: value for name, value in target.account_of(one).items() if name not in numbers}
        account |= {target.login: login, target.mail: f"{login}@{DOMAIN}"}
        why = "a second account was made by hand for somebody who has one"
        drift = _about(one, target, DiscrepancyType.COLLISION, Change.CREATE, why=why)
        yield replace(drift, login=login, attributes=account, active=True)


def _about(employee: Employee, target: DemoTarget, kind: DiscrepancyType, *changes: Change, why: str) -> Drift:
    return Drift(target.name, kind, changes, employee.login, why, employee.employee_number)
