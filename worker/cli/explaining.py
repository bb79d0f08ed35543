"""`provisiond correlate explain`: whose an account would be, and what each rule says of it."""

import argparse
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from worker.actions import statistics
from worker.cli.context import Desk, acting
from worker.cli.output import say, say_json, table
from worker.domain.connector import Connector
from worker.domain.correlation import CorrelationResult
from worker.domain.errors import InvalidRequest, NotFound
from worker.store import accounts
from worker.store.accounts import Place
from worker.store.tenant import tenant

DECISIONS = {"auto": "Linked without asking", "review": "A person would be asked", "none": "Nobody's"}
RULES = {"rule": "rule", "points": "for (+) or against (-)", "words": "why"}


def explain(options: argparse.Namespace) -> int:
    """Say whose an account is by the rules in force; nothing is changed."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        attributes = _attributes(options.attribute)
        if options.uid is None and not attributes:
            raise InvalidRequest("Name an account with --uid, or what one would have with --attribute NAME=VALUE.")
        account_id = await _account(desk, connector, options.uid) if options.uid is not None else None
        answer = await statistics.correlate(
            desk.house, desk.principal, connector_id=connector.id, attributes=attributes or None, account_id=account_id
        )
        if options.json:
            say_json({**answer.result.to_json(), "is_complete": answer.is_complete})
        else:
            _tell(answer.result, is_complete=answer.is_complete)
        return 0

    return acting(options, act, runs_scripts=True)


def _attributes(said: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE as they were given; a name given twice has two values."""
    found: dict[str, Any] = {}
    for each in said:
        name, sign, value = each.partition("=")
        if not (name and sign):
            raise InvalidRequest(f"“{each}” is no attribute; write NAME=VALUE.")
        found[name] = [*found[name], value] if name in found else [value]
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


async def _account(desk: Desk, connector: Connector, uid: str) -> UUID:
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        place = Place(desk.tenant_id, connector.id, connector.object_class)
        rows = await accounts.by_uids(conn, place, [uid])
    if uid not in rows:
        raise NotFound(f"No account {uid} of {connector.name} is known; a run finds what is new there.")
    found: UUID = rows[uid].account.id
    return found


def _tell(result: CorrelationResult, *, is_complete: bool) -> None:
    say(f"{DECISIONS[result.decision.value]}: {result.reason}.")
    for each in result.candidates:
        say(f"\n{each.name or each.ref_id}: {each.confidence:.2%}")
        table([{**one.to_json(), "points": f"{one.points:+.1f}"} for one in each.contributions], RULES)
    if not is_complete:
        say("\nThere are many people, and their keys are being made: not everybody was compared.")
