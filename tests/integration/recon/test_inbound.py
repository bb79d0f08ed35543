"""A file of people and two tables that they have accounts in: what is edited where, and who has it afterwards."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
import structlog

from tests.factories import VAULT, a_connector, registered_worker
from tests.waiting import eventually
from worker.api.schemas.identities import detail_of
from worker.connectors import Targets
from worker.correlation import CorrelationService
from worker.domain.connector import Connector
from worker.domain.discrepancy import RepairAction, RepairDirection
from worker.domain.errors import HookError
from worker.domain.hook import ExpressionResult, HookClass
from worker.domain.mapping import Direction, MappingRule
from worker.domain.run import PauseReason, Run, RunKind, RunMode, RunStatus, RunTrigger
from worker.execution import Executor, Journal, Matching, Names, Scripting, Secrets, WorkLoader
from worker.hooks import HookExecutor
from worker.intake import Importer
from worker.mapping import Evaluator, MappingEngine
from worker.planning import Acceptance, Planner, judging
from worker.queue import Dispatcher, Finisher, OperationQueue
from worker.recon import ReconciliationEngine, Remediation, Wish, report, steps
from worker.service.desk import people
from worker.store import identity_sources, listings_people, mappings, principals, runs
from worker.store.pool import Pool
from worker.store.tenant import tenant

COLUMNS = ("login", "room", "phone")
BOTH, INBOUND = Direction.BOTH, Direction.INBOUND
RULES = (MappingRule("login", source="user_name", required=True), MappingRule("room", source="room", direction=BOTH))
PHONE = MappingRule("phone", source="extension", direction=INBOUND, transforms=("trim",))
POLICY = {"mismatch": "update", "missing": "create"}


@dataclass
class Lease:
    owner: UUID

    def is_held(self) -> bool:
        return True


@dataclass
class Company:
    """A source ``hr``, the targets ``app`` and ``crm``, and everything that works on them."""

    pool: Pool
    tenant_id: UUID
    folder: Path
    tables: asyncpg.Connection
    targets: Targets
    lease: Lease
    hr: Connector
    app: Connector
    crm: Connector
    evaluator: Evaluator | None = None

    async def rules(self, connector: Connector, *rules: MappingRule) -> None:
        async with tenant(self.pool, self.tenant_id) as conn:
            where = {"tenant_id": self.tenant_id, "connector_id": connector.id, "object_class": "user"}
            version = await mappings.insert(conn, **where, rules=rules)
            await mappings.activate(conn, **where, version=version)

    async def ranks(self, connector: Connector, **settings: Any) -> None:
        await self.rows(
            "UPDATE connectors SET settings = settings || $2, version = version + 1 WHERE id = $1 RETURNING id",
            connector.id,
            settings,
        )
        self.targets.look_again()

    async def imports(self, *rooms: str) -> None:
        """The file says these rooms of p0, p1, …; nothing is no word."""
        rows = [f"p{at},p{at},{room}" for at, room in enumerate(rooms)]
        (self.folder / "hr.csv").write_text("\n".join(["number,user_name,room", *rows]) + "\n")
        await self._run(self.hr, RunKind.IMPORT)
        await self.settles()

    async def reconciles(self, *connectors: Connector, **fields: Any) -> list[Run]:
        """A run of each, and all that follows from it."""
        ended = []
        for connector in connectors or (self.app, self.crm):
            ended.append(await self._run(connector, RunKind.RECONCILIATION, **fields))
            await self.settles()
        return ended

    async def _run(self, connector: Connector, kind: RunKind, **fields: Any) -> Run:
        where = {"tenant_id": self.tenant_id, "connector_id": connector.id}
        fields = {"mode": RunMode.FULL, "trigger": RunTrigger.MANUAL, **fields}
        async with tenant(self.pool, self.tenant_id) as conn:
            run = await runs.create(conn, kind=kind, **where, **fields)
        return await self.takes_up(run)

    async def takes_up(self, run: Run) -> Run:
        """Claim a run and process it as far as it gets."""
        async with tenant(self.pool, self.tenant_id) as conn:
            claimed = await runs.claim(conn, tenant_id=self.tenant_id, run_id=run.id, owner=self.lease.owner)
        assert claimed is not None
        if run.kind is RunKind.IMPORT:
            await Importer(self.pool, sources=self.targets).process(claimed)
        else:
            acceptance = Acceptance(OperationQueue())
            engine = ReconciliationEngine(self.pool, self.targets, acceptance, evaluator=self.evaluator)
            await engine.process(claimed)
        async with tenant(self.pool, self.tenant_id) as conn:
            ended = await runs.get(conn, tenant_id=self.tenant_id, run_id=run.id)
        assert ended is not None
        return ended

    async def settles(self) -> None:
        """Plan everybody who asks, and carry out what is to be done."""
        acceptance = Acceptance(OperationQueue())
        planner = Planner(self.pool, mapper=MappingEngine(), acceptance=acceptance, vault=VAULT)
        await planner.run_once(self.tenant_id, self.tenant_id)
        finisher = Finisher(self.pool, self.lease, rng=Random(1))
        secrets = Secrets(self.pool, VAULT, MappingEngine())
        scripting = Scripting(
            cast("HookExecutor", None),
            names=Names(self.pool),
            journal=Journal(self.pool),
            secrets=secrets,
            key=bytes(32),
        )
        matching = Matching(self.pool, CorrelationService())
        loader = WorkLoader(self.pool, self.targets)
        executor = Executor(self.targets, loader, scripting, matching, secrets=secrets, attempt_s=45.0)
        dispatcher = Dispatcher(self.pool, lease=self.lease, gate=self.targets, processor=executor, finisher=finisher)
        writing = asyncio.create_task(finisher.run())

        async def is_done() -> bool:
            for connector in (self.app, self.crm):
                await dispatcher.run_once(self.tenant_id, connector.id)
            return not await self.rows("SELECT 1 FROM operations")

        try:
            await eventually(is_done, timeout=30, what="every operation carried out")
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def judged(self, *, dies: bool = False) -> list[str]:
        """Have some people judged anew, in a process that may die before it has written them; everybody's rooms."""
        with pytest.MonkeyPatch.context() as patched:
            if dies:
                patched.setattr(identity_sources, "judged", _dies)
            with pytest.raises(KeyboardInterrupt) if dies else nullcontext():
                await judging.judge_anew(self.pool, self.tenant_id)
        found = await self.rows("SELECT attributes ->> 'room' AS room FROM identities ORDER BY id")
        return [row["room"] for row in found]

    async def edits(self, table: str, login: str, **values: str | None) -> None:
        """Somebody changes an account where it is."""
        for name, value in values.items():
            await self.tables.execute(f"UPDATE {table} SET {name} = $2 WHERE login = $1", login, value)

    async def rooms(self, login: str = "p0") -> tuple[Any, Any, Any]:
        """What the person has, and what their accounts have."""
        person = (await self.person(login))["attributes"].get("room")
        there = [await self.tables.fetchval(f"SELECT room FROM {t} WHERE login = $1", login) for t in ("app", "crm")]
        return person, *there

    async def person(self, login: str = "p0") -> Any:
        [found] = await self.rows(
            "SELECT id, attributes, authority, version, user_name, active FROM identities WHERE user_name = $1", login
        )
        return found

    async def words(self, login: str = "p0") -> dict[str, dict[str, Any]]:
        """What each says, by the connectors' names."""
        names = {str(each.id): each.name for each in (self.hr, self.app, self.crm)}
        person = await self.person(login)
        async with tenant(self.pool, self.tenant_id) as conn:
            found = await identity_sources.words(conn, self.tenant_id, identity_ids=[person["id"]])
        return {
            attribute: {names[source]: value for source, value in by.items()}
            for attribute, by in found.get(person["id"], {}).items()
        }

    async def rows(self, query: str, *values: Any) -> list[Any]:
        async with tenant(self.pool, self.tenant_id) as conn:
            return list(await conn.fetch(query, *values))


