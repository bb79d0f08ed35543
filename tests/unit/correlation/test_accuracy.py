"""A labelled organisation: what must be found is found, and nobody gets another's account without being asked."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import pytest

from worker.correlation import NameFrequencies, correlate_many, default_rule_set
from worker.domain.correlation import Candidate, CorrelationResult, Decision, Side, Subject

GIVEN = """
    Anna Andrea Anke Arne Berta Bernd Björn Carla Christian Christina Claudia Daniel Daniela Dörte Emil Emma
    Erik Eva Felix Franziska Frieda Georg Greta Günter Hanna Hannes Hans Heike Ines Ingo Jan Jana Jens
    Johanna Johannes Jörg Jürgen Karin Karl Klara Lars Laura Lena Leon Lukas Maja Manuel Maria Marie Mario
    Martin Martina Michael Michaela Nina Olaf Ole Paul Paula Peter Petra Ralf Rosa Søren Sabine Stefan
    Stefanie Susanne Sven Theo Thea Ute Vera Volker
""".split()  # noqa: SIM905 - seventy lines otherwise
FAMILY = """
    Müller Möller Mahler Schmidt Schmitt Schneider Fischer Weber Meyer Maier Wagner Becker Schulz Schulze
    Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann
    Hartmann Lange Schmid Werner Krause Lehmann Köhler Maurer König Walter Mayer Huber Kaiser Fuchs Peters
    Lang Scholz Weiß Jung Hahn Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann
    Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer Vogt Stein Jäger Otto
    Sommer Groß Seidel Heinrich Brandt Haas Schreiber
