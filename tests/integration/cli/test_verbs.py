"""Verbs on a real database: what a person reads, what a program reads, and the exit codes."""

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.conftest import ROOT, Database
from tests.factories import a_connector, accounts, an_operation, enqueue, registered_worker
from tests.integration.cli.conftest import Configure, program
from tests.integration.cli.saying import Say, read
from worker.domain.ids import uuid7
from worker.domain.operation import Origin
from worker.store import identities, operations
from worker.store.identities import StoredIdentity
from worker.store.migrate import last_step
from worker.store.operations import Failure, Fence
from worker.store.pool import open_pool
from worker.store.tenant import tenant

PEOPLE = "number,name,mail\n1,Jürgen Weiß,j.weiss@example.org\n2,Ann Other,ann@example.org\n"


@dataclass(frozen=True)
class Organisation:
    """A tenant with a source, a target that nobody answers for, and operations of it."""

    dead: list[UUID]
    pending: UUID


@pytest.fixture
async def organisation(database: Database, tenant_id: UUID, tmp_path: Path, configure: Configure) -> Organisation:
    configure(database_url=database.daemon_dsn)
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    pool = await open_pool(database.daemon_dsn, size=2)
    config = {"path": str(tmp_path / "people.csv"), "key": "number", "naming": "name"}
    await a_connector(pool, tenant_id, name="people", type="csv", config=config, is_source=True, is_target=False)
    target = await a_connector(pool, tenant_id, name="app", config={"nothing": "known"}, has_baseline=True)
    *lanes, last = await accounts(pool, tenant_id, target.id, 4)
    dead = await enqueue(pool, tenant_id, *(an_operation(target.id, lane) for lane in lanes))
    async with registered_worker(pool) as owner, tenant(pool, tenant_id) as conn:
        claimed = await operations.claim(conn, tenant_id, connector_id=target.id, owner=owner, limit=10)
        failures = [
            Failure(Fence(id=op.id, epoch=op.epoch, account_id=op.account_id), 3, "invalid_attributes", "too long")
            for op in claimed
        ]
        await operations.bury(conn, tenant_id, owner, failures)
    [pending] = await enqueue(pool, tenant_id, an_operation(target.id, last))
    async with tenant(pool, tenant_id) as conn:
        person = StoredIdentity(uuid7(), "4711", "Ann Other", {"mail": "ann@example.org"})
        await identities.insert(conn, tenant_id=tenant_id, identities=[person])
    await pool.close()
    return Organisation(dead, pending)


def test_operations_are_listed_filtered_and_told(organisation: Organisation, say: Say) -> None:
    letters = read(say, "ops", "list", "--status", "dead_letter", "--connector", "app")
    code, table, _ = say("ops", "list")
    _, story, _ = say("ops", "show", organisation.dead[0])
    told = read(say, "ops", "show", organisation.dead[0])

    assert {row["id"] for row in letters} == {str(each) for each in organisation.dead}
    assert (code, len(table.splitlines())) == (0, 5)
    assert "attempt 1: dead_letter after 3 ms: invalid_attributes too long" in story
    assert (told["status"], len(told["attempts"])) == ("dead_letter", 1)
    assert "secrets" not in told
    assert "connector name" in story
    assert "connector id" not in story
    assert told["connector_name"] == "app"


def test_conflicts_are_listed_told_and_settled_once(disagreeing: tuple[UUID, UUID], say: Say) -> None:
    older, newer = disagreeing
    [conflict] = read(say, "ops", "conflicts", "list", "--status", "pending", "--operation", newer)
    _, table, _ = say("ops", "conflicts", "list", "--connector", "app", "--type", "concurrent_update")
    _, story, _ = say("ops", "conflicts", "show", conflict["id"])

    assert (conflict["operation_id_a"], conflict["operation_id_b"]) == (str(older), str(newer))
    assert conflict["id"] in table
    assert "title" in story
    settled = f"{conflict['id']} is resolved: superseded.\n"
    assert say("ops", "conflicts", "resolve", conflict["id"], "superseded", "--notes", "newer")[:2] == (0, settled)
    assert read(say, "ops", "show", older)["status"] == "cancelled"
    assert read(say, "ops", "conflicts", "show", conflict["id"])["notes"] == "newer"
    assert say("ops", "conflicts", "resolve", conflict["id"], "applied")[0] == 4
    assert say("ops", "conflicts", "resolve", conflict["id"], "perhaps")[0] == 4


