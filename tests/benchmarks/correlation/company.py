"""An organisation as an identity manager meets it: who works there, and what accounts one of its systems has.

Everything follows from ``Company`` and its seed. What happens to an account is a share of its own in ``Shares``, and
several things may happen to one; whose account it is is known because it was made from that person.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.benchmarks.correlation.names import COUNTRIES, NICKNAMES
from tests.benchmarks.correlation.spelling import login_of, transliterated, typo

Row = dict[str, str]

_DEPARTMENTS = (
    "Sales", "Production", "IT", "Finance", "Logistics", "Research", "HR", "Marketing", "Legal", "Purchasing",
    "Quality", "Service", "Maintenance", "Controlling", "Security", "Facility",
)  # fmt: skip
_SITES = ("Berlin", "Wien", "London", "Praha", "Oslo", "Ankara", "Lyon", "Madrid", "Milano", "Utrecht", "Hanoi", "Graz")
_SERVICES = ("backup", "sql", "print", "web", "scan", "monitor", "deploy", "mail", "sync", "build", "ldap", "vpn")


@dataclass(frozen=True)
class Shares:
    """How often each thing happens to an account (or, for ``missing``, how often each of its columns is empty)."""

    renamed: float = 0.04
    nickname: float = 0.05
    transliterated: float = 0.08
    typo: float = 0.07
    display_only: float = 0.06
    alias: float = 0.10
    initials: float = 0.06
    swapped: float = 0.015
    middle: float = 0.03
    double: float = 0.02
    moved: float = 0.06
    stale_number: float = 0.02
    recycled: float = 0.015
    opaque_login: float = 0.05
    nobody: float = 0.08
    services: float = 0.35
    no_account: float = 0.05
    missing: dict[str, float] = field(
        default_factory=lambda: {
            "employee_id": 0.55, "email": 0.12, "phone": 0.45, "department": 0.2, "location": 0.3, "login": 0.02,
            "display_name": 0.5, "names": 0.04,
        }
    )  # fmt: skip


@dataclass(frozen=True)
class Company:
    seed: int
    people: int = 5_000
    countries: dict[str, float] = field(
        default_factory=lambda: {"de": 0.5, "en": 0.2, "nordic": 0.1, "slavic": 0.1, "tr": 0.06, "vi": 0.04}
    )
    shares: Shares = Shares()
    style: str = "first.last"
    domain: str = "acme.example"


@dataclass(frozen=True)
class Labelled:
    """Two tables and, by account id, whose it is (None: nobody's) and what happened to it."""

    identities: list[Row]
    accounts: list[Row]
    owners: dict[str, str | None]
    cases: dict[str, str]


def labelled(company: Company) -> Labelled:
    """Make both tables."""
    return _Maker(company).make()


def crowd(company: Company, *, every: int) -> Iterator[tuple[Row, Row | None]]:
    """Everybody as an identity, and of every so many one's account: more people than would be held at once."""
    maker = _Maker(company)
    recent: list[Row] = []
    for number in range(company.people):
        person = maker._person(number)
        recent = [*recent[-99:], person] if number % every == 0 or not recent else recent
        yield _identity(person), maker._account(person, recent)[0] if number % every == 0 else None


class _Maker:
    def __init__(self, company: Company) -> None:
        self._company = company
        self._shares = company.shares
        self._rng = random.Random(company.seed)
        self._taken: dict[str, int] = {}
        self._relatives: dict[str, list[Row]] = {}

    def make(self) -> Labelled:
        everybody = [self._person(number) for number in range(self._company.people)]
        for person in everybody:
            self._relatives.setdefault(person["family_name"], []).append(person)
        leavers = [self._person(number) for number in range(self._company.people, round(self._company.people * 1.1))]
        holders = [person for person in everybody if self._rng.random() >= self._shares.no_account]
        made = [(*self._account(person, everybody), person["id"]) for person in holders]
        strangers = round(len(holders) * self._shares.nobody / (1 - self._shares.nobody))
        made += [self._stranger(leavers, everybody) for _ in range(strangers)]
        self._rng.shuffle(made)
        accounts, owners, cases = [], {}, {}
        for number, (account, case, owner) in enumerate(made):
            account["id"] = f"a{number}"
            accounts.append(account)
            owners[account["id"]], cases[account["id"]] = owner, case
        return Labelled([_identity(person) for person in everybody], accounts, owners, cases)

    def _happens(self, share: float) -> bool:
        return self._rng.random() < share

    def _person(self, number: int) -> Row:
        rng = self._rng
        country = rng.choices(list(self._company.countries), weights=list(self._company.countries.values()))[0]
        names = COUNTRIES[country]
        given, family = names.draw_given(rng), names.draw_family(rng).replace("-", " ")
        middle = rng.choice(names.middle) if names.middle and rng.random() < 0.7 else ""
        login = self._free(login_of(given, family, self._company.style))
        return {
            "id": f"i{number}",
            "country": country,
            "username": login,
            "employee_number": f"E{100_000 + number * 7 % 900_000}",
            "given_name": f"{middle} {given}".strip(),
            "family_name": family,
            "email": f"{login}@{self._company.domain}",
            "phone": f"+49 30 {rng.randrange(100_000, 999_999)}",
            "department": rng.choices(_DEPARTMENTS, weights=range(len(_DEPARTMENTS) + 3, 3, -1))[0],
            "location": rng.choices(_SITES, weights=range(len(_SITES) + 1, 1, -1))[0],
        }

    def _free(self, login: str) -> str:
        self._taken[login] = count = self._taken.get(login, 0) + 1
        return login if count == 1 else f"{login}{count}"

    def _account(self, person: Row, everybody: list[Row]) -> tuple[Row, str]:
        account = _as_account(person)
        happened = [name for name, change in self._changes(everybody).items() if change(account, person)]
        self._forget(account)
        return account, "+".join(happened) or "same"

    def _changes(self, everybody: list[Row]) -> dict[str, Callable[[Row, Row], bool]]:
        return {
            "renamed": self._rename,
            "nickname": self._shorten,
            "middle": self._add_middle,
            "double": self._double,
            "swapped": self._swap,
            "transliterated": self._transliterate,
            "typo": self._misspell,
            "initials": self._initial,
            "alias": self._alias,
            "moved": self._move,
            "opaque_login": self._hide_login,
            "stale_number": lambda account, person: self._stale(account, everybody),
            "recycled": lambda account, person: self._recycle(account, person, everybody),
            "display_only": self._only_display,
        }

    def _rename(self, account: Row, person: Row) -> bool:
        """The account has the name from before; half of them had the address from before, too."""
        if not self._happens(self._shares.renamed):
            return False
        account["family_name"] = COUNTRIES[person["country"]].draw_family(self._rng).replace("-", " ")
        if self._happens(0.7):
            old = self._free(login_of(account["given_name"], account["family_name"], self._company.style))
            account["login"], account["email"] = old, f"{old}@{self._company.domain}"
        return True

    def _shorten(self, account: Row, person: Row) -> bool:
        words = account["given_name"].split()
        if words[-1] not in NICKNAMES or not self._happens(self._shares.nickname * 3):
            return False
        account["given_name"] = self._rng.choice(NICKNAMES[words[-1]])
        if self._happens(0.4):
            login = login_of(account["given_name"], account["family_name"], self._company.style)
            account["login"] = self._free(login)
        return True

    def _add_middle(self, account: Row, person: Row) -> bool:
        if not self._happens(self._shares.middle):
            return False
        words = account["given_name"].split()
        second = COUNTRIES[person["country"]].draw_given(self._rng)
        account["given_name"] = (
            words[-1] if len(words) > 1 else f"{words[0]} {second[0] + '.' if self._happens(0.5) else second}"
        )
        return True

    def _double(self, account: Row, person: Row) -> bool:
        if not self._happens(self._shares.double):
            return False
        other = COUNTRIES[person["country"]].draw_family(self._rng).replace("-", " ")
        parts = [account["family_name"], other]
        self._rng.shuffle(parts)
        account["family_name"] = "-".join(parts)
        return True

    def _swap(self, account: Row, person: Row) -> bool:
        if not self._happens(self._shares.swapped):
            return False
        account["given_name"], account["family_name"] = account["family_name"], account["given_name"]
        return True

    def _transliterate(self, account: Row, person: Row) -> bool:
        if not self._happens(self._shares.transliterated):
            return False
        for column in ("given_name", "family_name"):
            account[column] = transliterated(account[column], self._rng)
        return True

    def _misspell(self, account: Row, person: Row) -> bool:
        if not self._happens(self._shares.typo):
            return False
        for _ in range(1 if self._happens(0.8) else 2):
            column = self._rng.choices(("family_name", "given_name", "login", "email", "employee_id"), (4, 3, 2, 2, 1))[
                0
            ]
            if column == "employee_id":
                at = self._rng.randrange(1, len(account[column]))
                account[column] = account[column][:at] + self._rng.choice("0123456789") + account[column][at + 1 :]
            elif column == "email":
                local, _, domain = account[column].partition("@")
                account[column] = f"{typo(local, self._rng)}@{domain}"
            else:
                account[column] = typo(account[column], self._rng)
        return True

    def _initial(self, account: Row, person: Row) -> bool:
        if not self._happens(self._shares.initials):
            return False
        style = self._rng.choice(("flast", "lastf"))
        account["login"] = self._free(login_of(account["given_name"], account["family_name"], style))
        if self._happens(0.3):
            account["given_name"] = f"{account['given_name'][:1]}."
        return True

    def _alias(self, account: Row, person: Row) -> bool:
        if not self._happens(self._shares.alias):
            return False
        local, _, domain = account["email"].partition("@")
        kind = self._rng.randrange(4)
        if kind == 0:
            account["email"] = f"{local}@{self._rng.choice(('mail', 'emea', 'corp'))}.{domain}"
        elif kind == 1:
            account["email"] = f"{local}@{self._company.domain.split('.')[0]}-group.example"
        elif kind == 2:
            account["email"] = f"{local}+{self._rng.choice(('work', 'jira', 'erp'))}@{domain}"
        else:
            short = login_of(account["given_name"], account["family_name"], self._rng.choice(("flast", "first_last")))
            account["email"] = f"{short}@{domain}"
        return True

    def _move(self, account: Row, person: Row) -> bool:
        if not self._happens(self._shares.moved):
            return False
        account["department"] = self._rng.choice(_DEPARTMENTS)
        if self._happens(0.5):
            account["location"] = self._rng.choice(_SITES)
        if self._happens(0.5):
            account["phone"] = f"+49 30 {self._rng.randrange(100_000, 999_999)}"
        return True

    def _hide_login(self, account: Row, person: Row) -> bool:
        if not self._happens(self._shares.opaque_login):
            return False
        account["login"] = f"u{self._rng.randrange(10_000, 99_999)}"
        return True

    def _stale(self, account: Row, everybody: list[Row]) -> bool:
        """The number of somebody else, who has it today."""
        if not self._happens(self._shares.stale_number):
            return False
        account["employee_id"] = self._rng.choice(everybody)["employee_number"].removeprefix("E")
        return True

    def _recycle(self, account: Row, person: Row, everybody: list[Row]) -> bool:
        """Address and login are by now those of somebody else, mostly of a like name."""
        if not self._happens(self._shares.recycled):
            return False
        alike = [other for other in self._relatives[person["family_name"]] if other is not person]
        other = self._rng.choice(alike or everybody)
        account["email"] = other["email"]
        if self._happens(0.5):
            account["login"] = other["username"]
        return True

    def _only_display(self, account: Row, person: Row) -> bool:
        if not self._happens(self._shares.display_only):
            return False
        account["given_name"] = account["family_name"] = ""
        account["display_name"] = account["display_name"] or _display(account, person, self._rng)
        for column in ("employee_id", "phone"):
            account[column] = ""
        if self._happens(0.5):
            account["email"] = ""
        if self._happens(0.5):
            account["login"] = f"u{self._rng.randrange(10_000, 99_999)}"
        return True

    def _forget(self, account: Row) -> None:
        missing = self._shares.missing
        if account["given_name"] and not self._happens(missing["display_name"]):
            account["display_name"] = _display(account, account, self._rng)
        if account["display_name"] and self._happens(missing["names"]):
            account["given_name"] = account["family_name"] = ""
        for column, share in missing.items():
            if column in account and column != "display_name" and self._happens(share):
                account[column] = ""
        if not (account["login"] or account["email"] or account["employee_id"]):
            account["login"] = f"u{self._rng.randrange(10_000, 99_999)}"

    def _stranger(self, leavers: list[Row], everybody: list[Row]) -> tuple[Row, str, None]:
        """An account of nobody who is there: a service, an administrator's second one, somebody who left."""
        if self._happens(self._shares.services):
            return self._service(everybody)
        account = _as_account(self._rng.choice(leavers))
        case = "leaver"
        if self._happens(0.1):  # his number was given to another
            account["employee_id"] = self._rng.choice(everybody)["employee_number"].removeprefix("E")
            case = "leaver with a recycled number"
        self._forget(account)
        return account, case, None

    def _service(self, everybody: list[Row]) -> tuple[Row, str, None]:
        rng = self._rng
        account = dict.fromkeys(_as_account(everybody[0]), "")
        if rng.random() < 0.5:
            name = rng.choice(_SERVICES)
            account["login"] = f"{rng.choice(('svc', 'srv', 'app'))}{rng.choice('-_.')}{name}{rng.randrange(1, 99)}"
            account["display_name"] = f"{name.title()} Service"
            return account, "service", None
        person = rng.choice(everybody)
        account["login"] = f"{rng.choice(('adm', 'admin'))}{rng.choice('-_.')}{person['username']}"
        account["display_name"] = f"{person['given_name']} {person['family_name']} (Admin)"
        return account, "administrator", None


def _as_account(person: Row) -> Row:
    return {
        "id": "",
        "login": person["username"],
        "employee_id": person["employee_number"].removeprefix("E"),
        "display_name": "",
        "given_name": person["given_name"],
        "family_name": person["family_name"],
        "email": person["email"],
        "phone": person["phone"],
        "department": person["department"],
        "location": person["location"],
    }


def _display(account: Row, person: Row, rng: random.Random) -> str:
    given, family = account["given_name"] or person["given_name"], account["family_name"] or person["family_name"]
    department = account["department"] or person["department"]
    return rng.choice(
        [
            f"{given} {family}",
            f"{family}, {given}",
            f"{family}, {given} ({department})",
            f"{given} {family} ({department})",
        ]
    )


def _identity(person: Row) -> Row:
    return {name: value for name, value in person.items() if name != "country"}
