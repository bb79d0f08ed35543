"""The people of Nordwerk, an organisation that does not exist: who the demo manages.

``generate(seed)`` makes the same five thousand people every time. Among them are leavers, people who came back under
their old number and under a new one, contractors and interns, umlauts and names of many cultures, and namesakes.
What an employee's login is follows from the file alone: namesakes carry a ``namesake_no``.
"""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random

from worker.mapping import slug
from worker.service.demo.names import CULTURES

EMPLOYEES = 5_000
NAMESAKE_PAIRS = 60
LEAVERS = 210
REHIRED_SAME_NUMBER = 18
REHIRED_NEW_NUMBER = 12
FIRST_NUMBER = 100_001
AS_OF = date(2026, 9, 30)
DOMAIN = "nordwerk.example"

_DEPARTMENTS = {
    "Production": (22, ("Machine Operator", "Shift Lead", "Quality Technician", "Process Engineer", "Toolmaker")),
    "Logistics": (13, ("Warehouse Clerk", "Dispatcher", "Forklift Driver", "Supply Planner")),
    "Research & Development": (11, ("Development Engineer", "Test Engineer", "Materials Scientist", "Lab Technician")),
    "Sales": (10, ("Account Manager", "Inside Sales", "Key Account Manager", "Sales Engineer")),
    "Customer Service": (9, ("Service Agent", "Field Technician", "Service Coordinator")),
    "Information Technology": (8, ("Software Developer", "System Administrator", "Data Engineer", "Support Analyst")),
    "Finance": (6, ("Accountant", "Controller", "Treasury Analyst", "Payroll Clerk")),
    "Purchasing": (5, ("Buyer", "Category Manager", "Contract Analyst")),
    "Human Resources": (4, ("HR Partner", "Recruiter", "Training Coordinator")),
    "Marketing": (4, ("Content Designer", "Product Marketer", "Event Manager")),
    "Quality Management": (4, ("Auditor", "Quality Engineer", "Metrologist")),
    "Facilities": (3, ("Caretaker", "Electrician", "Site Planner")),
    "Legal & Compliance": (1, ("Counsel", "Compliance Officer", "Data Protection Officer")),
}
_SITES = (("Berlin", 30), ("Hamburg", 22), ("Leipzig", 15), ("Wrocław", 12), ("Århus", 8), ("İzmir", 7), ("Brno", 6))
_TYPES = (("employee", 88), ("contractor", 8), ("intern", 4))


