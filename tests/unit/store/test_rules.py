"""What holds for every statement beside its meaning: whose rows it touches, what it may call, what moves it makes.

A table may be spread over servers by its tenant: a statement that names the tenant with every table stays on one of
them, and one that calls a volatile function while it changes rows is refused there.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.domain.operation import MOVES, OperationStatus
from worker.store.sql import Query, load

ROOT = Path(__file__).parents[3]
STATEMENTS = {
    f"{path.stem}.{query.name}": query
    for path in sorted((ROOT / "worker" / "store").glob("*.sql"))
    for query in load(path.stem)
}
SCHEMA = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "migrations" / "sql").glob("*.sql")))
#: Rows of all tenants in one table, or of none: read over all of them by whoever looks for work.
PLATFORM_TABLES = {"due_work", "tenants", "workers", "schema_versions", "alembic_version"}
#: Statements that bring an operation into being; there is no state that it comes from.
BIRTHS = {
    "operations.insert": "an accepted operation",
    "submission.begin_lane": "an accepted operation, alone",
    "operations.open_lanes": "an accepted operation, with its account",
    "safeguard.refuse": "what would change a protected account: it never was an operation that could run",
    "plan_items.complain": "a plan that cannot be made: it never was an operation that could run",
}
STATEFUL = "operations_archive|operations|dead_letters"
_WRITES = re.compile(rf"\b(?:INSERT INTO (?:{STATEFUL})\b|UPDATE operations\b[^;]*?\bSET status\b)", re.DOTALL)
_MOVES = re.compile(r"^-- moves: (.+)$", re.MULTILINE)
_VOLATILE = re.compile(
    r"\b(?:clock_timestamp|random|random_normal|gen_random_uuid|gen_random_bytes|uuid_generate_v\w+|uuidv4|uuidv7|timeofday"
    r"|nextval|setval|set_config|pg_sleep|pg_notify|pg_(?:try_)?advisory_\w+)\s*\(",
    re.IGNORECASE,
)
_CHANGES = re.compile(r"\b(?:UPDATE|DELETE|INSERT)\b")
_LOCKS = re.compile(r"\bFOR (?:NO KEY )?(?:UPDATE|SHARE|KEY SHARE)\b")
_KEYS = re.compile(r"(?:PRIMARY KEY|UNIQUE(?: NULLS NOT DISTINCT)?) \((\w+)")
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX \w+ ON (\w+) (?:USING (\w+) )?\((\w+)")
_FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\(.*?\bAS\b", re.DOTALL)


def tenant_tables() -> set[str]:
    names = re.findall(r"^CREATE TABLE (\w+)", SCHEMA, re.MULTILINE)
    return set(names) - PLATFORM_TABLES


READ = re.compile(rf"\b(?:FROM|JOIN|UPDATE|USING)\s+({'|'.join(sorted(tenant_tables(), key=len, reverse=True))})\b")
_OF_TENANT = re.compile(r"\btenant_id = (?:\$(\d+)|\w+\.tenant_id)|\bUSING \(tenant_id\b")


def code_of(query: Query) -> str:
    """The statement without what is quoted in it."""
    return re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--.*", "", query.text))


def moves_of(query: Query) -> Iterator[tuple[OperationStatus, OperationStatus]]:
    for line in _MOVES.findall(query.comment):
        for move in line.split(","):
            before, after = (OperationStatus(word.strip()) for word in move.split("->"))
            yield before, after


def test_the_moves_that_statements_make_are_the_allowed_ones() -> None:
    assert {move for query in STATEMENTS.values() for move in moves_of(query)} == MOVES


@pytest.mark.parametrize("name", [name for name, query in STATEMENTS.items() if _WRITES.search(query.text)])
def test_a_statement_that_writes_a_state_names_its_moves(name: str) -> None:
    query = STATEMENTS[name]
    moves = list(moves_of(query))

    assert bool(moves) is (name not in BIRTHS)
    assert not [f"{name}: {after} is not written" for _, after in moves if f"'{after}'" not in query.text]


def test_what_becomes_ready_says_when() -> None:
    """Claims go on behind what has been ready for longer: with an old time it would lie where nobody looks."""
    wakes = {name for name, query in STATEMENTS.items() if OperationStatus.PENDING in {to for _, to in moves_of(query)}}
    promotes = {name for name, query in STATEMENTS.items() if re.search(r"\bSET head = true\b", query.text)}

    assert {"operations.rescue", "conflicts.wake", "operations.promote"} <= wakes | promotes
    assert [name for name in sorted(wakes | promotes) if not re.search(r"\bready_at\b", STATEMENTS[name].text)] == []


def test_births_are_statements_that_write_a_state() -> None:
    assert {name for name in BIRTHS if _WRITES.search(STATEMENTS[name].text)} == set(BIRTHS)


@pytest.mark.parametrize("name", [name for name, query in STATEMENTS.items() if READ.search(code_of(query))])
def test_every_table_of_tenants_is_read_with_the_tenant(name: str) -> None:
    """As often as such a table is named, the tenant is: as a value, or by the table that it is joined with."""
    text = code_of(STATEMENTS[name])
    tables = READ.findall(text)

    assert "tenant_id" in STATEMENTS[name].parameters
    assert len(_OF_TENANT.findall(text)) >= len(tables), f"{name} reads {tables}"


@pytest.mark.parametrize("name", [name for name, query in STATEMENTS.items() if "INSERT INTO" in query.text])
def test_a_new_row_says_whose_it_is(name: str) -> None:
    query = STATEMENTS[name]
    places = re.findall(r"INSERT INTO (\w+) (?:AS \w+ )?\((\w+)", query.text)

    assert len(places) == query.text.count("INSERT INTO")
    assert not [table for table, first in places if table in tenant_tables() and first != "tenant_id"]


def test_no_statement_sets_a_tenant_or_changes_rows_by_chance() -> None:
    found = [
        name
        for name, query in STATEMENTS.items()
        if "set_config" in code_of(query) or (_CHANGES.search(code_of(query)) and _VOLATILE.search(code_of(query)))
    ]

    assert found == []


def test_functions_of_ours_that_are_volatile_are_called_by_themselves() -> None:
    """A server that spreads rows asks each function that a change calls whether it always says the same."""
    volatile = {
        found[1] for found in _FUNCTION.finditer(SCHEMA) if not re.search(r"\b(?:STABLE|IMMUTABLE)\b", found[0])
    }
    called = re.compile(rf"\b(?:{'|'.join(volatile)})\(")
    found = {name for name, query in STATEMENTS.items() if called.search(code_of(query))}

    assert "db_now" not in volatile
    assert {name.partition(".")[0] for name in found} == {"history"}
    assert not [name for name in found if READ.search(code_of(STATEMENTS[name]))]


@pytest.mark.parametrize("name", [name for name, query in STATEMENTS.items() if _LOCKS.search(code_of(query))])
def test_rows_are_locked_within_a_tenant_that_is_known(name: str) -> None:
    """Rows that lie on several servers cannot be locked by one statement."""
    assert re.search(r"\btenant_id = \$\d+", code_of(STATEMENTS[name]))


def test_no_statement_merges() -> None:
    assert [name for name, query in STATEMENTS.items() if re.search(r"\bMERGE\b", code_of(query))] == []


def test_a_name_of_a_tenants_row_is_looked_up_with_the_tenant_first() -> None:
    """Every key begins with the tenant, and so does every index but those that only tell blocks apart."""
    tables = re.findall(r"^CREATE TABLE (\w+) \((.*?)^\)", SCHEMA, re.MULTILINE | re.DOTALL)
    wrong = [
        f"{table}: key of {first}"
        for table, body in tables
        if table in tenant_tables() | {"due_work"}
        for first in _KEYS.findall(body)
        if first != "tenant_id"
    ]
    wrong += [f"{table} has no key" for table, body in tables if "PRIMARY KEY" not in body]
    wrong += [
        f"{table}: index of {first}"
        for table, kind, first in _INDEX.findall(SCHEMA)
        if table in tenant_tables() and first != "tenant_id" and kind != "brin"
    ]

    assert wrong == []
    assert len(tables) > 30
    assert not re.search(r"\bREFERENCES\b", SCHEMA), (
        "a reference to another row must name the tenant, and be checked here"
    )


def test_rows_get_no_value_by_chance_where_they_are_stored() -> None:
    """A default is worked out where the row is: what is random, or a time, comes with the statement or from now()."""
    defaults = re.findall(r"\bDEFAULT ([^,\n]+)", re.sub(r"--.*", "", SCHEMA))

    assert [value for value in defaults if _VOLATILE.search(value)] == []