async def _dies(*_args: Any, **_fields: Any) -> None:
    raise KeyboardInterrupt


@pytest.fixture
async def company(pool: Pool, tenant_id: UUID, empty_database: Any, tmp_path: Path) -> AsyncIterator[Company]:
    url = urlsplit(empty_database.owner_dsn)
    tables = await asyncpg.connect(empty_database.owner_dsn)
    settings = {"require_baseline": False}
    made = []
    for name in ("app", "crm"):
        await tables.execute(
            f"CREATE TABLE {name} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, login text NOT NULL UNIQUE, "
            "room text, phone text, enabled boolean NOT NULL DEFAULT true)"
        )
        config = {
            "url": url._replace(netloc=f"{url.username}@{url.hostname}:{url.port}").geturl(),
            "table": name,
            "key": "id",
            "naming": "login",
            "columns": {column: column for column in COLUMNS},
            "active_column": "enabled",
        }
        made.append(await a_connector(pool, tenant_id, name=name, config=config, policy=POLICY, settings=settings))
    app, crm = made
    path = str(tmp_path / "hr.csv")
    config = {"path": path, "key": "number"}
    hr = await a_connector(pool, tenant_id, name="hr", type="csv", config=config, is_target=False, is_source=True)
    async with tenant(pool, tenant_id) as conn:
        for each in (app, crm):
            where = {"tenant_id": tenant_id, "connector_id": each.id}
            sealed = VAULT.seal_credentials({"password": url.password or ""}, **where)
            await conn.execute("UPDATE connectors SET credentials = $1 WHERE id = $2", sealed, each.id)
    targets = Targets(pool, VAULT)
    async with registered_worker(pool) as owner:
        found = Company(pool, tenant_id, tmp_path, tables, targets, Lease(owner), hr, app, crm)
        for each in (app, crm):
            await found.rules(each, *RULES)
        yield found
    await targets.aclose()
    await tables.close()


