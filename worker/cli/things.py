"""``provisiond connectors``, ``identities``, ``tokens`` and ``audit``."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from worker.actions import connectors as connector_acts
from worker.actions import identities as identity_acts
from worker.actions import runs as run_acts
from worker.actions import tokens as token_acts
from worker.cli.arguments import words_of
from worker.cli.context import Desk, acting
from worker.cli.output import complain, facts, say, say_json, show, table
from worker.cli.reconciliation import follow
from worker.domain.errors import InvalidRequest, NotFound
from worker.domain.redaction import shown
from worker.domain.run import RunMode
from worker.security import Role, verify
from worker.store import connectors as store
from worker.store import identity_sources, listings_people
from worker.store.tenant import tenant

CONNECTOR_COLUMNS = {name: name for name in ("name", "type", "direction", "status", "breaker", "baseline", "id")}
ACCOUNT_COLUMNS = {
    "connector": "connector",
    "state": "state",
    "wanted_active": "wanted active",
    "observed_active": "is active",
    "live": "waiting",
    "last_change_at": "changed",
    "uid": "uid",
}
#: Of a person: what only machines need.
INTERNAL = {"tenant_id", "authority", "user_name_key", "version"}


def connectors(options: argparse.Namespace) -> int:
    """Every connector and how it is."""

    async def act(desk: Desk) -> int:
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            found = await store.everyone(conn, tenant_id=desk.tenant_id)
        rows = [
            {
                "name": each.name,
                "type": each.type,
                "direction": " and ".join(["target"] * each.is_target + ["source"] * each.is_source),
                "status": each.status.value,
                "breaker": each.breaker.value,
                "baseline": each.has_baseline if each.is_target else None,
                "id": each.id,
            }
            for each in found
        ]
        show(rows, CONNECTOR_COLUMNS, as_json=options.json, empty="There is no connector yet.")
        return 0

    return acting(options, act)


def test_connector(options: argparse.Namespace) -> int:
    """Ask a target whether it answers; exit 1 when it does not."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.name)
        tested = await connector_acts.test(desk.house, desk.principal, connector_id=connector.id)
        if options.json:
            say_json({"name": connector.name, "success": tested.success, "ms": tested.took_ms, "error": tested.error})
        elif tested.success:
            say(f"{connector.name} answers, after {tested.took_ms} ms.")
        else:
            complain(f"{connector.name}: {tested.error}")
        return 0 if tested.success else 1

    return acting(options, act)


def import_identities(options: argparse.Namespace) -> int:
    """Import a source now, and follow it."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        if not connector.is_source:
            raise InvalidRequest(f"{connector.name} is no source of identities.")
        run = await run_acts.start(desk.house, desk.principal, connector_id=connector.id, mode=RunMode.FULL)
        return await follow(desk, run.id, wait=not options.no_wait, as_json=options.json)

    return acting(options, act)


def show_identity(options: argparse.Namespace) -> int:
    """One identity with both sides of its accounts."""

    async def act(desk: Desk) -> int:
        identity_id = await desk.identity(options.who)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            person = await listings_people.get(conn, desk.tenant_id, identity_id=identity_id)
            words = await identity_sources.of_identity(conn, desk.tenant_id, identity_id=identity_id)
            held = await listings_people.accounts(conn, desk.tenant_id, identity_id=identity_id)
            names = {each.id: each.name for each in await store.everyone(conn, tenant_id=desk.tenant_id)}
        if person is None:
            raise NotFound(f"There is no identity {options.who}.")
        accounts = [{"connector": names.get(each["connector_id"]), **dict(each)} for each in held]
        if options.json:
            say_json(
                {**dict(person), "accounts": accounts, "sources": [_word(dict(person), dict(each)) for each in words]}
            )
        else:
            facts({name: value for name, value in dict(person).items() if name not in INTERNAL}, as_json=False)
            _tell_words([_word(dict(person), dict(each)) for each in words])
            _tell_accounts(accounts)
        return 0

    return acting(options, act)


def disable_identity(options: argparse.Namespace) -> int:
    """Disable every account of a person now."""

    async def act(desk: Desk) -> int:
        identity_id = await desk.identity(options.who)
        done = await identity_acts.disable(desk.house, desk.principal, identity_id=identity_id, reason=options.reason)
        if options.json:
            say_json({"id": identity_id, "operations": done.operations, "left_alone": done.left_alone})
            return 0
        say(f"{options.who} is disabled; {len(done.operations)} accounts are being switched off.")
        if done.left_alone:
            say(f"Protected and left as they are, look at them yourself: {done.left_alone}.")
        return 0

    return acting(options, act)


def create_token(options: argparse.Namespace) -> int:
    """Make an API token and print it: it cannot be read again."""
    roles = words_of(Role, options.role, noun="role")

    async def act(desk: Desk) -> int:
        secret = await token_acts.create(desk.house, desk.principal, name=options.name, roles=roles)
        if options.json:
            say_json({"name": options.name, "roles": sorted(roles), "token": secret})
        else:
            sys.stdout.write(f"{secret}\n")
        return 0

    return acting(options, act)


def verify_audit(options: argparse.Namespace) -> int:
    """Check the chain of every audit entry; exit 1 when it is broken."""

    async def act(desk: Desk) -> int:
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            verdict = await verify(conn, desk.tenant_id)
        if options.json:
            say_json({"entries": verdict.entries, "broken_at": verdict.broken_at, "reason": verdict.reason})
        elif verdict.broken_at is None:
            say(f"{verdict.entries} entries, the chain is whole.")
        else:
            complain(f"The chain is broken at entry {verdict.broken_at}: {verdict.reason}.")
        return 0 if verdict.broken_at is None else 1

    return acting(options, act)


def _word(person: Mapping[str, Any], word: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody says of an attribute, without a secret; ``is_believed``: the person has it."""
    name = word["attribute"]
    is_believed = person["authority"].get(name) == word["source"]
    return {**word, "value": shown({name: word["value"]})[name], "is_believed": is_believed}


def _tell_words(words: Sequence[Mapping[str, Any]]) -> None:
    """Who says what of the attributes that several may say."""
    for each in words:
        who = each["connector_name"] or each["source"]
        verb = "is believed about" if each["is_believed"] else "is overruled about"
        say(f"{who} {verb} {each['attribute']}: {each['value']!r}, since {each['seen_at']:%Y-%m-%d %H:%M}")


def _tell_accounts(accounts: list[dict[str, Any]]) -> None:
    """Accounts in a table, then every value that is not what it should be."""
    if not accounts:
        say("\nThere is no account.")
        return
    say("")
    table(accounts, ACCOUNT_COLUMNS)
    for each in accounts:
        for name, (expected, actual) in differences(each).items():
            say(f"{each['connector']}: {name} is {actual!r} and should be {expected!r}")


def differences(account: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Attributes whose last known value is not the wanted one, as (wanted, known); empty while one side is unknown."""
    wanted, observed = account["wanted"], account["observed"]
    if wanted is None or observed is None:
        return {}
    return {name: (value, observed.get(name)) for name, value in wanted.items() if _differs(value, observed.get(name))}


def _differs(one: Any, other: Any) -> bool:
    empty: tuple[Any, ...] = (None, "", [])
    return bool(one != other and not (one in empty and other in empty))