@pytest.fixture
async def disagreeing(organisation: Organisation, database: Database, tenant_id: UUID) -> tuple[UUID, UUID]:
    """Two operations of one account that a person must decide between, the older one first."""
    pool = await open_pool(database.daemon_dsn, size=2)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE connectors SET settings = $1 WHERE name = 'app'", {"conflict_strategy": "manual"})
        target = await conn.fetchval("SELECT id FROM connectors WHERE name = 'app'")
    [lane] = await accounts(pool, tenant_id, target, 1)
    made = [
        (
            await enqueue(
                pool, tenant_id, an_operation(target, lane, payload={"attributes": {"title": title}}, origin=Origin.API)
            )
        )[0]
        for title in ("clerk", "head")
    ]
    await pool.close()
    return made[0], made[1]


def test_dead_letters_are_retried_redriven_and_resolved(organisation: Organisation, say: Say) -> None:
    first, second, third = organisation.dead

    assert say("ops", "retry", first)[:2] == (0, f"{first} will be tried again\n")
    assert say("ops", "redrive", second)[1].startswith(f"{second} was sent again as ")
    assert say("ops", "resolve", third, "--notes", "done by hand")[:2] == (0, f"{third} is resolved\n")
    assert say("ops", "cancel", organisation.pending)[:2] == (0, f"{organisation.pending} is cancelled\n")
    assert read(say, "ops", "list", "--status", "dead_letter") == []


def test_what_cannot_be_done_is_said_while_the_rest_is_done(organisation: Organisation, say: Say) -> None:
    code, out, err = say("ops", "retry", "nonsense", organisation.dead[0], organisation.dead[0])
    results = read(say, "ops", "retry", uuid4(), code=4)

    assert (code, out) == (4, f"{organisation.dead[0]} will be tried again\n")
    assert (
        err.splitlines()[0]
        == "nonsense: 'nonsense' is not the id of an operation: `provisiond ops list` shows their ids."
    )
    assert len(err.splitlines()) == 2
    assert results[0]["result"] is None


def test_a_run_is_started_paused_cancelled_and_told(organisation: Organisation, say: Say) -> None:
    run_id = read(say, "recon", "run", "app", "--dry-run", "--no-wait")["id"]

    states = [read(say, "recon", verb, run_id)["status"] for verb in ("show", "pause", "cancel")]

    assert states == ["pending", "paused", "cancelled"]
    assert read(say, "recon", "watch", run_id, code=1)["connector"] == "app"
    assert [row["id"] for row in read(say, "recon", "list")] == [run_id]
    assert read(say, "recon", "report", run_id)["discrepancy_summary"]["total"] == 0
    assert "findings" in say("recon", "report", run_id)[1]
    assert read(say, "recon", "approvals") == []


def test_a_paused_run_goes_on(organisation: Organisation, say: Say) -> None:
    run_id = read(say, "recon", "run", "app", "--no-wait")["id"]
    say("recon", "pause", run_id)

    assert read(say, "recon", "resume", run_id)["status"] == "running"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(
            "recon run nowhere", "There is no connector nowhere; see `provisiond connectors list`.", id="name"
        ),
        pytest.param("recon run people", "people is no target: `provisiond identities import people`.", id="source"),
        pytest.param("recon run app --user nobody", "There is no identity nobody.", id="person of a run"),
        pytest.param("recon run app --mode delta --uid u", "A run over single accounts has no mode", id="mode of one"),
        pytest.param("identities import app", "app is no source of identities.", id="target"),
        pytest.param("recon show 12", "'12' is not the id of a run: ", id="no id"),
        pytest.param(
            f"recon approve {UUID(int=7)} --version 1",
            f"There is no approval and no run {UUID(int=7)}: ",
            id="approval",
        ),
        pytest.param(f"recon approve {UUID(int=7)}", "Say with --version what you approve", id="approval unseen"),
        pytest.param("identities show nobody", "There is no identity nobody.", id="person"),
        pytest.param("ops list --status gone", "gone is not a status; there are pending, in_progress,", id="status"),
        pytest.param("tokens create x --role king", "king is not a role; there are admin, operator,", id="role"),
        pytest.param("connectors list --tenant acme", "There is no tenant acme; there are ", id="tenant"),
    ],
)
def test_what_cannot_be_carried_out_ends_with_four(organisation: Organisation, say: Say, line: str, said: str) -> None:
    code, out, err = say(*line.split())

    assert (code, out) == (4, "")
    assert err.startswith(f"provisiond: {said}")