""".split()  # noqa: SIM905 - seventy lines otherwise
DEPARTMENTS = ("Sales", "IT", "Finance", "Legal", "Production", "Logistics", "Research", "Purchasing")
PEOPLE = 800


@dataclass(frozen=True)
class Labelled:
    case: str
    attributes: dict[str, Any]
    owner: int | None


def ascii_of(text: str) -> str:
    return "".join({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o"}.get(sign, sign) for sign in text.lower())


@cache
def people() -> tuple[dict[str, Any], ...]:
    rng = random.Random(20240131)
    taken: dict[str, int] = {}
    found = []
    for number in range(PEOPLE):
        given, family = rng.choice(GIVEN), rng.choice(FAMILY)
        base = f"{ascii_of(given)}.{ascii_of(family)}"
        taken[base] = taken.get(base, 0) + 1
        user_name = base if taken[base] == 1 else f"{base}{taken[base]}"
        found.append(
            {
                "user_name": user_name,
                "mail": f"{user_name}@acme.example",
                "employee_number": f"E-{10000 + number:06}",
                "given_name": given,
                "family_name": family,
                "department": rng.choice(DEPARTMENTS),
                "birth_date": f"{rng.randint(1958, 2004)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
            }
        )
    return tuple(found)


def account_of(person: dict[str, Any]) -> dict[str, Any]:
    return {
        "login": person["user_name"],
        "email": person["mail"],
        "emp_no": person["employee_number"].removeprefix("E-"),
        "first_name": person["given_name"],
        "last_name": person["family_name"],
        "dept": person["department"],
        "birth_date": person["birth_date"],
    }


def typo(text: str, rng: random.Random) -> str:
    letters = [at for at in range(len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
    at = rng.choice(letters)
    return rng.choice(
        [
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            text[:at] + rng.choice("bdmnrst") + text[at + 1 :],
        ]
    )


def without(account: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in account.items() if name not in names}


def misspelt_login(account: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    login = typo(account["login"], rng)
    return without(account, "emp_no") | {"login": login, "email": f"{login}@acme.example"}


def misspelt_name(account: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    return without(account, "emp_no", "birth_date") | {"last_name": typo(account["last_name"], rng)}


def misspelt_everywhere(account: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    login = typo(account["login"], rng)
    names = {"first_name": typo(account["first_name"], rng), "last_name": account["last_name"]}
    return without(account, "birth_date") | names | {"login": login, "email": f"{login}@acme.example"}


def transliterated(account: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    plain = rng.choice([ascii_of, lambda text: ascii_of(text).replace("ue", "u").replace("oe", "o").replace("ae", "a")])
    names = {name: plain(account[name]).upper() for name in ("first_name", "last_name")}
    return without(account, "emp_no", "email") | names


def swapped(account: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    names = {"first_name": account["last_name"], "last_name": account["first_name"]}
    return without(account, "email", "emp_no") | names


def aliased(account: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    local = account["email"].partition("@")[0]
    return without(account, "emp_no", "login") | {"email": f"{local}@mail.acme.example"}


def married(account: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    last_name = rng.choice(FAMILY)
    login = f"{ascii_of(account['first_name'])}.{ascii_of(last_name)}.x"
    return account | {"last_name": last_name, "login": login, "email": f"{login}@acme.example"}


def initialled(account: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    login = ascii_of(account["first_name"])[0] + ascii_of(account["last_name"])
    return without(account, "email") | {"login": login}


FOUND: dict[str, Callable[[dict[str, Any], random.Random], dict[str, Any]]] = {
    "same": lambda account, _: account,
    "misspelt login": misspelt_login,
    "misspelt name": misspelt_name,
    "misspelt everywhere": misspelt_everywhere,
    "transliterated": transliterated,
    "swapped names": swapped,
    "other mail domain": aliased,
    "married": married,
    "initials": initialled,
}


def namesake(account: dict[str, Any], number: int, rng: random.Random) -> dict[str, Any]:
    """Somebody who is none of ours, of the same full name."""
    login = f"{account['login']}{rng.randint(20, 99)}"
    stranger = account | {
        "login": login,
        "email": f"{login}@acme.example",
        "emp_no": str(900000 + number),
        "birth_date": f"{rng.randint(1940, 1957)}-05-0{rng.randint(1, 9)}",
        "dept": rng.choice(DEPARTMENTS),
    }
    kept = rng.choice([("login", "dept"), ("emp_no",), ("birth_date", "login"), ("login", "email", "emp_no", "dept")])
    return {name: stranger[name] for name in ("first_name", "last_name", *kept)}


@cache
def accounts() -> tuple[Labelled, ...]:
    rng = random.Random(7)
    cases = list(FOUND)
    found = [
        Labelled(
            cases[number % (len(cases) + 1)], FOUND[cases[number % (len(cases) + 1)]](account_of(person), rng), number
        )
        for number, person in enumerate(people())
        if number % (len(cases) + 1) < len(cases)  # the others have no account
    ]
    found += [
        Labelled("namesake", namesake(account_of(person), number, rng), None)
        for number, person in enumerate(people())
        if number % 5 == 0
    ]
    found += [
        Labelled("service", account_of(person) | {"login": f"svc-{person['user_name']}", "email": None}, None)
        for person in people()[::40]
    ]
    rng.shuffle(found)
    return tuple(found)


@cache
def results(*, with_frequencies: bool) -> tuple[CorrelationResult, ...]:
    names = [f"{person['given_name']} {person['family_name']}" for person in people()]
    return tuple(
        correlate_many(
            [Subject(UUID(int=100_000 + at), Side.ACCOUNT, one.attributes) for at, one in enumerate(accounts())],
            [Candidate(UUID(int=at), person) for at, person in enumerate(people())],
            rule_set=default_rule_set(["login", "email", "emp_no", "first_name", "last_name", "dept", "birth_date"]),
            frequencies=NameFrequencies.of(names) if with_frequencies else None,
        )
    )


def labelled(*, with_frequencies: bool) -> list[tuple[Labelled, CorrelationResult]]:
    return list(zip(accounts(), results(with_frequencies=with_frequencies), strict=True))


def linked(result: CorrelationResult) -> int | None:
    return result.match.ref_id.int if result.match else None


either = pytest.mark.parametrize(
    "with_frequencies", [pytest.param(True, id="name frequencies"), pytest.param(False, id="default weights")]
)


@either
def test_nobody_is_linked_to_another_s_account(with_frequencies: bool) -> None:
    wrong = [
        (one.case, one.attributes, result.reason)
        for one, result in labelled(with_frequencies=with_frequencies)
        if result.match and linked(result) != one.owner
    ]

    assert wrong == []


@either
def test_nine_of_ten_are_linked_without_asking(with_frequencies: bool) -> None:
    owned = [
        pair
        for pair in zip(accounts(), results(with_frequencies=with_frequencies), strict=True)
        if pair[0].owner is not None
    ]
    found = sum(linked(result) == one.owner for one, result in owned)

    assert found >= 0.9 * len(owned)


@either
def test_nearly_all_others_are_before_a_person_with_the_right_one_among_them(with_frequencies: bool) -> None:
    owned = [
        pair
        for pair in zip(accounts(), results(with_frequencies=with_frequencies), strict=True)
        if pair[0].owner is not None
    ]
    shown = sum(
        result.decision is not Decision.NONE and one.owner in {candidate.ref_id.int for candidate in result.candidates}
        for one, result in owned
    )

    assert shown >= 0.98 * len(owned)


@either
def test_few_strangers_are_brought_before_a_person(with_frequencies: bool) -> None:
    strangers = [
        pair
        for pair in zip(accounts(), results(with_frequencies=with_frequencies), strict=True)
        if pair[0].owner is None
    ]
    asked = sum(result.decision is Decision.REVIEW for _, result in strangers)

    assert asked <= 0.25 * len(strangers)


def test_no_identity_is_linked_twice() -> None:
    owners = [linked(result) for result in results(with_frequencies=True) if result.match]

    assert len(owners) == len(set(owners))
