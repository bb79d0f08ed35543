"""One discrepancy: what it is, what was done about it, and taking that back."""

from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from worker.console import findings
from worker.console.desk import Desk, Question, Visit
from worker.console.query import BadQuery
from worker.console.views import ActionRow, AttributeChange, ConnectorBrief, DiscrepancyRow, Slice

_SHOWN = 50


def routes(desk: Desk) -> list[Route]:
    base = "/connectors/{id}/reconciliation/discrepancies/{finding}"
    return [
        Route(base, desk.signed_in(show)),
        Route(f"{base}/undo", desk.signed_in(ask_undo)),
        Route(f"{base}/undo", desk.signed_in(undo), methods=["POST"]),
    ]


async def show(visit: Visit) -> Response:
    query = visit.query.only("older", "newer")
    row, connector = await _finding(visit)
    part = Slice(older=query.text("older"), newer=query.text("newer"), limit=_SHOWN)
    history = await visit.repairs.actions(
        visit.tenant_id, connector_id=visit.id("id"), part=part, finding_id=visit.id("finding")
    )
    return await visit.render("finding.html", row=row, brief=connector, history=history, path=_list_of(visit.id("id")))


async def ask_undo(visit: Visit) -> Response:
    row, connector = await _finding(visit)
    if not findings.can_undo(row):
        raise BadQuery("There is nothing here that could be taken back.")
    if row.resolution_status == "ignored":
        changes: tuple[AttributeChange, ...] = ()
        title, effect = "Stop ignoring this?", "It is open again, and counted."
    else:
        changes = await _back(visit)
        title = f"Undo: {findings.ACTION_WORDS[str(row.resolved_action)].lower()}?"
        effect = "The former values come back, unless somebody has changed them since. No policy repairs it again."
    return await visit.ask(
        Question(
            title=title,
            effect=effect,
            body=[findings.sentence(row, connector=connector.name)],
            action=visit.request.url.path,
            button="Open it again" if row.resolution_status == "ignored" else "Undo",
            keep="Leave it",
            changes=changes,
        )
    )


async def undo(visit: Visit) -> Response:
    connector_id, finding_id = visit.id("id"), visit.id("finding")
    result = await visit.repairs.undo(visit.principal, connector_id=connector_id, finding_id=finding_id)
    return visit.done(result, default=_path(visit))


async def _back(visit: Visit) -> tuple[AttributeChange, ...]:
    """What the last repair changed, the other way round."""
    history = await visit.repairs.actions(
        visit.tenant_id, connector_id=visit.id("id"), part=Slice(limit=_SHOWN), finding_id=visit.id("finding")
    )
    last = next((each for each in history.rows if _was_done(each)), None)
    if last is None:
        return ()
    return tuple(AttributeChange(each.name, each.after, each.before, each.is_secret) for each in last.changes)


def _was_done(row: ActionRow) -> bool:
    return not row.dry_run and row.result in {"queued", "success"} and row.action != "undo"


async def _finding(visit: Visit) -> tuple[DiscrepancyRow, ConnectorBrief]:
    connector_id, ids = visit.id("id"), (visit.id("finding"),)
    rows = await visit.reads.discrepancies_by_id(visit.tenant_id, connector_id=connector_id, ids=ids)
    names = await visit.reads.connector_names(visit.tenant_id)
    brief = next((each for each in names if each.id == connector_id), None)
    row = visit.found(rows[0] if rows else None, what="discrepancy")
    return row, visit.found(brief, what="connector")


def _list_of(connector_id: UUID) -> str:
    return f"/connectors/{connector_id}/reconciliation/discrepancies"


def _path(visit: Visit) -> str:
    return f"{_list_of(visit.id('id'))}/{visit.id('finding')}"
