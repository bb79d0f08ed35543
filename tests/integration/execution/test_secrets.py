"""Secrets of a try: opened for the call alone, noted by their fingerprints, and in no record."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.factories import VAULT, an_operation, enqueue
from tests.integration.execution.conftest import LOSES_ANSWER, RULES, Site
from worker.domain import sealing
from worker.domain.hook import HookPhase
from worker.domain.mapping import MappingRule
from worker.domain.operation import OperationType, Origin
from worker.domain.outcome import DeadLettered, Succeeded
from worker.domain.redaction import MARK
from worker.hooks import HookExecutor
from worker.security import Vault, new_key, parse_key, seal_values
from worker.store import mappings
from worker.store.tenant import tenant

SECRET = "blue heron"
PASSWORD = MappingRule("password", source="seed", transforms=("upper",), secret=True)


async def maps(site: Site, *rules: MappingRule) -> None:
    """Another version of the mapping, with these besides."""
    where: dict[str, Any] = {
        "tenant_id": site.tenant_id,
        "connector_id": site.connector.id,
        "object_class": "user",
    }
    async with tenant(site.pool, site.tenant_id) as conn:
        version = await mappings.insert(conn, **where, rules=(*RULES, *rules))
        await mappings.activate(conn, **where, version=version)


async def asks(site: Site, kind: str, account_id: UUID, owner: UUID, *, vault: Vault = VAULT, **fields: Any) -> UUID:
    """Enqueue an operation with a sealed password."""
    sealed = seal_values({"password": SECRET}, vault=vault, tenant_id=site.tenant_id, account_id=account_id)
    payload = sealing.with_sealed({"attributes": fields.pop("attributes", {})}, sealed)
    op = an_operation(site.connector.id, account_id, operation_type=kind, payload=payload, user_id=owner, **fields)
    [operation_id] = await enqueue(site.pool, site.tenant_id, op)
    return operation_id


async def hires(site: Site, *, origin: Origin = Origin.EVENT) -> tuple[UUID, UUID]:
    owner = await site.person("Ada", "Moss", seed="heron")
    wanted = {"login": "ada.moss", "mail": "ada.moss@example.org", "given": "Ada", "family": "Moss"}
    account_id = await site.account(owner, wanted=wanted, wanted_active=True)
    return account_id, await asks(site, "create", account_id, owner, attributes=wanted, origin=origin)


def held(site: Site) -> list[str | None]:
    return [each.attributes.get("password") for each in site.target.accounts.values()]


async def test_a_new_account_is_made_with_its_secret(site: Site) -> None:
    await maps(site, PASSWORD)
    account_id, operation_id = await hires(site)

    ended = await site.run()

    assert held(site) == [SECRET]
    outcome = ended[operation_id].outcome
    assert isinstance(outcome, Succeeded)
    assert outcome.sent is not None
    assert outcome.sent["attributes"]["password"] == MARK
    row = await site.row("SELECT a::text AS text, secret_marks FROM accounts a WHERE id = $1", account_id)
    assert SECRET not in row["text"]
    assert list(row["secret_marks"]) == ["password"]


async def test_history_names_the_secret_and_does_not_hold_it(site: Site) -> None:
    await maps(site, PASSWORD)
    await hires(site)
    await site.run()

    row = await site.row("SELECT payload FROM operations_archive")

    assert row["payload"]["secrets"] == ["password"]
    assert "sealed" not in row["payload"]


async def test_an_update_of_a_secret_alone_is_sent(site: Site) -> None:
    await maps(site, PASSWORD)
    owner, account_id, _ = await site.has()
    await asks(site, "update", account_id, owner, origin=Origin.EVENT)

    await site.run()

    assert held(site) == [SECRET]
    assert site.target.calls[-1] == ("update", {"password": SECRET})


async def test_a_lost_answer_to_a_secret_is_asked_again(site: Site) -> None:
    """Nobody can read a password back: it may not have arrived, so it is sent again."""
    await maps(site, PASSWORD)
    owner, account_id, _ = await site.has()
    await asks(site, "update", account_id, owner, origin=Origin.EVENT)
    site.target.next("update", LOSES_ANSWER)

    await site.run()
    await site.again()

    assert site.target.count("update") == 2
    assert held(site) == [SECRET]


async def test_what_a_person_sends_once_is_not_noted_as_what_the_mapping_gave(site: Site) -> None:
    await maps(site, PASSWORD)
    owner, account_id, _ = await site.has()
    await asks(site, "update", account_id, owner, origin=Origin.API)

    await site.run()

    assert held(site) == [SECRET]
    assert (await site.row("SELECT secret_marks FROM accounts"))["secret_marks"] is None


async def test_an_account_made_anew_gets_what_the_mapping_gives_to_new_ones(site: Site) -> None:
    """Its object is gone, and the operation changes another attribute alone."""
    await maps(site, PASSWORD)
    owner = await site.person("Ada", "Moss", seed="heron")
    shown = {"login": "ada.moss", "mail": "ada.moss@example.org", "given": "Ada", "family": "Moss"}
    account_id = await site.account(owner, uid="gone", wanted=shown, wanted_active=True, observed=shown)
    await site.asks("update", account_id, owner, given="Adah")

    await site.run()

    assert held(site) == ["HERON"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(PASSWORD, SECRET, id="kept up to date"),
        pytest.param(MappingRule("password", source="seed", on=("create",), secret=True), None, id="for new ones"),
    ],
)
async def test_an_account_that_was_there_keeps_its_secret_where_only_new_ones_get_one(
    site: Site, rule: MappingRule, expected: str | None
) -> None:
    await maps(site, rule)
    site.target.put({"login": "ada.moss", "mail": "ada.moss@example.org", "given": "Ada", "family": "Moss"})
    await site.unowned(login="ada.moss", mail="ada.moss@example.org", given="Ada", family="Moss")
    site.target.accounts.pop(next(iter(site.target.accounts)))
    await hires(site)

    await site.run()

    assert held(site) == [expected]
    assert site.target.count("create") == 0


async def test_a_value_sealed_with_a_key_that_is_gone_ends_where_people_look(site: Site) -> None:
    await maps(site, PASSWORD)
    owner, account_id, _ = await site.has()
    other = Vault([parse_key(new_key())])
    operation_id = await asks(site, "update", account_id, owner, vault=other, origin=Origin.EVENT)

    ended = await site.run()

    outcome = ended[operation_id].outcome
    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == "secret_unreadable"
    assert "password" in outcome.message
    assert site.target.count("update") == 0


async def test_a_dead_letter_keeps_its_secret_and_is_never_sent_without_it(site: Site) -> None:
    """A process of the version before sends a dead letter again and leaves behind what is sealed."""
    await maps(site, PASSWORD)
    owner, account_id, _ = await site.has()
    payload = {"attributes": {"given": "Adah"}, "secrets": ["password"]}
    op = an_operation(site.connector.id, account_id, operation_type="update", payload=payload, user_id=owner)
    await enqueue(site.pool, site.tenant_id, op)

    [ended] = (await site.run()).values()

    assert isinstance(ended.outcome, DeadLettered)
    assert ended.outcome.error_code == "secret_unreadable"
    assert site.target.count("update") == 0


async def test_a_secret_that_a_hook_sets_is_sent_once_and_in_no_record(site: Site, scripts: HookExecutor) -> None:
    site.make(scripts)
    await site.binds(
        'def before_update(ctx):\n    return {"set": {"password": "blue " + "heron"}}\n',
        phase=HookPhase.BEFORE,
        operation_types=frozenset({OperationType.UPDATE}),
    )
    owner, account_id, _ = await site.has()
    for given in ("Adah", "Adi"):
        await site.asks("update", account_id, owner, given=given)
        await site.run()

    sent = [attributes for kind, attributes in site.target.calls if kind == "update"]
    assert sent == [{"given": "Adah", "password": SECRET}, {"given": "Adi"}]
    written = await site.rows("SELECT a::text AS text FROM accounts a UNION ALL SELECT t::text FROM attempts t")
    assert SECRET not in json.dumps([row["text"] for row in written])


@pytest.mark.parametrize(
    ("permissions", "told"),
    [pytest.param((), '{"secret": True}', id="usual"), pytest.param(("secrets",), SECRET, id="permitted")],
)
async def test_a_hook_is_told_a_sealed_value_only_with_the_permission(
    site: Site, scripts: HookExecutor, permissions: tuple[str, ...], told: str
) -> None:
    site.make(scripts)
    await maps(site, PASSWORD)
    source = 'def before_create(ctx):\n    return {"set": {"department": str(ctx["attributes"]["password"])}}\n'
    await site.binds(source, permissions=permissions)
    await hires(site)

    await site.run()

    [made] = site.target.accounts.values()
    assert (made.attributes["password"], made.attributes["department"]) == (SECRET, told)
