"""One organisation from a seed: its people, the accounts of one of its systems, and what went wrong between both."""

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.benchmarks.correlation.strangers.cultures import CULTURES, SHORT, VARIANTS, Called, drawn, family_of
from tests.benchmarks.correlation.strangers.headers import ACCOUNTS, PERSONS

Row = dict[str, str]
Content = dict[str, str]

_DEPARTMENTS = (
    "Sales", "Engineering", "Finance", "People", "Legal", "Operations", "Customer Care", "Product", "Data",
    "Facilities",
    "Procurement", "Warehouse", "Plant 1", "Plant 2", "Treasury", "R&D",
)  # fmt: skip
_CITIES = (
    "Hà Nội",
    "Shanghai",
    "Dubai",
    "Wrocław",
    "Sevilla",
    "Chennai",
    "Leeds",
    "Köln",
    "São Paulo",
    "Lyon",
    "Austin",
)
_TITLES = ("Analyst", "Senior Analyst", "Engineer", "Clerk", "Team Lead", "Manager", "Director", "Technician", "Intern")
_STYLES: dict[str, Callable[[str, str], str]] = {
    "given.family": lambda given, family: f"{given}.{family}",
    "gfamily": lambda given, family: f"{given[:1]}{family}",
    "familyg": lambda given, family: f"{family}{given[:1]}",
    "family.given": lambda given, family: f"{family}.{given}",
    "given_family": lambda given, family: f"{given}_{family}",
    "gifa": lambda given, family: f"{given[:2]}{family[:4]}",
    "given": lambda given, _: given,
}
_SHOWN = (
    "{given} {family}",
    "{family}, {given}",
    "{family}, {given} ({department})",
    "{FAMILY} {given}",
    "{given} {FAMILY}",
)
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_PLAIN = str.maketrans({"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ø": "o", "ß": "ss", "ı": "i"})
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True)
class Draw:
    """What one seed says: which columns, which people, and how often what goes wrong."""

    seed: int
    people: int
    cultures: dict[str, float]
    persons: str
    accounts: str
    style: str
    shown: str
    domain: str
    shares: dict[str, float]
    missing: dict[str, float]
    has_numbers: bool


@dataclass(frozen=True)
class Made:
    """Both tables in their own columns; ``owners``: by the place of each account its person's, None for nobody's."""

    draw: Draw
    persons: list[Row]
    accounts: list[Row]
    owners: list[int | None]
    troubles: list[str]


@dataclass
class _Logins:
    taken: set[str] = field(default_factory=set)

    def free(self, text: str) -> str:
        found, number = text, 1
        while found in self.taken:
            number += 1
            found = f"{text}{number}"
        self.taken.add(found)
        return found


def draw(seed: int, *, people: int | None = None) -> Draw:
    """The organisation of a seed; ``people`` in place of what it says."""
    rng = random.Random(seed)
    cultures = rng.sample(sorted(CULTURES), rng.randint(2, 6))

    def share(least: float, most: float) -> float:
        return rng.uniform(least, most)

    shares = {
        "married": share(0.01, 0.06), "short": share(0.05, 0.5), "variant": share(0.05, 0.4), "plain": share(0.05, 0.4),
        "slip": share(0.02, 0.09), "shown": share(0.0, 0.1), "alias": share(0.02, 0.2), "opaque": share(0.0, 0.1),
        "recycled": share(0.002, 0.02), "stale": share(0.002, 0.03), "moved": share(0.03, 0.15),
        "turned": share(0.0, 0.03),
        "one_family": share(0.1, 0.5), "cased": share(0.0, 0.15), "blanks": share(0.0, 0.1), "nobody": share(0.06, 0.1),
        "services": share(0.2, 0.6), "absent": share(0.0, 0.1), "initial": share(0.0, 0.06),
    }  # fmt: skip
    contents = ("number", "mail", "phone", "department", "city", "title", "shown", "born", "names")
    missing = {content: share(0.05, 0.3) for content in contents}
    missing["number"], missing["names"] = share(0.1, 0.6), share(0.0, 0.1)
    return Draw(
        seed=seed,
        people=people or rng.randint(2_000, 5_000),
        cultures={name: rng.uniform(0.2, 1.0) for name in cultures},
        persons=rng.choice(sorted(PERSONS)),
        accounts=rng.choice(sorted(ACCOUNTS)),
        style=rng.choice(sorted(_STYLES)),
        shown=rng.choice(_SHOWN),
        domain=rng.choice(("corp.example", "initech.example", "uni.example", "hospital.example")),
        shares=shares,
        missing=missing,
        has_numbers=rng.random() < 0.7,
    )


