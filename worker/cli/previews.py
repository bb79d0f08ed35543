"""``provisiond recon preview`` and ``causes``: what would be changed, and what many differences have in common."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from worker.actions import causes as acts
from worker.actions import previews
from worker.cli.arguments import RUN, RUN_OR_FINDING, id_of
from worker.cli.context import Desk, acting
from worker.cli.output import complain, say, say_json, show
from worker.domain.errors import InvalidRequest, NotFound
from worker.domain.redaction import shown
from worker.recon import Repaired, Wish, describe
from worker.store import cause_samples, discrepancies, recon_actions, runs
from worker.store.tenant import tenant

#: Proposals of a run that are read together; all of them are told.
_PAGE = 500
COLUMNS = {"subject": "finding", "action": "action", "result": "result", "changes": "changes", "error": "why not"}
GROUP_COLUMNS = {
    "id": "group",
    "attribute_name": "attribute",
    "cause": "what happened",
    "count": "accounts",
    "alone": "nothing else differs",
    "sample": "for example",
}


def preview(options: argparse.Namespace) -> int:
    """What a dry run proposed, or what the repair of findings would change; nothing is written."""

    async def act(desk: Desk) -> int:
        ids = [id_of(each, RUN_OR_FINDING) for each in options.id]
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            run = await runs.get(conn, tenant_id=desk.tenant_id, run_id=ids[0]) if len(ids) == 1 else None
        rows = await _of_run(desk, run.id, run.connector_id) if run else await _of_findings(desk, ids)
        if options.json:
            say_json(rows)
        else:
            empty = "This run proposed nothing." if run else "Nothing would be changed."
            show([_in_words(row) for row in rows], COLUMNS, as_json=False, empty=empty)
        return 0 if all(row["success"] for row in rows) else 1

    return acting(options, act)


def causes(options: argparse.Namespace) -> int:
    """Open differences by what made them; with ``--approve`` all of some groups are repaired."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        run_id = id_of(options.run, RUN) if options.run else None
        if options.approve:
            return await _approve(desk, connector.id, run_id, options)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            found = await cause_samples.largest(
                conn,
                tenant_id=desk.tenant_id,
                connector_id=connector.id,
                run_id=run_id,
                least=2,
                limit=options.limit,
            )
        groups = [describe(each) for each in found]
        is_estimated = any(each.is_estimated for each in found)
        if options.json:
            say_json(groups)
        else:
            told = [{**each, "sample": _sample(each["sample"])} for each in groups]
            show(told, GROUP_COLUMNS, as_json=False, empty="No two open differences have one cause.")
            if is_estimated:
                complain(
                    "There are very many: the numbers are from a sample. `--approve` with `--expect 1` counts a group."
                )
        return 0

    return acting(options, act)


async def _approve(desk: Desk, connector_id: UUID, run_id: UUID | None, options: argparse.Namespace) -> int:
    if options.expect is None:
        raise InvalidRequest("Say with --expect how many accounts you were shown, so that no more are changed.")
    wanted = acts.Wanted(options.approve, run_id=run_id, expect=options.expect)
    begun = await acts.approve(desk.house, desk.principal, connector_id=connector_id, wanted=wanted)
    repair = begun.repair
    if options.json:
        say_json({"id": repair.id, "status": repair.status, "total": repair.total, "mixed": begun.mixed})
        return 0
    left = f" At {begun.mixed} more something else differs, too: they are left alone." if begun.mixed else ""
    say(f"{repair.total} findings will be repaired by a daemon, as {repair.id}.{left}")
    return 0


async def _of_run(desk: Desk, run_id: UUID, connector_id: UUID) -> list[dict[str, Any]]:
    """What a run proposed, in the order in which it did."""
    rows: list[Any] = []
    while True:
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            page, _ = await recon_actions.page(
                conn,
                tenant_id=desk.tenant_id,
                connector_id=connector_id,
                run_id=run_id,
                dry_run=True,
                limit=_PAGE,
                offset=len(rows),
            )
        rows += page
        if len(page) < _PAGE:
            break
    return [_proposal(row) for row in reversed(rows)]


def _proposal(row: Mapping[str, Any]) -> dict[str, Any]:
    details = row["details"]
    before, after = shown(details.get("before_state") or {}), shown(details.get("after_state") or {})
    return {
        "discrepancy_id": row["discrepancy_id"],
        "action": row["action_type"],
        "direction": row["direction"],
        "result": row["result"],
        "success": row["result"] == "proposed",
        "error": details.get("error_message"),
        "before_state": before,
        "after_state": after,
    }


async def _of_findings(desk: Desk, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        places = await discrepancies.connectors_of(conn, tenant_id=desk.tenant_id, ids=ids)
        missing = [each for each in ids if each not in places]
        if missing:
            raise NotFound(f"There is no run and no finding {missing[0]}: {RUN_OR_FINDING.advice}")
    found: list[Repaired] = []
    for connector_id in sorted(set(places.values())):
        wishes = [Wish(each) for each in ids if places[each] == connector_id]
        found += await previews.preview(desk.house, desk.principal, connector_id=connector_id, wishes=wishes)
    return [
        {
            "discrepancy_id": each.discrepancy_id,
            "action": str(each.action) if each.action else None,
            "direction": str(each.direction),
            "result": each.result,
            "success": each.success,
            "error": each.error,
            "before_state": shown(each.before_state or {}),
            "after_state": shown(each.after_state or {}),
        }
        for each in found
    ]


def _in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    before, after = row["before_state"], row["after_state"]
    return {
        "subject": row["discrepancy_id"],
        "action": row["action"],
        "result": row["result"],
        "changes": "; ".join(_changes(before, after)),
        "error": row["error"],
    }


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[str]:
    for name in sorted({*before, *after}):
        was, becomes = before.get(name), after.get(name)
        if was != becomes:
            yield f"{name}: {was!r} > {becomes!r}"


def _sample(sample: Mapping[str, Any] | None) -> str:
    return f"{sample['external_uid']}: {sample['expected']!r} > {sample['actual']!r}" if sample else ""