def test_connectors_are_listed_and_tested(organisation: Organisation, say: Say) -> None:
    assert [(row["name"], row["direction"]) for row in read(say, "connectors", "list")] == [
        ("app", "target"),
        ("people", "source"),
    ]
    assert read(say, "connectors", "test", "people")["success"] is True
    assert read(say, "connectors", "test", "app", code=1)["error"]
    assert say("connectors", "test", "people")[1].startswith("people answers, after ")
    assert say("connectors", "test", "app")[2].startswith("app: ")


def test_a_person_is_shown_and_disabled(organisation: Organisation, say: Say) -> None:
    before = read(say, "identities", "show", "Ann Other")
    code, said, _ = say("identities", "disable", "4711", "--reason", "lost laptop")
    after = read(say, "identities", "show", "4711")

    assert (code, said) == (0, "4711 is disabled; 0 accounts are being switched off.\n")
    assert (before["disabled_at"], before["accounts"]) == (None, [])
    assert after["disabled_at"] is not None
    assert "external id  4711" in say("identities", "show", after["id"])[1]


def test_acts_are_in_the_audit_under_the_name_of_who_is_at_this_machine(organisation: Organisation, say: Say) -> None:
    token = read(say, "tokens", "create", "ci", "--role", "viewer")["token"]
    say("ops", "retry", organisation.dead[0])

    assert token.startswith("pvd_")
    assert read(say, "audit", "verify") == {"entries": 2, "broken_at": None, "reason": None}
    assert say("audit", "verify")[:2] == (0, "2 entries, the chain is whole.\n")


def test_doctor_finds_what_is_not_well(organisation: Organisation, say: Say) -> None:
    found = {each["what"]: each for each in read(say, "doctor", code=1)["findings"]}
    code, told, _ = say("doctor")

    assert {found[what]["grade"] for what in ("settings", "database", "schema", "role", "clock", "queue")} == {"ok"}
    assert found["daemons"]["grade"] == "bad"
    assert found["dead letters"]["said"] == "3 at app."
    assert (found["connector people"]["grade"], found["connector app"]["grade"]) == ("ok", "bad")
    assert found["sandbox"]["grade"] in {"ok", "warn"}
    assert (code, "→ Start one: `provisiond serve`." in told) == (1, True)


def test_doctor_says_when_the_role_may_too_much(
    organisation: Organisation, database: Database, configure: Configure, say: Say
) -> None:
    configure(database_url=database.owner_dsn)

    found = {each["what"]: each for each in read(say, "doctor", code=1)["findings"]}

    assert found["role"]["grade"] == "bad"
    assert "objects of the schema" in found["role"]["said"]


def test_migrate_twice_is_calm_and_needs_the_owner(empty_database: Database, configure: Configure, say: Say) -> None:
    configure(owner_database_url=empty_database.daemon_dsn)
    refused = say("migrate")
    configure(owner_database_url=empty_database.owner_dsn)

    assert refused == (
        3,
        "",
        "provisiond: This role may not change the schema: migrate as the role that owns the database.\n",
    )
    reached = f"The schema is at step {last_step()}; it serves versions from step 2 on.\n"
    assert say("migrate") == say("migrate") == (0, reached, "")


def test_migrate_spreads_nothing_over_a_server_that_stands_alone(
    database: Database, configure: Configure, say: Say
) -> None:
    configure(owner_database_url=database.owner_dsn)

    code, _, complaint = say("migrate", "--distribute")

    assert (code, "has no Citus extension" in complaint) == (3, True)


async def test_an_import_is_followed_to_its_end(organisation: Organisation, say: Say) -> None:
    async with program("serve", "--port", "0") as serve:
        await serve.until("daemon.ready")
        told = await asyncio.to_thread(read, say, "identities", "import", "people")
        person = await asyncio.to_thread(read, say, "identities", "show", "1")

    assert (told["status"], told["items_success"]) == ("completed", 2)
    assert person["attributes"]["mail"] == "j.weiss@example.org"