def made(plan: Draw) -> Made:
    """Both tables of an organisation."""
    return _Maker(plan).all()


class _Maker:
    def __init__(self, plan: Draw) -> None:
        self._plan = plan
        self._rng = random.Random(plan.seed * 7919 + 1)
        self._logins = _Logins()
        self._spare = _Logins()

    def all(self) -> Made:
        plan, rng = self._plan, self._rng
        people = [self._person(number) for number in range(plan.people)]
        left = [self._person(number) for number in range(plan.people, plan.people + plan.people // 8)]
        self._spare.taken |= self._logins.taken
        rows = [
            (*self._account(each, people), place) for place, each in enumerate(people) if not self._happens("absent")
        ]
        strangers = round(len(rows) * plan.shares["nobody"] / (1 - plan.shares["nobody"]))
        rows += [(*self._nobodys(people, rng.choice(left)), None) for _ in range(strangers)]
        rng.shuffle(rows)
        persons = [_told(PERSONS[plan.persons], each, place) for place, each in enumerate(people)]
        columns = {
            column: content for column, content in ACCOUNTS[plan.accounts].items()
            if plan.has_numbers or content != "number"
        }  # fmt: skip
        accounts = [_told(columns, account, place) for place, (account, _, _) in enumerate(rows)]
        return Made(plan, persons, accounts, [owner for *_, owner in rows], [trouble for _, trouble, _ in rows])

    def _happens(self, what: str) -> bool:
        return self._rng.random() < self._plan.shares[what]

    def _person(self, number: int) -> Content:
        rng, plan = self._rng, self._plan
        called = drawn(rng.choices(list(plan.cultures), list(plan.cultures.values()))[0], rng)
        login = self._logins.free(self._login(called))
        return {
            "culture": called.culture,
            "number": f"{2_000_000 + number * 13}",
            "given": called.given,
            "family": called.family,
            "mail": f"{login}@{plan.domain}",
            "login": login,
            "phone": f"+{rng.randrange(10, 99)} {rng.randrange(100, 999)} {rng.randrange(1_000_000, 9_999_999)}",
            "department": rng.choice(_DEPARTMENTS),
            "city": rng.choice(_CITIES[: 3 + plan.seed % 8]),
            "title": rng.choice(_TITLES),
            "born": f"{rng.randrange(1958, 2005)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        }

    def _login(self, called: Called, style: str | None = None) -> str:
        given = _slug(called.given.split()[-1 if called.culture == "vietnamese" else 0])
        family = _slug(called.family.split()[0])
        return _STYLES[style or self._plan.style](given, family)

    def _account(self, person: Content, people: list[Content]) -> tuple[Content, str]:
        account = dict(person)
        found = [
            name
            for name, happens in self._troubles().items()
            if self._happens(name) and happens(account, person, people)
        ]
        self._show(account)
        self._leave_out(account)
        return account, "+".join(found)

    def _troubles(self) -> dict[str, Callable[[Content, Content, list[Content]], bool]]:
        return {
            "married": self._marry, "one_family": self._drop_family, "short": self._shorten, "variant": self._vary,
            "plain": self._flatten, "turned": self._turn, "initial": self._initial, "slip": self._slip,
            "alias": self._alias, "opaque": self._hide, "recycled": self._recycle, "stale": self._stale,
            "moved": self._move, "cased": self._case, "blanks": self._blank, "shown": self._only_shown,
        }  # fmt: skip

    def _marry(self, account: Content, person: Content, _: list[Content]) -> bool:
        """The account has the name from before, and mostly its address."""
        family = family_of(person["culture"], self._rng)
        account["family"] = family if self._rng.random() < 0.7 else f"{family}-{person['family'].split()[0]}"
        if self._rng.random() < 0.6:
            self._rename(account, person["culture"])
        return True

    def _rename(self, account: Content, culture: str) -> None:
        account["login"] = self._spare.free(self._login(Called(account["given"], account["family"], culture)))
        account["mail"] = f"{account['login']}@{self._plan.domain}"

    def _drop_family(self, account: Content, person: Content, _: list[Content]) -> bool:
        words = person["family"].split()
        if len(words) > 1:
            account["family"] = words[0]
        elif len(person["given"].split()) > 1:
            account["given"] = person["given"].split()[-1 if person["culture"] == "vietnamese" else 0]
        return True

    def _shorten(self, account: Content, person: Content, _: list[Content]) -> bool:
        words = account["given"].split()
        if words[0] not in SHORT:
            return False
        account["given"] = self._rng.choice(SHORT[words[0]])
        if self._rng.random() < 0.3:
            self._rename(account, person["culture"])
        return True

    def _vary(self, account: Content, _: Content, __: list[Content]) -> bool:
        known = [(part, account[part]) for part in ("given", "family") if account[part] in VARIANTS]
        for part, text in known:
            account[part] = self._rng.choice(VARIANTS[text])
        return bool(known)

    def _flatten(self, account: Content, _: Content, __: list[Content]) -> bool:
        for part in ("given", "family"):
            account[part] = _ascii(account[part], is_german=self._rng.random() < 0.5)
        return True

    def _turn(self, account: Content, _: Content, __: list[Content]) -> bool:
        account["given"], account["family"] = account["family"], account["given"]
        return True

    def _initial(self, account: Content, _: Content, __: list[Content]) -> bool:
        account["given"] = f"{account['given'][:1]}."
        return True

    def _slip(self, account: Content, _: Content, __: list[Content]) -> bool:
        what = self._rng.choice(("given", "family", "family", "login", "mail", "number", "born"))
        account[what] = _slipped(account[what], self._rng)
        if what == "login":
            account[what] = self._spare.free(account[what])
        return True

    def _alias(self, account: Content, person: Content, _: list[Content]) -> bool:
        called = Called(person["given"], person["family"], person["culture"])
        other = self._rng.choice(sorted(_STYLES))
        kind = self._rng.randrange(3)
        if kind == 0:
            account["mail"] = f"{person['login']}@{self._rng.choice(('eu', 'mail', 'students'))}.{self._plan.domain}"
        elif kind == 1:
            account["mail"] = f"{self._login(called, other)}@{self._plan.domain}"
        else:
            account["login"] = self._spare.free(self._login(called, other))
        return True

    def _hide(self, account: Content, _: Content, __: list[Content]) -> bool:
        account["login"] = self._spare.free(f"{self._rng.choice('xkup')}{self._rng.randrange(10_000, 999_999)}")
        return True

    def _recycle(self, account: Content, person: Content, people: list[Content]) -> bool:
        """The address, and maybe the login, are another's by now."""
        family = person["family"].split()[0]
        other = self._rng.choice(
            [each for each in people if each["family"].split()[0] == family and each is not person] or people
        )
        account["mail"] = other["mail"]
        if self._rng.random() < 0.4:
            account["login"] = self._spare.free(f"{other['login']}{self._rng.randrange(2, 9)}")
        return True

    def _stale(self, account: Content, _: Content, people: list[Content]) -> bool:
        account["number"] = self._rng.choice(people)["number"]
        return True

    def _move(self, account: Content, _: Content, __: list[Content]) -> bool:
        account["department"], account["city"] = self._rng.choice(_DEPARTMENTS), self._rng.choice(_CITIES)
        account["title"] = self._rng.choice(_TITLES)
        return True

    def _case(self, account: Content, _: Content, __: list[Content]) -> bool:
        for what in ("given", "family", "mail"):
            account[what] = account[what].upper() if self._rng.random() < 0.5 else account[what].lower()
        return True

    def _blank(self, account: Content, _: Content, __: list[Content]) -> bool:
        for what in ("given", "family", "mail", "number"):
            account[what] = f" {account[what]}  "
        account["given"] = account["given"].replace(" ", "  ")
        return True

    def _only_shown(self, account: Content, _: Content, __: list[Content]) -> bool:
        account["number"] = account["phone"] = account["born"] = ""
        if self._rng.random() < 0.5:
            account["mail"] = ""
        return True

    def _show(self, account: Content) -> None:
        shown = self._plan.shown if self._rng.random() < 0.8 else self._rng.choice(_SHOWN)
        chinese = account["culture"] in {"chinese", "vietnamese"} and self._rng.random() < 0.5
        given, family = account["given"].strip(), account["family"].strip()
        account["shown"] = shown.format(
            given=given, family=family, FAMILY=family.upper(), department=account["department"]
        )
        account["name"] = f"{family} {given}" if chinese else f"{given} {family}"

    def _leave_out(self, account: Content) -> None:
        missing = self._plan.missing
        has_parts = {"given", "shown"} <= set(ACCOUNTS[self._plan.accounts].values())
        for content, share in missing.items():
            if content == "shown" and not has_parts:
                continue  # the only name that it has
            if content != "names" and self._rng.random() < share:
                account[content] = ""
            elif content == "names" and account["shown"] and has_parts and self._rng.random() < share:
                account["given"] = account["family"] = ""

    def _nobodys(self, people: list[Content], leaver: Content) -> tuple[Content, str]:
        rng = self._rng
        if not self._happens("services"):
            account = dict(leaver)
            if rng.random() < 0.08:
                account["number"] = rng.choice(people)["number"]
            self._show(account)
            self._leave_out(account)
            account["login"] = self._spare.free(account["login"])
            return account, "left"
        blank = dict.fromkeys(leaver, "") | {"culture": "", "name": "", "shown": ""}
        person, kind = rng.choice(people), rng.randrange(3)
        if kind == 0:
            what = rng.choice(("sql", "backup", "crm", "sap", "web"))
            login = f"{rng.choice(('svc', 'app', 'srv', 'sa'))}{rng.choice('-_.')}{what}"
            return blank | {"login": self._spare.free(login), "name": login, "shown": login}, "service"
        if kind == 1:
            login = f"{rng.choice(('adm', 'a', 'admin', 't1'))}{rng.choice('-_.')}{person['login']}"
            shown = f"{person['given']} {person['family']} ({rng.choice(('Admin', 'ADM', 'Tier 1'))})"
            names = {"given": person["given"], "family": person["family"]} if rng.random() < 0.3 else {}
            return blank | {"login": self._spare.free(login), "name": shown, "shown": shown} | names, "administrator"
        city = rng.choice(_CITIES)
        login = self._spare.free(
            _slug(f"{rng.choice(('reception', 'info', 'meetingroom', 'training', 'scanner'))}{city}")
        )
        return blank | {"login": login, "name": f"Reception {city}", "shown": f"Reception {city}",
                        "mail": f"{login}@{self._plan.domain}"}, "shared"  # fmt: skip


def _told(columns: Row, record: Content, place: int) -> Row:
    upn = record["login"] + "@" + record["mail"].rpartition("@")[2] if record["mail"].strip() else record["login"]
    known = {"noise": f"{place % 17:03}", "id": f"{place * 7 + 1000}", "upn": upn, "shown": "", "name": "", **record}
    if "name" not in record:
        known["name"] = f"{record['given']} {record['family']}"
    return {column: known[content] for column, content in columns.items()}


def _ascii(text: str, *, is_german: bool = False) -> str:
    text = (text.translate(_GERMAN) if is_german else text).translate(_PLAIN)
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


def _slug(text: str) -> str:
    return "".join(sign for sign in _ascii(text.lower()) if sign.isalnum())


def _slipped(text: str, rng: random.Random) -> str:
    places = [at for at in range(1, len(text) - 1) if text[at].isalnum()]
    if not places:
        return text
    at = rng.choice(places)
    sign = text[at]
    near = next(
        (row[(row.index(sign.lower()) + 1) % len(row)] for row in _KEYS if sign.lower() in row), rng.choice("1234567")
    )
    return rng.choice((
        text[:at] + text[at + 1 :], text[:at] + sign + text[at:], text[:at] + near + text[at + 1 :],
        text[:at] + text[at + 1] + sign + text[at + 2 :],
    ))  # fmt: skip