@dataclass(frozen=True, slots=True)
class Employee:
    """One row of the personnel file; everything is text as in the file, an empty one is no value.

    ``namesake_no`` counts those whose names make the same login, 1 for the first.
    """

    employee_number: str
    given_name: str
    family_name: str
    display_name: str
    birth_date: str
    department: str
    title: str
    location: str
    phone: str
    manager: str
    employee_type: str
    status: str
    hired_on: str
    left_on: str
    private_email: str
    namesake_no: str

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    @property
    def login(self) -> str:
        """The user name that the demo's hook computes (``names.star``)."""
        return login_base(self.given_name, self.family_name) + (self.namesake_no if self.namesake_no != "1" else "")

    @property
    def mail(self) -> str:
        return f"{self.login}@{DOMAIN}"

    def as_row(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS = tuple(field.name for field in fields(Employee))


@dataclass(frozen=True, slots=True)
class Organisation:
    """Everybody, by rising employee number."""

    employees: tuple[Employee, ...]

    @property
    def active(self) -> tuple[Employee, ...]:
        return tuple(one for one in self.employees if one.is_active)

    @property
    def namesakes(self) -> tuple[tuple[Employee, Employee], ...]:
        """Pairs of active employees of exactly the same name who are two people."""
        by_name: dict[str, list[Employee]] = {}
        for one in self.active:
            by_name.setdefault(one.display_name, []).append(one)
        groups = [group for group in by_name.values() if len(group) == 2]
        return tuple((one, two) for one, two in groups if one.birth_date != two.birth_date)

    def to_csv(self) -> str:
        """The personnel file: UTF-8, a heading line, commas."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(one.as_row() for one in self.employees)
        return text.getvalue()

    def write_csv(self, path: Path) -> None:
        """Replace the file in one step: a watcher must never see half of it."""
        partial = path.with_name(f".{path.name}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8", newline="") as file:
            file.write(self.to_csv())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def generate(seed: int = 7, *, count: int = EMPLOYEES) -> Organisation:
    """Make the organisation; the same seed and count make the same people."""
    rng = Random(seed)
    people = _people(rng, count=count - _part(count, REHIRED_NEW_NUMBER))
    people = _with_leavers(rng, people, count=count)
    people = _with_namesakes(rng, people, count=_part(count, NAMESAKE_PAIRS))
    people += _hired_again(rng, people, count=count - len(people))
    return Organisation(tuple(_numbered(_with_managers(people))))


def login_base(given_name: str, family_name: str) -> str:
    """``Jörg Müller`` is ``joerg.mueller``; the same in ``names.star``."""
    return f"{slug(given_name)}.{slug(family_name)}"


def login_of(text: str) -> str:
    """Any text as a login: plain lower-case letters and digits, its dots kept."""
    return ".".join(map(slug, text.split(".")))


def _part(count: int, of_all: int) -> int:
    return of_all * count // EMPLOYEES


def _people(rng: Random, *, count: int) -> list[Employee]:
    names = _names(rng)
    return [_person(rng, index, *next(names)) for index in range(count)]


def _names(rng: Random) -> Iterator[tuple[str, str]]:
    """Names, common ones oftener, none twice: namesakes are made on purpose later."""
    shares = [culture.share for culture in CULTURES]
    seen: set[str] = set()
    while True:
        culture = rng.choices(CULTURES, shares)[0]
        given, family = _pick(rng, culture.given), _pick(rng, culture.family)
        other_given, other_family = _pick(rng, culture.given), _pick(rng, culture.family)
        if rng.random() < 0.06 and other_family != family:
            family = f"{family}-{other_family}"
        if rng.random() < 0.12 and other_given != given:
            given = f"{given} {other_given}"
        login = login_base(given, family)
        if login not in seen:
            seen.add(login)
            yield given, family


def _pick(rng: Random, names: tuple[str, ...]) -> str:
    """A name, the first ones about three times as often as the last."""
    return rng.choices(names, cum_weights=_falling(len(names)))[0]


@cache
def _falling(count: int) -> list[int]:
    """Cumulative weights of that many, the first weighing thrice as much as the last."""
    return list(accumulate(3 * count - 2 * place for place in range(count)))


def _person(rng: Random, index: int, given: str, family: str) -> Employee:
    department = rng.choices(list(_DEPARTMENTS), [share for share, _ in _DEPARTMENTS.values()])[0]
    born = AS_OF - timedelta(days=rng.randrange(19 * 365, 64 * 365))
    hired = max(born + timedelta(days=18 * 365 + 5), AS_OF - timedelta(days=int(rng.triangular(10, 9_000, 600))))
    return Employee(
        employee_number=str(FIRST_NUMBER + index),
        given_name=given,
        family_name=family,
        display_name=f"{given} {family}",
        birth_date=born.isoformat(),
        department=department,
        title=rng.choice(_DEPARTMENTS[department][1]),
        location=_weighted(rng, _SITES),
        phone=f"+49 30 23125-{10_000 + index}",
        manager="",
        employee_type=_weighted(rng, _TYPES),
        status="active",
        hired_on=hired.isoformat(),
        left_on="",
        private_email=_private_email(rng, given, family, born) if rng.random() < 0.7 else "",
        namesake_no="1",
    )


def _weighted(rng: Random, choices: tuple[tuple[str, int], ...]) -> str:
    return rng.choices([name for name, _ in choices], [share for _, share in choices])[0]


def _private_email(rng: Random, given: str, family: str, born: date) -> str:
    return f"{slug(given)}{born.year % 100:02}.{slug(family)}@{rng.choice(('mail', 'post', 'inbox'))}.example"


def _with_leavers(rng: Random, people: list[Employee], *, count: int) -> list[Employee]:
    """Some have left; some had left and came back under their old number."""
    chosen = rng.sample(range(1, len(people)), _part(count, LEAVERS + REHIRED_SAME_NUMBER))
    back = set(chosen[_part(count, LEAVERS) :])
    changed = list(people)
    for place in chosen:
        one, left = people[place], AS_OF - timedelta(days=rng.randrange(20, 1_500))
        if place in back:
            again = min(left + timedelta(days=rng.randrange(60, 700)), AS_OF)
            changed[place] = replace(one, left_on=left.isoformat(), hired_on=again.isoformat())
        else:
            hired = min(date.fromisoformat(one.hired_on), left - timedelta(days=90))
            changed[place] = replace(one, status="inactive", left_on=left.isoformat(), hired_on=hired.isoformat())
    return changed


def _with_namesakes(rng: Random, people: list[Employee], *, count: int) -> list[Employee]:
    """Give some the name of another in another department, so that two people of one name work here."""
    active = [place for place, one in enumerate(people) if one.is_active and place > 0]
    chosen = rng.sample(active, 2 * count)
    changed = list(people)
    for first, second in zip(chosen[::2], chosen[1::2], strict=True):
        one, two = people[min(first, second)], people[max(first, second)]
        department = two.department if two.department != one.department else _other_department(one.department)
        changed[max(first, second)] = replace(
            two,
            given_name=one.given_name,
            family_name=one.family_name,
            display_name=one.display_name,
            private_email="",
            department=department,
            title=two.title if department == two.department else _DEPARTMENTS[department][1][0],
        )
    return changed


def _other_department(department: str) -> str:
    names = list(_DEPARTMENTS)
    return names[(names.index(department) + 1) % len(names)]


def _hired_again(rng: Random, people: list[Employee], *, count: int) -> list[Employee]:
    """People who had left and are back under a new number: two rows, one person."""
    left = rng.sample([one for one in people if not one.is_active], count)
    return [
        replace(
            one,
            employee_number=str(FIRST_NUMBER + len(people) + place),
            phone=f"+49 30 23125-{10_000 + len(people) + place}",
            status="active",
            hired_on=(AS_OF - timedelta(days=5 + place)).isoformat(),
            left_on="",
        )
        for place, one in enumerate(left)
    ]


def _with_managers(people: list[Employee]) -> list[Employee]:
    """The first employee leads the organisation; in each department every twelfth active one leads a team."""
    chief = people[0].employee_number
    leads: dict[str, str] = {}
    counts: Counter[str] = Counter()
    managed = []
    for one in people:
        manager = leads.get(one.department, chief)
        if one.is_active and one.employee_type == "employee":
            if counts[one.department] % 12 == 0 and one.employee_number != chief:
                leads[one.department] = one.employee_number
                manager = chief if counts[one.department] == 0 else manager
            counts[one.department] += 1
        managed.append(replace(one, manager=manager))
    managed[0] = replace(people[0], title="Managing Director", department="Management")
    return managed


def _numbered(people: list[Employee]) -> Iterator[Employee]:
    """Count those whose names make the same login, in the order of their numbers."""
    bearers: Counter[str] = Counter()
    for one in people:
        login = login_base(one.given_name, one.family_name)
        bearers[login] += 1
        yield replace(one, namesake_no=str(bearers[login]))
