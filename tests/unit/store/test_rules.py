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
    "operations.open_lanes": "an accepted operation, with its account",
    "safeguard.refuse": "what would change a protected account: it never was an operation that could run",
    "plan_items.complain": "a plan that cannot be made: it never was an operation that could run",
}
STATEFUL = "operations_archive|operations|dead_letters"
_WRITES = re.compile(rf"\b(?:INSERT INTO (?:{STATEFUL})\b|UPDATE operations\b[^;]*?\bSET status\b)", re.DOTALL)
_MOVES = re.compile(r"^-- moves: (.+)$", re.MULTILINE)
_VOLATILE = re.compile(r"\b(?:clock_timestamp|random|gen_random_uuid|timeofday|nextval|uuidv7)\s*\(", re.IGNORECASE)


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
        if "set_config" in code_of(query)
        or (re.search(r"\b(?:UPDATE|DELETE|INSERT)\b", code_of(query)) and _VOLATILE.search(code_of(query)))
    ]

    assert found == []
