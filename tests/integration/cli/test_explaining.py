"""Whose an account would be, from the command line."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import Database
from tests.factories import a_connector
from tests.integration.cli.conftest import Configure
from worker.cli import run
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingRule
from worker.store import identities, mappings
from worker.store.identities import StoredIdentity
from worker.store.pool import open_pool
from worker.store.tenant import tenant

Say = Callable[..., tuple[int, str, str]]
RULES = tuple(
    MappingRule(target, source=source)
    for source, target in (
        ("mail", "mail"),
        ("employee_number", "employeeNumber"),
        ("given_name", "givenName"),
        ("family_name", "sn"),
    )
)


@pytest.fixture
async def say(database: Database, tenant_id: UUID, configure: Configure, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `correlate explain` where there are a target and two people."""
    configure(database_url=database.daemon_dsn)
    pool = await open_pool(database.daemon_dsn, size=1)
    app = await a_connector(pool, tenant_id, name="app")
    async with tenant(pool, tenant_id) as conn:
        where: dict[str, Any] = {"tenant_id": tenant_id, "connector_id": app.id, "object_class": "user"}
        await mappings.activate(conn, version=await mappings.insert(conn, rules=RULES, **where), **where)
        people = [
            StoredIdentity(
                uuid7(),
                f"e-{n}",
                f"{given}.{family}".lower(),
                {
                    "given_name": given,
                    "family_name": family,
                    "employee_number": f"10{n}",
                    "mail": f"{given}.{family}@corp.example".lower(),
                },
            )
            for n, (given, family) in enumerate([("Ada", "Lovelace"), ("Grace", "Hopper")])
        ]
        await identities.insert(conn, tenant_id=tenant_id, identities=people)
    await pool.close()

    def said(*arguments: str) -> tuple[int, str, str]:
        code = run(["correlate", "explain", *arguments])
        found = capsys.readouterr()
        return code, found.out, found.err

    return said


ADA = ("--attribute", "givenName=Ada", "--attribute", "sn=Lovelace", "--attribute", "mail=ada.lovelace@corp.example")


def test_it_says_whose_it_is_and_what_each_rule_says(say: Say) -> None:
    code, words, _ = say("app", *ADA)
    _, told, _ = say("app", *ADA, "--json")
    answer = json.loads(told)

    assert code == 0
    assert words.startswith("Linked without asking: ")
    assert "'ada.lovelace@corp.example' on both sides" in words
    assert answer["decision"] == "auto"
    assert answer["match"]["ref_id"] == answer["candidates"][0]["ref_id"]
    assert {"rule", "points", "words"} <= answer["candidates"][0]["contributions"][0].keys()
    assert answer["is_complete"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("app",), "Name an account with --uid", id="nothing"),
        pytest.param(("app", "--attribute", "mail"), "“mail” is no attribute; write NAME=VALUE.", id="no value"),
        pytest.param(("app", "--uid", "u17"), "No account u17 of app is known", id="unknown account"),
        pytest.param(("nowhere", *ADA), "There is no connector nowhere", id="unknown connector"),
    ],
)
def test_what_it_cannot_explain_it_says_in_a_sentence(say: Say, arguments: tuple[str, ...], words: str) -> None:
    code, _, complaint = say(*arguments)

    assert (code, words in " ".join(complaint.split())) == (4, True), complaint
