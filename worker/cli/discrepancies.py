"""``provisiond recon findings``, ``export``, ``repair``, ``ignore``, ``undo`` and ``history``."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TextIO
from uuid import UUID

from worker.actions import findings as acts
from worker.api import Filters, action_of, discrepancy_of, export_lines, result_of
from worker.cli.arguments import FINDING, RUN, deadline_of, id_of, moment_of, word_of
from worker.cli.context import Desk, acting
from worker.cli.output import console, say, say_json, show
from worker.domain.discrepancy import Discrepancy, DiscrepancyType, RepairAction, RepairDirection, Resolution
from worker.domain.errors import InvalidRequest, NotFound
from worker.recon import Wish
from worker.store import discrepancies, listings_findings
from worker.store.tenant import tenant

#: What other columns of findings take of a line, and the least of what was found that is worth showing.
_BESIDE, _LEAST_WIDTH = 78, 30
#: As a name of a file.
STDOUT = "-"
COLUMNS = {
    "id": "id",
    "discrepancy_type": "kind",
    "subject": "account or person",
    "resolution_status": "is",
    "told": "what was found",
    "suggested": "suggested",
    "last_seen_at": "last seen",
}
RESULT_COLUMNS = {"discrepancy_id": "finding", "action": "action", "result": "result", "error": "why not"}
ACTION_COLUMNS = {
    "performed_at": "when",
    "subject": "account or person",
    "action_type": "action",
    "result": "result",
    "performed_by_name": "by",
    "note": "note",
    "discrepancy_id": "finding",
}


def list_findings(options: argparse.Namespace) -> int:
    """What was found at a target."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        where = await _filters(desk, options)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            found = await discrepancies.page(
                conn,
                tenant_id=desk.tenant_id,
                connector_id=connector.id,
                limit=options.limit,
                **where.narrowing(),
                **where.shared(),
            )
            owners = [each.finding.identity_id for each in found if each.finding.identity_id]
            names = await listings_findings.names(conn, desk.tenant_id, ids=owners)
        rows = [_found(each, names) for each in found]
        if not options.json:
            room = console.width - _BESIDE
            rows = [{**row, "told": shortened(row["explanation"], room=room)} for row in rows]
        show(rows, COLUMNS, as_json=options.json, empty="Nothing was found that matches.")
        return 0

    return acting(options, act)


def export(options: argparse.Namespace) -> int:
    """All findings of a target as a file, which is there when it is whole."""
    kind = _kind_of(options)

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        where = await _filters(desk, options)
        with _opened(options.out) as out:
            lines = export_lines(desk.house, desk.tenant_id, connector_id=connector.id, where=where, kind=kind)
            async for part in lines:
                out.write(part)
        if options.out != STDOUT and options.json:
            say_json({"connector": connector.name, "file": options.out, "format": kind})
        elif options.out != STDOUT:
            say(f"The findings of {connector.name} are in {options.out}.")
        return 0

    return acting(options, act)


def repair(options: argparse.Namespace) -> int:
    """Settle findings; exit 1 when one of them was not."""
    action = word_of(RepairAction, options.action, noun="repair") if options.action else None
    direction = word_of(RepairDirection, options.direction, noun="direction") if options.direction else None

    async def act(desk: Desk) -> int:
        owner = await desk.identity(options.owner) if options.owner else None
        rows: list[dict[str, Any]] = []
        for connector_id, ids in (await _places(desk, options.id)).items():
            wishes = [Wish(each, action, direction, owner) for each in ids]
            done = await acts.remediate(
                desk.house, desk.principal, connector_id=connector_id, wishes=wishes, dry_run=options.dry_run
            )
            rows += [result_of(each).model_dump(mode="json") for each in done.results]
            if done.approval_id is not None and not options.json:
                say(f"The safeguard holds some of it: `provisiond recon approve {done.approval_id}`.")
        return _told(rows, as_json=options.json)

    return acting(options, act)


def ignore(options: argparse.Namespace) -> int:
    """Put findings aside; exit 1 when one of them was not open."""
    until = deadline_of(options.until) if options.until else None

    async def act(desk: Desk) -> int:
        rows: list[dict[str, Any]] = []
        for connector_id, ids in (await _places(desk, options.id)).items():
            done = await acts.ignore(
                desk.house, desk.principal, connector_id=connector_id, ids=ids, reason=options.reason, until=until
            )
            rows += [_ignored(each, is_done=each in done) for each in ids]
        return _told(rows, as_json=options.json)

    return acting(options, act)


