"""The accounts that the demo's targets have before provisiond ever ran, planted with what must become of each.

They were made by hand over the years: most belong to employees and must be recognised, some only look as if they did,
a few nobody can tell apart, and some belong to nobody at all.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from random import Random
from typing import Any

from worker.service.demo.organisation import EMPLOYEES, Employee, Organisation, login_base, login_of
from worker.service.demo.targets import LDAP, SCIM, SQL, DemoTarget

PARTNER_DOMAIN = "partner-logistik.example"
#: A slip of the pen in a short name makes another name.
_SHORTEST_FAMILY_NAME, _SHORTEST_NAME = 7, 15
#: Two letters that stand for one in some languages; a slip that makes or breaks such a pair is more than one letter.
_DIGRAPHS = ("ae", "oe", "ue", "aa")


class Planted(StrEnum):
    """How an account came to be as it is."""

    BY_NUMBER = "by_number"
    BY_MAIL = "by_mail"
    TYPO = "typo"
    NAMESAKE = "namesake"
    AMBIGUOUS = "ambiguous"
    SERVICE = "service"
    FORMER = "former"


class Expectation(StrEnum):
    """What correct correlation does with it: link it, ask a person, or leave it alone."""

    LINK = "link"
    CASE = "case"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class PlannedAccount:
    """One account to make at a target, and what must become of it.

    ``employees`` are the numbers of those it belongs to (link), may belong to (case), or must not be given to.
    """

    target: str
    attributes: dict[str, Any]
    kind: Planted
    expectation: Expectation
    why: str
    employees: tuple[str, ...] = ()
    active: bool = True


#: How many of each kind an organisation of five thousand finds at each target.
COUNTS: dict[str, dict[Planted, int]] = {
    SQL.name: {
        Planted.BY_NUMBER: 120,
        Planted.BY_MAIL: 60,
        Planted.TYPO: 40,
        Planted.NAMESAKE: 6,
        Planted.AMBIGUOUS: 4,
        Planted.SERVICE: 4,
        Planted.FORMER: 8,
    },
    SCIM.name: {
        Planted.BY_NUMBER: 100,
        Planted.BY_MAIL: 50,
        Planted.TYPO: 30,
        Planted.NAMESAKE: 4,
        Planted.AMBIGUOUS: 3,
        Planted.SERVICE: 3,
        Planted.FORMER: 5,
    },
    LDAP.name: {
        Planted.BY_NUMBER: 80,
        Planted.BY_MAIL: 40,
        Planted.TYPO: 20,
        Planted.NAMESAKE: 4,
        Planted.AMBIGUOUS: 3,
        Planted.SERVICE: 3,
        Planted.FORMER: 5,
    },
}
_EXPECTED = {
    Planted.BY_NUMBER: Expectation.LINK,
    Planted.BY_MAIL: Expectation.LINK,
    Planted.TYPO: Expectation.LINK,
    Planted.NAMESAKE: Expectation.NOBODY,
    Planted.AMBIGUOUS: Expectation.CASE,
    Planted.SERVICE: Expectation.NOBODY,
    Planted.FORMER: Expectation.NOBODY,
}
_SERVICES = ("svc-backup", "svc-monitoring", "admin", "svc-printing")
_FORMER = (
    ("Waltraud", "Oppermann"), ("Egon", "Tiedemann"), ("Hildegard", "Quandt"), ("Bertil", "Ekström"),
    ("Ludmila", "Zvonková"), ("Cuthbert", "Wigglesworth"), ("Şükrü", "Pamuk"), ("Aurelio", "Buonarroti"),
)  # fmt: skip


def plan_existing(organisation: Organisation, target: DemoTarget, *, seed: int = 7) -> tuple[PlannedAccount, ...]:
    """Every account that the target has at the beginning; the same for the same organisation and seed."""
    return tuple(_Planner(organisation, target, Random(f"{seed} {target.name}")).plan())


def ordinary_employees(organisation: Organisation, target: DemoTarget) -> list[Employee]:
    """Those who should have an account and whose names nobody else has, nor one that is a letter apart."""
    distinct = _distinct(organisation)
    return [one for one in organisation.employees[1:] if target.wants(one) and one.employee_number in distinct]


@lru_cache(maxsize=2)
def _distinct(organisation: Organisation) -> frozenset[str]:
    forms = {one.employee_number: _forms(one) for one in organisation.employees}
    bearers = Counter(form for found in forms.values() for form in found)
    return frozenset(number for number, found in forms.items() if all(bearers[form] == 1 for form in found))


class _Planner:
    """Deals employees out to the kinds of accounts, each at most once."""

    def __init__(self, organisation: Organisation, target: DemoTarget, rng: Random) -> None:
        self._organisation = organisation
        self._target = target
        self._rng = rng
        self._logins = {one.login for one in organisation.employees}
        self._deck = ordinary_employees(organisation, target)
        rng.shuffle(self._deck)

    def plan(self) -> Iterator[PlannedAccount]:
        for kind, count in self._counts().items():
            make = getattr(self, f"_{kind}")
            yield from make(count)

    def _counts(self) -> dict[Planted, int]:
        size = len(self._organisation.employees)
        return {kind: max(1, count * size // EMPLOYEES) for kind, count in COUNTS[self._target.name].items()}

    def _by_number(self, count: int) -> Iterator[PlannedAccount]:
        for place in range(count):
            one = self._deck.pop()
            account = self._account(one)
            if place % 2:
                account |= self._named("title", "Trainee") | self._named("department", "Central Services")
            if place % 10 == 3:
                account[self._target.login] = self._new_login(f"{one.given_name[0]}{one.family_name}")
            why = "carries the employee number; " + (
                "title and department are out of date" if place % 2 else "all right"
            )
            yield self._planned(Planted.BY_NUMBER, account, why, one)

    def _by_mail(self, count: int) -> Iterator[PlannedAccount]:
        for _ in range(count):
            one = self._deck.pop()
            account = self._without_number(self._account(one))
            yield self._planned(Planted.BY_MAIL, account, "no employee number, but mail address, name and phone", one)

    def _typo(self, count: int) -> Iterator[PlannedAccount]:
        for place in range(count):
            one, written = self._misspelt(place)
            login = self._new_login(login_base(one.given_name, written))
            account = self._without_number(self._account(one))
            account |= self._named("family_name", written)
            account |= self._named("display_name", f"{one.given_name} {written}")
            account |= {self._target.login: login, self._target.mail: f"{login}@{one.mail.partition('@')[2]}"}
            yield self._planned(Planted.TYPO, account, f"{one.family_name} was written {written}", one)

    def _namesake(self, count: int) -> Iterator[PlannedAccount]:
        for place in range(count):
            one = self._deck.pop()
            login = self._new_login(f"x-{one.login}")
            account = self._without_number(self._account(one))
            account |= self._named("birth_date", f"{1950 + place}-01-{place + 10}")
            account |= self._named("department", "External Partners") | self._named("title", "Consultant")
            account |= self._named("phone", f"+49 40 66969-{200 + place}") | self._without("manager", "location")
            account |= {self._target.login: login, self._target.mail: f"{login}@{PARTNER_DOMAIN}"}
            yield self._planned(Planted.NAMESAKE, account, f"a consultant who is called {one.display_name} too", one)

    def _ambiguous(self, count: int) -> Iterator[PlannedAccount]:
        pairs = [pair for pair in self._organisation.namesakes if all(map(self._target.wants, pair))]
        for one, two in self._rng.sample(pairs, min(count, len(pairs))):
            login = self._new_login(f"{one.family_name}.alt")
            account = {self._target.login: login}
            for source in ("given_name", "family_name", "display_name"):
                account |= self._named(source, one.as_row()[source])
            why = f"two employees are called {one.display_name}, and nothing tells whose it is"
            yield self._planned(Planted.AMBIGUOUS, account, why, one, two)

    def _service(self, count: int) -> Iterator[PlannedAccount]:
        for login in _SERVICES[:count]:
            account = {self._target.login: login} | self._named("family_name", login)
            account |= self._named("display_name", login)
            yield self._planned(Planted.SERVICE, account, "used by a machine or an administrator")

    def _former(self, count: int) -> Iterator[PlannedAccount]:
        for place, (given, family) in enumerate(_FORMER[:count]):
            login = self._new_login(login_base(given, family))
            account = self._named("employee_number", str(90_001 + place)) | self._named("department", "Sales")
            account |= self._named("given_name", given) | self._named("family_name", family)
            account |= self._named("display_name", f"{given} {family}")
            account |= {self._target.login: login, self._target.mail: f"{login}@nordwerk.example"}
            yield self._planned(Planted.FORMER, account, "left before the personnel file was begun")

    def _planned(self, kind: Planted, account: dict[str, Any], why: str, *whose: Employee) -> PlannedAccount:
        attributes = {name: value for name, value in account.items() if value is not None}
        numbers = tuple(one.employee_number for one in whose)
        return PlannedAccount(self._target.name, attributes, kind, _EXPECTED[kind], why, numbers)

    def _account(self, employee: Employee) -> dict[str, Any]:
        return self._target.account_of(employee)

    def _misspelt(self, way: int) -> tuple[Employee, str]:
        """Somebody with a long name, and a family name that is one slip of the pen away."""
        while True:
            one = self._deck.pop()
            is_long = len(one.family_name) >= _SHORTEST_FAMILY_NAME and len(one.display_name) >= _SHORTEST_NAME
            if not is_long or not one.family_name.isalpha():
                continue
            written = _slip(one.family_name, self._rng, way)
            if _digraphs(written) == _digraphs(one.family_name):
                return one, written

    def _named(self, source: str, value: str) -> dict[str, Any]:
        """A value under the names that the target has for an attribute of the personnel file."""
        return {rule.target: value for rule in self._target.rules if rule.source == source}

    def _without(self, *sources: str) -> dict[str, None]:
        return {rule.target: None for rule in self._target.rules if rule.source in sources}

    def _without_number(self, account: dict[str, Any]) -> dict[str, Any]:
        return account | self._without("employee_number")

    def _new_login(self, wanted: str) -> str:
        """The login, with a number where somebody has it."""
        plain = login_of(wanted)
        numbered = (f"{plain}{number}" for number in range(2, 1_000))
        login = next(one for one in (plain, *numbered) if one not in self._logins)
        self._logins.add(login)
        return login


def _forms(employee: Employee) -> set[str]:
    """The login without its number, and with any one letter left out: logins a letter apart share a form."""
    login = login_base(employee.given_name, employee.family_name)
    return {login, *(login[:at] + login[at + 1 :] for at in range(len(login)))}


def _slip(name: str, rng: Random, way: int) -> str:
    """One slip of the pen inside the name: two letters swapped, one left out, one doubled, or a wrong one."""
    places = [at for at in range(2, len(name) - 2) if name[at].isalpha() and name[at + 1].isalpha()]
    swappable = [at for at in places if name[at].lower() != name[at + 1].lower()]
    at = rng.choice(swappable or places)
    match way % 4:
        case 0:
            return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
        case 1:
            return name[:at] + name[at + 1 :]
        case 2:
            return name[: at + 1] + name[at] + name[at + 1 :]
        case _:
            return name[:at] + ("e" if name[at] != "e" else "a") + name[at + 1 :]


def _digraphs(name: str) -> list[int]:
    return [login_of(name).count(pair) for pair in _DIGRAPHS]
