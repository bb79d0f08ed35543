"""``provisiond recon policy``: what a target repairs by itself."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from worker.actions import policies as acts
from worker.cli.context import Desk, acting
from worker.cli.output import show
from worker.domain.connector import Connector
from worker.domain.errors import InvalidRequest
from worker.recon import choices_of, rules_of

#: The word for what waits for a person.
WAIT = "wait"
COLUMNS = {"kind": "kind", "policy": "what happens", "possible": "what could"}


def show_policy(options: argparse.Namespace) -> int:
    """What happens to each kind of finding."""

    async def act(desk: Desk) -> int:
        _tell(await _target(desk, options.connector), as_json=options.json)
        return 0

    return acting(options, act)


def set_policy(options: argparse.Namespace) -> int:
    """Change what happens to some kinds; the others stay as they are."""
    wanted = rules_from(options.rule)

    async def act(desk: Desk) -> int:
        connector = await _target(desk, options.connector)
        policy: Mapping[str, str | None] = {**connector.policy, **wanted}
        changed = await acts.change(
            desk.house, desk.principal, connector_id=connector.id, policy=policy, seen=connector.version
        )
        _tell(changed, as_json=options.json)
        return 0

    return acting(options, act)


def rules_from(texts: Sequence[str]) -> dict[str, str | None]:
    """What KIND=ACTION says, by kind; None: it waits for a person. Raises InvalidRequest."""
    found: dict[str, str | None] = {}
    for text in texts:
        kind, sign, action = text.partition("=")
        if not (sign and kind and action):
            raise InvalidRequest(f"{text!r} is no rule; write mismatch=update, or orphan={WAIT} for a person.")
        if kind in found:
            raise InvalidRequest(f"{kind} is there twice.")
        found[kind] = None if action == WAIT else action
    return found


async def _target(desk: Desk, name: str) -> Connector:
    connector = await desk.connector(name)
    if not connector.is_target:
        raise InvalidRequest(f"{connector.name} is no target; nothing is repaired there.")
    return connector


def _tell(connector: Connector, *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = []
    for rule in rules_of(connector.policy):
        choices = choices_of(rule.kind)
        policy = connector.policy.get(rule.kind.value, WAIT)
        told = f"{policy}, by itself" if policy != WAIT else "waits for a person"
        possible = [*choices, WAIT]
        rows.append({"kind": rule.kind.value, "policy": policy if as_json else told, "possible": possible})
    shown = rows if as_json else [{**row, "possible": ", ".join(row["possible"])} for row in rows]
    show(shown, COLUMNS, as_json=as_json, empty="")
