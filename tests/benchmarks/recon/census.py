"""A million people, and the accounts they should have: what both sides of a reconciliation are made of.

Of N people each has an account as wanted. Then the target drifts: of its accounts 1 % differ in one attribute, 0.5 %
are gone, and as many are nobody's.
"""

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

PAGE = 1_000

#: Names are made of these, so that among a million few share both of theirs.
_SYLLABLES = (
    "an",
    "ber",
    "chal",
    "dor",
    "ek",
    "fin",
    "gar",
    "hil",
    "ing",
    "jor",
    "kel",
    "lun",
    "mar",
    "nö",
    "ost",
    "pe",
)
_WORK = ("Finance", "Engineering", "Sales", "Marketing", "Legal", "Operations", "Procurement", "Research")
_CHANGED = ("department", "title", "phone", "mail", "groups")

Account = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Drift:
    """How many accounts are other than wanted."""

    mismatch: int
    deleted: int
    orphan: int

    @classmethod
    def of(cls, count: int) -> "Drift":
        return cls(count // 100, count // 200, count // 200)

    @property
    def total(self) -> int:
        return self.mismatch + self.deleted + self.orphan


def person(number: int) -> Account:
    """The account that person ``number`` should have, the same each time."""
    rng = random.Random(number)
    first, last = _name(rng, 2), _name(rng, 4)
    name = f"u{number:08}"
    return {
        "user_name": name,
        "given_name": first,
        "family_name": last,
        "display_name": f"{first} {last}",
        "mail": f"{name}@corp.example",
        "employee_number": str(100_000 + number),
        "department": rng.choice(_WORK),
        "title": f"Grade {rng.randrange(20)}",
        "phone": f"+49 30 {rng.randrange(10**7):07}",
        "location": f"Building {rng.randrange(90)}",
        "cost_center": str(rng.randrange(9_000)),
        "groups": sorted({f"g{rng.randrange(500)}" for _ in range(3)}),
    }


def _name(rng: random.Random, syllables: int) -> str:
    return "".join(rng.choices(_SYLLABLES, k=syllables)).capitalize()


def uid_of(number: int) -> str:
    return f"id-{number:08}"


def as_wanted(count: int) -> Iterator[tuple[str, Account]]:
    return ((uid_of(number), person(number)) for number in range(count))


def gone(count: int) -> range:
    """The people whose account is no longer there."""
    return range(Drift.of(count).deleted)


def drifted(count: int) -> Iterator[tuple[str, Account]]:
    """What the target shows after it drifted."""
    drift = Drift.of(count)
    for number in range(drift.deleted, count):
        attributes = person(number)
        if number < drift.deleted + drift.mismatch:
            name = _CHANGED[number % len(_CHANGED)]
            attributes[name] = [*attributes[name], "gX"] if name == "groups" else f"{attributes[name]}x"
        yield uid_of(number), attributes
    for number in range(count + 50_000_000, count + 50_000_000 + drift.orphan):
        yield uid_of(number), person(number)


def changed(count: int, *, of: int) -> Iterator[tuple[str, Account]]:
    """So many accounts that a target tells of; every tenth really differs from what is wanted."""
    for at in range(count):
        number = at * (of // count)
        attributes = person(number)
        if at % 10 == 0:
            attributes["title"] = "changed"
        yield uid_of(number), attributes


def batched(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """In lists of so many."""
    left = iter(things)
    while some := list(islice(left, size)):
        yield some


def write(path: Path, accounts: Iterable[tuple[str, Account]], *, page: int = PAGE) -> int:
    """A listing, shuffled in its keys and among near neighbours; how many accounts it has."""
    rng, written = random.Random(1), 0
    with path.open("wb") as file:
        for part in batched(_mixed(accounts, rng), page):
            lines = [{"id": uid, "active": True, "attrs": _shuffled(each, rng)} for uid, each in part]
            file.write(json.dumps(lines, ensure_ascii=False).encode() + b"\n")
            written += len(part)
    return written


def _mixed(accounts: Iterable[tuple[str, Account]], rng: random.Random) -> Iterator[tuple[str, Account]]:
    for some in batched(accounts, 100 * PAGE):
        rng.shuffle(some)
        yield from some


def _shuffled(attributes: Account, rng: random.Random) -> Account:
    items = list(attributes.items())
    rng.shuffle(items)
    return dict(items)