async def test_help_imports_nothing_heavy() -> None:
    """Help is there at once: no database driver, no web framework, no event loop."""
    code = (
        "import sys; from worker.cli.parser import build_parser; import worker.cli; build_parser().format_help();"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, stdout=subprocess.PIPE)
    out, _ = await process.communicate()

    assert not {"asyncio", "asyncpg", "fastapi", "pydantic", "rich", "sqlalchemy"} & set(out.decode().split())


def test_a_tenant_is_made_before_anything_else(database: Database, configure: Configure, say: Say) -> None:
    configure(database_url=database.daemon_dsn)
    before = {each["what"]: each for each in read(say, "doctor", code=1)["findings"]}
    nobody = say("tokens", "create", "me", "--role", "admin")

    made = read(say, "tenants", "create", "acme")

    assert before["tenants"]["advice"] == "Make one: `provisiond tenants create NAME`."
    assert nobody[0] == 2
    assert "provisiond tenants create" in nobody[2]
    assert read(say, "tenants", "list") == [made]
    assert say("tenants", "create", "acme")[::2] == (4, "provisiond: There is a tenant acme already.\n")
    assert say("tokens", "create", "me", "--role", "admin")[0] == 0


def test_one_tells_what_it_waits_for_and_its_life_in_order(say: Say, organisation: Organisation) -> None:
    _, waiting, _ = say("ops", "show", organisation.pending)
    _, story, _ = say("ops", "show", organisation.dead[0])
    told = read(say, "ops", "show", organisation.pending)

    assert "It waits for its target (baseline)." in waiting
    assert told["waits_for"]["blocker"] == "target"
    assert (told["follows_from"], told["follow_ups"]) == (None, [])
    assert story.index("accepted: update") < story.index("attempt 1: dead_letter") < story.rindex("dead_letter")


def test_what_matches_is_counted_first_and_taken_when_as_many_were_expected(
    say: Say, organisation: Organisation
) -> None:
    which = ("--status", "dead_letter", "--connector", "app", "--error-code", "invalid_attributes", "--since", "1h")

    asked = read(say, "ops", "retry", *which)
    code, _, refused = say("ops", "retry", *which, "--expect", "2")
    done = say("ops", "retry", *which, "--expect", "3")
    nothing = say("ops", "cancel")
    nobody = say("ops", "resolve", "--error-code", "no_such", "--notes", "gone")
    both = say("ops", "cancel", str(UUID(int=0)), "--status", "pending")

    assert asked["would_take"] == 3
    assert (code, "Meanwhile 3 match" in refused) == (4, True)
    assert done[:2] == (0, "3 of 3 done, 0 skipped, 0 failed.\n")
    assert (nothing[0], "Say which" in nothing[2]) == (4, True)
    assert nobody[:2] == (0, "No operation matches that resolve could be done to.\n")
    assert (both[0], "not both" in both[2]) == (4, True)


def test_a_dead_letter_is_sent_again_with_the_payload_of_a_file(
    say: Say, organisation: Organisation, tmp_path: Path
) -> None:
    (tmp_path / "payload.json").write_text('{"attributes": {"title": "shorter"}}', encoding="utf-8")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")

    [sent] = read(say, "ops", "redrive", organisation.dead[0], "--payload", tmp_path / "payload.json")
    broken = say("ops", "redrive", organisation.dead[1], "--payload", tmp_path / "broken.json")

    assert read(say, "ops", "show", sent["redriven_as"])["payload"] == {"attributes": {"title": "shorter"}}
    assert (broken[0], "not JSON" in broken[2]) == (4, True)


def test_tail_tells_what_was_accepted_and_became_of_it_once_each(say: Say, organisation: Organisation) -> None:
    say("ops", "cancel", organisation.pending)

    code, out, _ = say("ops", "tail", "--since", "1h", "--for", "0", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    _, lines, _ = say("ops", "tail", "--since", "1h", "--for", "0", "--status", "dead_letter")
    _, none, _ = say("ops", "tail", "--for", "0", "--connector", "people")

    assert code == 0
    assert sorted((event["event"], event["id"]) for event in events) == sorted(
        [("cancelled", str(organisation.pending)), *(("dead_letter", str(id_)) for id_ in organisation.dead)]
    )
    assert len(lines.splitlines()) == 3
    assert "app" in lines
    assert none == ""