async def test_what_a_target_alone_knows_comes_back_and_its_winner_is_recorded(company: Company) -> None:
    await company.rules(company.crm, *RULES, PHONE)
    await company.imports("A", "B")
    await company.edits("crm", "p0", phone="  42 ")

    [run] = await company.reconciles(company.crm)

    person = await company.person()
    assert person["attributes"]["extension"] == "42"
    assert person["authority"]["extension"] == str(company.crm.id)
    [word] = await company.rows("SELECT source, value, run_id FROM identity_sources WHERE attribute = 'extension'")
    assert (word["source"], word["value"], word["run_id"]) == (str(company.crm.id), "42", run.id)
    assert "extension" not in (await company.person("p1"))["attributes"]
    assert run.statistics["people_changed"] == 1
    assert run.discrepancies_found == 0


async def test_by_default_the_source_is_believed_and_the_account_repaired(company: Company) -> None:
    await company.imports("A")
    await company.reconciles()
    await company.edits("app", "p0", room="X")

    first, _ = await company.reconciles()
    again = await company.reconciles()

    assert first.discrepancies_by_type == {"mismatch": 1}
    assert await company.rooms() == ("A", "A", "A")
    assert await company.words() == {"room": {"hr": "A"}}
    assert [run.discrepancies_found for run in again] == [0, 0]