def undo(options: argparse.Namespace) -> int:
    """Take back what settled findings; exit 1 when that could not be for one of them."""

    async def act(desk: Desk) -> int:
        rows = []
        for connector_id, ids in (await _places(desk, options.id)).items():
            for each in ids:
                done = await acts.undo(desk.house, desk.principal, connector_id=connector_id, discrepancy_id=each)
                rows.append(result_of(done).model_dump(mode="json"))
        return _told(rows, as_json=options.json)

    return acting(options, act)


def history(options: argparse.Namespace) -> int:
    """What was done about findings, and by whom."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            found = await listings_findings.actions(
                conn,
                desk.tenant_id,
                connector_id=connector.id,
                run_id=id_of(options.run, RUN) if options.run else None,
                discrepancy_id=id_of(options.finding, FINDING) if options.finding else None,
                limit=options.limit,
            )
        rows = [_done(row) for row in found]
        show(rows, ACTION_COLUMNS, as_json=options.json, empty="Nothing has been done about findings there.")
        return 0

    return acting(options, act)


async def _filters(desk: Desk, options: argparse.Namespace) -> Filters:
    return Filters(
        run_id=id_of(options.run, RUN) if options.run else None,
        discrepancy_type=word_of(DiscrepancyType, options.type, noun="kind of finding") if options.type else None,
        resolution_status=word_of(Resolution, options.status, noun="status") if options.status else None,
        identity_id=await desk.identity(options.user) if options.user else None,
        external_uid=options.uid,
        attribute_name=options.attribute,
        from_date=moment_of(options.since) if options.since else None,
        to_date=moment_of(options.until) if options.until else None,
    )


async def _places(desk: Desk, texts: Sequence[str]) -> dict[UUID, list[UUID]]:
    """Findings by the target where they were found, in the order in which they were given; raises NotFound."""
    ids = list(dict.fromkeys(id_of(each, FINDING) for each in texts))
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        places = await discrepancies.connectors_of(conn, tenant_id=desk.tenant_id, ids=ids)
    found: dict[UUID, list[UUID]] = {}
    for each in ids:
        if each not in places:
            raise NotFound(f"There is no finding {each}: {FINDING.advice}")
        found.setdefault(places[each], []).append(each)
    return found


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    """Standard output, or a file that takes its name when it is whole."""
    if name == STDOUT:
        yield sys.stdout
        return
    path = Path(name)
    if path.is_dir():
        raise InvalidRequest(f"{name} is a folder; name a file in it.")
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _kind_of(options: argparse.Namespace) -> Literal["csv", "jsonl"]:
    """The format that was asked for, or the one that the file's name says."""
    if options.format is None and options.out == STDOUT and options.json:
        return "jsonl"
    if options.format is not None:
        return "csv" if options.format == "csv" else "jsonl"
    ending = Path(options.out).suffix.lower()
    if ending not in {"", ".csv", ".json", ".jsonl", ".ndjson"}:
        raise InvalidRequest(f"{options.out} does not say whether it is CSV or JSON Lines: add --format csv or jsonl.")
    return "jsonl" if ending in {".json", ".jsonl", ".ndjson"} else "csv"


def _found(one: Discrepancy, names: Mapping[UUID, tuple[str, str]]) -> dict[str, Any]:
    told = discrepancy_of(one).model_dump(mode="json")
    user_name, _ = names.get(one.finding.identity_id, (None, None)) if one.finding.identity_id else (None, None)
    suggested = told["suggested_actions"][0]["action"] if told["suggested_actions"] else None
    return {
        **told,
        "user_name": user_name,
        "subject": one.finding.external_uid or user_name,
        "suggested": suggested,
        "last_seen_at": one.last_seen_at,
    }


def shortened(text: str, *, room: int) -> str:
    """A sentence as far as a line of a terminal holds it: a column that is too wide is not shown at all. Pure."""
    room = max(room, _LEAST_WIDTH)
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _done(row: Any) -> dict[str, Any]:
    told = action_of(row).model_dump(mode="json")
    return {
        **told,
        "performed_at": row["performed_at"],
        "performed_by_name": row["performed_by_name"],
        "subject": row["external_uid"] or row["identity_name"],
        "note": row["details"].get("error_message") or row["details"].get("reason"),
    }


def _ignored(discrepancy_id: UUID, *, is_done: bool) -> dict[str, Any]:
    why = None if is_done else "It is not open: it was settled or put aside before."
    return {
        "discrepancy_id": str(discrepancy_id),
        "action": "ignore",
        "result": "success" if is_done else "skipped",
        "success": is_done,
        "error": why,
    }


def _told(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> int:
    show(rows, RESULT_COLUMNS, as_json=as_json, empty="")
    return 0 if all(row["success"] for row in rows) else 1
