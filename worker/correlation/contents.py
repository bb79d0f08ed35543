"""What columns of two tables hold, by what stands in them: where names of columns tell nothing, or the wrong thing.

A column that two tables call alike may number other things in each; one whose name says nothing may hold what the other
table calls an address. Both show in the values: how many of one table's are there in the other's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from worker.correlation.normalize import day, digits, email, employee_number, fold, local_part, login, name_tokens

Columns = Mapping[str, Sequence[str]]
Roles = dict[str, list[str]]

#: Rows of one table that are looked at; those of the other are all looked up.
_LOOKED_AT = 2_000
#: So few values say nothing about a column.
_LEAST = 30
#: Of two columns that hold the same at least so many of the one's values are found in the other.
_MET, _SURELY_MET = 0.02, 0.3
_MOSTLY = 0.6
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PHONE = re.compile(r"[+(]?[\d\s()./-]{7,}(x\d+)?")
_MOST_SHARED = 0.5

_NAMES = ("given_name", "family_name", "display_name")
#: What is of use by itself, or with another column of its own table.
_ALONE = frozenset({"ended", "created", "email", "user_name"})

_READ: dict[str, Callable[[str], str]] = {
    "external_id": employee_number,
    "employee_number": employee_number,
    "national_id": employee_number,
    "email": lambda text: local_part(email(text)),
    "user_name": login,
    "phone": digits,
    "birth_date": day,
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """Roles by what is there, and pairs of columns that nothing is known of but that they hold the same.

    ``numbers``: pairs whose values tell people apart; ``others``: those whose values many share.
    """

    identities: Roles
    accounts: Roles
    numbers: list[tuple[str, str]]
    others: list[tuple[str, str]]


def fitted(identities: Columns, accounts: Columns, roles: tuple[Roles, Roles], *, unusable: frozenset[str]) -> Fitted:
    """Correct what the names say; columns in ``unusable`` are left alone."""
    ours, theirs = ({role: list(columns) for role, columns in found.items()} for found in roles)
    for columns, found in ((identities, ours), (accounts, theirs)):
        _add_shaped(columns, found, unusable)
    _add_names(identities, ours, accounts, theirs, unusable)
    _add_names(accounts, theirs, identities, ours, unusable)
    for role in _READ:
        _keep_met(role, identities, ours, accounts, theirs)
    numbers, others = _paired(_left(identities, ours, theirs, unusable), _left(accounts, theirs, ours, unusable))
    return Fitted(ours, theirs, numbers, others)


def _add_shaped(columns: Columns, found: Roles, unusable: frozenset[str]) -> None:
    """Addresses and telephone numbers look like such."""
    known = {column for some in found.values() for column in some} | unusable
    for column in columns:
        if column in known:
            continue
        values = _some(columns[column])
        for role, shape in (("email", _ADDRESS), ("phone", _PHONE)):
            is_shaped = len(values) >= _LEAST and _share(values, shape.fullmatch) > _MOSTLY
            if is_shaped and (role == "email" or not all(value.isdigit() for value in values)):
                found.setdefault(role, []).append(column)
                break


def _add_names(columns: Columns, found: Roles, others: Columns, theirs: Roles, unusable: frozenset[str]) -> None:
    """Where a table has no column of names, the one whose words are names in the other table is it."""
    if found.keys() & set(_NAMES):
        return
    places = [column for role in _NAMES for column in theirs.get(role, [])]
    words = {token for column in places for text in others[column] for token in name_tokens(text)}
    known = {column for some in found.values() for column in some} | unusable
    best = max(
        ((_share(_some(columns[column]), lambda text: _is_named(text, words)), column) for column in columns
         if column not in known),
        default=(0.0, ""),
    )  # fmt: skip
    if words and best[0] > _MOSTLY:
        found["display_name"] = [best[1]]


def _is_named(text: str, words: set[str]) -> bool:
    tokens = name_tokens(text)
    return len(tokens) > 1 and sum(token in words for token in tokens) * 2 > len(tokens)


def _keep_met(role: str, identities: Columns, ours: Roles, accounts: Columns, theirs: Roles) -> None:
    """Of the columns of a role those that have anything in common with one of the other table."""
    if role not in ours or role not in theirs:
        return
    met = [
        (source, target) for source in ours[role] for target in theirs[role]
        if _is_met(accounts[target], identities[source], _READ[role])
    ]  # fmt: skip
    for found, kept in ((ours, {source for source, _ in met}), (theirs, {target for _, target in met})):
        found[role] = [column for column in found[role] if column in kept]
        if not found[role]:
            del found[role]


def _is_met(values: Sequence[str], others: Sequence[str], read: Callable[[str], str]) -> bool:
    """Whether enough is there twice, or too little is there at all to tell."""
    looked_for = {text for value in _some(values) if (text := read(value))}
    if len(looked_for) < _LEAST:
        return True
    there = {text for value in others if (text := read(value))}
    return len(there) < _LEAST or len(looked_for & there) >= _MET * len(looked_for)


def _left(columns: Columns, found: Roles, others: Roles, unusable: frozenset[str]) -> dict[str, Sequence[str]]:
    """Columns that nothing in the other table goes with by its name, and that do not just count rows."""
    has_names = any(role in others for role in _NAMES)
    known = {
        column for role, some in found.items() for column in some
        if role in others or role in _ALONE or (role in _NAMES and has_names)
    }  # fmt: skip
    return {
        column: values
        for column, values in columns.items()
        if column not in known and column not in unusable and not _counts(values)
    }


def _paired(ours: Columns, theirs: Columns) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    numbers: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    sets = {column: {fold(value) for value in values} - {""} for column, values in ours.items()}
    for target, values in theirs.items():
        looked_for = {fold(value) for value in _some(values)} - {""}
        shares = [(len(looked_for & sets[source]) / max(len(looked_for), 1), source) for source in ours]
        share, source = max(shares, default=(0.0, ""))
        rows = len(_some(values))
        if share < _SURELY_MET or len(looked_for) < 2 or rows < _LEAST:
            continue
        tells_apart = len(looked_for) > _MOST_SHARED * rows and len(looked_for) >= _LEAST
        (numbers if tells_apart else others).append((source, target))
        del sets[source]
        ours = {column: there for column, there in ours.items() if column != source}
    return numbers, others


def _counts(values: Sequence[str]) -> bool:
    """Whether it is a row number: whole numbers one after the other."""
    some = [value.strip() for value in values]
    if not all(value.isdecimal() for value in some):
        return False
    numbers = {int(value) for value in some}
    return len(numbers) == len(some) and len(some) > 1 and max(numbers) - min(numbers) == len(some) - 1


def _some(values: Sequence[str]) -> list[str]:
    """Values of rows from all over the table."""
    step = max(len(values) // _LOOKED_AT, 1)
    return [text for value in values[::step] if (text := value.strip())]


def _share(values: Sequence[str], holds: Callable[[str], object]) -> float:
    return sum(bool(holds(value)) for value in values) / max(len(values), 1)