async def test_a_target_that_is_believed_changes_the_person_and_the_other_target(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.imports("A")
    await company.reconciles()
    await company.edits("crm", "p0", room="X")

    [run] = await company.reconciles(company.crm)

    assert await company.rooms() == ("X", "X", "X")
    assert run.discrepancies_found == 0
    assert await company.words() == {"room": {"hr": "A", "crm": "X"}}


async def test_changed_precedence_counts_without_a_new_word(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.imports("A", "B")
    await company.edits("crm", "p0", room="X")
    await company.reconciles()
    before = await company.rooms()
    version = (await company.person("p1"))["version"]

    await company.ranks(company.crm, precedence=300)
    await company.settles()

    assert before == ("X", "X", "X")
    assert await company.rooms() == ("A", "A", "A")
    assert (await company.person())["authority"]["room"] == str(company.hr.id)
    assert (await company.person("p1"))["version"] == version


async def test_run_that_finds_nothing_new_has_people_judged_by_a_changed_precedence(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.imports("A")
    await company.edits("crm", "p0", room="X")
    await company.reconciles()
    await company.rows("DELETE FROM due_work RETURNING 1")

    await company.ranks(company.crm, precedence=300)
    await company._run(company.app, RunKind.RECONCILIATION)
    due = await company.rows("SELECT kind FROM due_work WHERE kind = 'plan'")
    await company.settles()

    assert len(due) == 1
    assert (await company.rooms())[0] == "A"


async def test_judging_by_a_changed_precedence_goes_on_where_it_was_killed(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page at a time, each in a transaction of its own, while planning stays due."""
    monkeypatch.setattr(judging, "PAGE", 1)
    monkeypatch.setattr(judging, "PAGES", 1)
    await company.ranks(company.crm, precedence=50)
    await company.imports("A", "B", "C")
    for login in ("p0", "p1", "p2"):
        await company.edits("crm", login, room="X")
    await company.reconciles(company.crm)
    await company.ranks(company.crm, precedence=300)

    rooms = [await company.judged(dies=dies) for dies in (False, True, False, False, False)]

    assert rooms == [["A", "X", "X"], ["A", "X", "X"], ["A", "B", "X"], ["A", "B", "C"], ["A", "B", "C"]]
    assert await company.rows("SELECT 1 FROM precedence_in_force WHERE next_numbers IS NOT NULL") == []


async def test_what_a_person_took_over_stays_when_the_precedence_changes(company: Company) -> None:
    await company.rows("UPDATE connectors SET policy = '{}' WHERE id = $1 RETURNING id", company.crm.id)
    await company.imports("A")
    await company.edits("crm", "p0", room="X")
    await company.reconciles(company.crm)
    person = await company.person()
    chosen = {**person["authority"], "room": str(company.crm.id)}
    await company.rows(
        'UPDATE identities SET attributes = attributes || \'{"room": "X"}\', authority = $2 WHERE id = $1 RETURNING id',
        person["id"],
        chosen,
    )

    await company.ranks(company.crm, precedence=150)
    await company.settles()

    assert (await company.rooms())[0] == "X"


async def test_leave_to_flow_back_is_made_use_of_for_everybody(company: Company) -> None:
    await company.rules(company.crm, RULES[0], MappingRule("room", source="room", direction=BOTH, transforms=("trim",)))
    await company.ranks(company.crm, precedence=50)
    await company.imports("A")
    await company.edits("crm", "p0", room=" X ")
    await company.reconciles(company.crm)
    before = await company.rooms()

    await company.ranks(company.crm, flow_back=True)
    await company.settles()

    assert before == ("X", "X", " X ")
    assert await company.rooms() == ("X", "X", "X")


async def test_when_its_value_is_gone_the_next_word_takes_over_everywhere(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.imports("A")
    await company.edits("crm", "p0", room="X")
    await company.reconciles(company.crm)
    await company.imports("B")
    before = await company.rooms()

    await company.edits("crm", "p0", room=None)
    await company.reconciles(company.crm)

    assert before == ("X", "X", "X")
    assert await company.rooms() == ("B", "B", "B")
    assert (await company.person())["authority"]["room"] == str(company.hr.id)


async def test_an_account_that_is_gone_has_no_word_any_more(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.imports("A", "A", "A", "A")
    await company.edits("crm", "p0", room="X")
    await company.reconciles(company.crm)

    await company.tables.execute("DELETE FROM crm WHERE login = 'p0'")
    await company.reconciles(company.crm)

    assert (await company.rooms())[:2] == ("A", "A")


async def test_a_listing_that_cannot_be_believed_takes_nothing_away(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.imports(*"AAAA")
    await company.edits("crm", "p0", room="X")
    await company.reconciles(company.crm)

    await company.tables.execute("DELETE FROM crm")
    [run] = await company.reconciles(company.crm)

    assert run.status is RunStatus.PAUSED
    assert (await company.rooms())[:2] == ("X", "X")


async def test_of_two_targets_that_disagree_the_one_made_first_is_believed(company: Company) -> None:
    await company.imports("")
    await company.edits("app", "p0", room="X")
    await company.edits("crm", "p0", room="Y")

    await company.reconciles()
    await company.reconciles()

    assert await company.rooms() == ("X", "X", "X")
    assert await company.words() == {"room": {"app": "X"}}


async def test_a_run_over_changes_hears_as_well(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.imports("A")
    await company.reconciles()
    await company.edits("crm", "p0", room="X")
    person = await company.person()

    await company.reconciles(company.crm, mode=RunMode.DELTA, statistics={"only": {"identities": [str(person["id"])]}})

    assert await company.rooms() == ("X", "X", "X")


async def test_a_dry_run_changes_nobody_and_leaves_the_next_run_its_work(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.imports("A")
    await company.reconciles()
    await company.edits("crm", "p0", room="X")

    await company.reconciles(company.crm, dry_run=True)
    between = await company.rooms()
    await company.reconciles(company.crm)

    assert between == ("A", "A", "X")
    assert await company.rooms() == ("X", "X", "X")


async def test_what_came_from_a_target_does_not_flow_back_to_it(company: Company) -> None:
    """Its own way to write the value stays: what the person has of it would be written otherwise."""
    rule = MappingRule("room", source="room", direction=BOTH, transforms=("upper",))
    await company.rules(company.crm, RULES[0], rule)
    await company.ranks(company.crm, precedence=50)
    await company.imports("A")
    await company.reconciles()
    await company.edits("crm", "p0", room="x")

    await company.reconciles()
    await company.imports("B")
    again = await company.reconciles()

    assert await company.rooms() == ("X", "X", "x")
    assert [run.discrepancies_found for run in again] == [0, 0]


async def test_where_a_person_allowed_it_the_value_flows_back(company: Company) -> None:
    rule = MappingRule("room", source="room", direction=BOTH, transforms=("upper",))
    await company.rules(company.crm, RULES[0], rule)
    await company.ranks(company.crm, precedence=50, flow_back=True)
    await company.imports("A")
    await company.reconciles()
    await company.edits("crm", "p0", room="x")

    await company.reconciles()
    again = await company.reconciles()

    assert await company.rooms() == ("X", "X", "X")
    assert [run.discrepancies_found for run in again] == [0, 0]


@pytest.mark.parametrize("attribute", ["user_name", "external_id", "active"])
async def test_what_tells_people_apart_never_comes_from_an_account(company: Company, attribute: str) -> None:
    await company.rules(company.crm, *RULES, MappingRule("phone", source=attribute, direction=INBOUND))
    await company.ranks(company.crm, precedence=1)
    await company.imports("A")
    before = await company.person()
    await company.edits("crm", "p0", phone="false")

    await company.reconciles()

    assert await company.person() == before
    assert await company.words() == {}


async def test_without_anything_new_a_run_writes_nothing(company: Company) -> None:
    await company.rules(company.crm, *RULES, PHONE)
    await company.ranks(company.crm, precedence=50)
    await company.imports("A", "B")
    await company.edits("crm", "p0", room="X", phone="42")
    await company.reconciles()
    await company.reconciles()
    query = """SELECT id, xmin::text, ctid::text FROM accounts UNION ALL SELECT id, xmin::text, ctid::text
        FROM identities UNION ALL SELECT identity_id, xmin::text, ctid::text FROM identity_sources ORDER BY 1, 3"""
    before = await company.rows(query)

    await company.reconciles()

    assert await company.rows(query) == before


async def test_a_rule_that_is_taken_away_lets_the_source_have_its_say_again(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.imports("A")
    await company.edits("crm", "p0", room="X")
    await company.reconciles(company.crm)
    await company.rules(company.crm, *RULES[:1], MappingRule("room", source="room"))

    await company.imports("B")

    assert await company.rooms() == ("B", "B", "B")


async def test_who_says_what_is_told_with_who_is_believed(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.imports("A")
    await company.edits("crm", "p0", room="X")
    [run] = await company.reconciles(company.crm)
    person = await company.person()

    async with tenant(company.pool, company.tenant_id) as conn:
        row = await listings_people.get(conn, company.tenant_id, identity_id=person["id"])
        words = await identity_sources.of_identity(conn, company.tenant_id, identity_id=person["id"])
        page = await people.detail(conn, company.tenant_id, identity_id=person["id"])

    assert row is not None
    told = {each.connector_name: each for each in detail_of(row, words).sources}
    assert {name: (each.value, each.is_believed) for name, each in told.items()} == {
        "crm": ("X", True),
        "hr": ("A", False),
    }
    assert told["crm"].run_id == run.id
    assert page is not None
    assert [(word.source, word.value) for word in page.words["room"]] == [("crm", "X"), ("hr", "A")]


@pytest.fixture
async def box(company: Company) -> AsyncIterator[Company]:
    """The company, with a sandbox for expressions."""
    async with HookExecutor(workers=1, log=structlog.get_logger()) as hooks:
        company.evaluator = hooks
        yield company


def computed(expression: str, *, target: str = "phone") -> MappingRule:
    return MappingRule(target, source="extension", direction=INBOUND, expression=expression, transforms=("trim",))


async def test_what_an_expression_makes_of_an_account_comes_back(box: Company) -> None:
    await box.rules(box.crm, *RULES, computed("account['room'] + '/' + (account.get('phone') or '-') + ' '"))
    await box.imports("A", "B")
    await box.edits("crm", "p0", phone="42")

    await box.reconciles(box.crm)
    [again] = await box.reconciles(box.crm)

    assert (await box.person())["attributes"]["extension"] == "A/42"
    assert (await box.person("p1"))["attributes"]["extension"] == "B/-"
    assert (await box.person())["authority"]["extension"] == str(box.crm.id)
    assert "people_changed" not in again.statistics

    await box.edits("crm", "p0", phone="43")
    await box.reconciles(box.crm)

    assert (await box.person())["attributes"]["extension"] == "A/43"


async def test_expression_that_fails_for_one_stops_nobody_and_clears_nothing(box: Company) -> None:
    await box.rules(box.crm, *RULES, computed("str(100 // int(account['phone']))"))
    await box.imports("A", "B")
    await box.edits("crm", "p0", phone="4")
    await box.edits("crm", "p1", phone="5")
    await box.reconciles(box.crm)
    await box.edits("crm", "p0", phone="0")
    await box.edits("crm", "p1", phone="10")

    first, second = [*await box.reconciles(box.crm), *await box.reconciles(box.crm)]

    assert first.status is RunStatus.COMPLETED
    assert (await box.person("p0"))["attributes"]["extension"] == "25"
    assert (await box.person("p1"))["attributes"]["extension"] == "10"
    assert [run.statistics["values_unread"] for run in (first, second)] == [1, 1]
    async with tenant(box.pool, box.tenant_id) as conn:
        notes = (await report(conn, second))["notes"]
    assert notes[0] == "1 values of accounts could not be read for their people, who keep what they have."
    number = await box.tables.fetchval("SELECT id FROM crm WHERE login = 'p0'")
    assert notes[1].startswith(f"extension from account {number}: the expression failed:")
    assert second.discrepancies_found == 0


async def test_without_a_sandbox_expressions_wait_and_other_rules_are_heard(company: Company) -> None:
    await company.ranks(company.crm, precedence=50)
    await company.rules(company.crm, *RULES, computed("account['phone']"))
    await company.imports("A")
    await company.edits("crm", "p0", phone="4", room="X")

    await company.reconciles(company.crm)
    before = (await company.person())["attributes"]
    async with HookExecutor(workers=1, log=structlog.get_logger()) as hooks:
        company.evaluator = hooks
        await company.reconciles(company.crm)

    after = (await company.person())["attributes"]
    assert (before["room"], before.get("extension")) == ("X", None)
    assert (after["room"], after["extension"]) == ("X", "4")


class Crowded:
    """A sandbox that has no room the first times it is asked."""

    def __init__(self, inner: Evaluator, *, times: int) -> None:
        self._inner = inner
        self.left = times

    async def evaluate(
        self, expressions: Mapping[str, str], contexts: Sequence[dict[str, Any]]
    ) -> list[dict[str, ExpressionResult]]:
        if self.left == 0:
            return await self._inner.evaluate(expressions, contexts)
        self.left -= 1
        busy = ExpressionResult(error=HookError("no room", hook_class=HookClass.BUSY, retryable=True))
        return [dict.fromkeys(expressions, busy) for _ in contexts]


@pytest.fixture
async def crowded(box: Company, monkeypatch: pytest.MonkeyPatch) -> Crowded:
    """A sandbox without room for a moment, and a changed account to hear; waits are short."""
    monkeypatch.setattr(steps, "FIRST_WAIT", timedelta(milliseconds=1))
    monkeypatch.setattr(steps, "TRIES_FOR_ROOM", 3)
    assert box.evaluator is not None
    await box.rules(box.crm, *RULES, computed("account['phone']"))
    await box.imports("A")
    await box.edits("crm", "p0", phone="4")
    crowded = Crowded(box.evaluator, times=2)
    box.evaluator = crowded
    return crowded


async def test_sandbox_without_room_is_waited_for(box: Company, crowded: Crowded) -> None:
    [run] = await box.reconciles(box.crm)

    assert run.status is RunStatus.COMPLETED
    assert crowded.left == 0
    assert "values_unread" not in run.statistics
    assert (await box.person())["attributes"]["extension"] == "4"


async def test_sandbox_without_room_for_long_has_the_run_put_down_and_taken_up(box: Company, crowded: Crowded) -> None:
    """It is the system's fault: no value counts as bad, and nothing is lost."""
    crowded.left = 3

    [run] = await box.reconciles(box.crm)
    before = (await box.person())["attributes"]
    again = await box.takes_up(run)

    assert (run.status, run.pause_reason) == (RunStatus.PAUSED, PauseReason.SHUTDOWN)
    assert "extension" not in before
    assert again.status is RunStatus.COMPLETED
    assert "values_unread" not in again.statistics
    assert (await box.person())["attributes"]["extension"] == "4"


async def test_expression_is_not_told_secrets(box: Company) -> None:
    """Whatever a mapping marks as secret at the target is a mark to its expressions."""
    await box.rules(
        box.crm, RULES[0], MappingRule("room", source="room", secret=True), computed("str(account['room'])")
    )
    await box.imports("canary")
    await box.edits("crm", "p0", room="canary", phone="1")

    await box.reconciles(box.crm)

    assert (await box.person())["attributes"]["extension"] == '{"secret": True}'
    assert "canary" not in str(await box.words())


async def test_value_that_somebody_takes_over_is_the_word_of_its_target(company: Company) -> None:
    """It counts whatever the numbers say, until a source says something new."""
    await company.rows("UPDATE connectors SET policy = '{}' WHERE id = $1 RETURNING id", company.crm.id)
    company.targets.look_again()
    await company.imports("A")
    await company.edits("crm", "p0", room="X")
    await company.reconciles(company.crm)
    [found] = await company.rows("SELECT id FROM discrepancies WHERE resolution_status = 'pending'")

    where = {"tenant_id": company.tenant_id, "connector_id": company.crm.id}
    wish = Wish(found["id"], RepairAction.UPDATE, RepairDirection.TO_IDENTITY)
    async with tenant(company.pool, company.tenant_id) as conn:
        by = await principals.ensure(conn, company.tenant_id, kind="user", name="Ada")
        await Remediation(Acceptance(OperationQueue())).remediate(conn, wishes=[wish], by=by, **where)
    await company.settles()

    assert await company.rooms() == ("X", "X", "X")
    assert (await company.person())["authority"]["room"] == str(company.crm.id)
    assert (await company.words())["room"] == {"hr": "A", "crm": "X"}

    await company.reconciles()
    await company.imports("A")
    assert await company.rooms() == ("X", "X", "X")

    await company.imports("B")
    assert (await company.rooms())[:2] == ("B", "B")
