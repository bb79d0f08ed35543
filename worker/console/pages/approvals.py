"""Approvals: what the safeguard holds, with a sample; approve or reject."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console import findings, words
from worker.console.desk import Desk, Question, Visit
from worker.console.query import BadQuery
from worker.console.views import HoldView
from worker.domain.errors import InvalidRequest


def routes(desk: Desk) -> list[Route]:
    return [
        Route("/approvals", desk.signed_in(list_approvals)),
        Route("/approvals/{id}/{verb}", desk.signed_in(ask)),
        Route("/approvals/{id}/{verb}", desk.signed_in(decide), methods=["POST"]),
    ]


async def list_approvals(visit: Visit) -> Response:
    return await visit.render("approvals.html", page=await visit.reads.approvals(visit.tenant_id))


async def ask(visit: Visit) -> Response:
    approve = _is_approval(visit)
    hold: HoldView = visit.found(await visit.reads.hold(visit.tenant_id, hold_id=visit.id("id")), what="held batch")
    if hold.status != "pending":
        by = f" by {hold.decided_by or 'somebody'}" if hold.status != "expired" else ""
        raise BadQuery(f"This was {hold.status} already{by}." if by else "This expired; nobody had decided it in time.")
    verb = "Approve" if approve else "Reject"
    return await visit.ask(
        Question(
            title=_title(hold, approve=approve),
            effect=_effect(hold, approve=approve),
            body=[findings.hold_sentence(hold), hold.reason],
            action=visit.request.url.path,
            fields=[("seen", str(hold.version))],
            button=f"{verb} {words.number(hold.removals)}",
            keep="Decide later",
            notes=None if approve else "Why not?",
            type_number=hold.removals if approve and hold.removals > 100 else None,
            is_danger=approve,
        )
    )


def _title(hold: HoldView, *, approve: bool) -> str:
    match hold.kind, approve:
        case "source", True:
            people = words.count(hold.removals, "person", "people")
            return f"Make {people} inactive whom {hold.connector_name} no longer has?"
        case "source", False:
            return f"Keep {words.count(hold.removals, 'person', 'people')} whom {hold.connector_name} no longer has?"
        case "target", True:
            return f"Take {words.count(hold.removals, 'account')} of {hold.connector_name} for deleted?"
        case "target", False:
            return f"Conclude nothing from this listing of {hold.connector_name}?"
        case _:
            return f"{'Approve' if approve else 'Reject'} {findings.held_things(hold)}?"


def _effect(hold: HoldView, *, approve: bool) -> str:
    match hold.kind, approve:
        case "source", True:
            return "These people become inactive; each target does with their accounts what its policy says."
        case "source", False:
            return "Everybody stays as they are. A later import asks again if it still misses them."
        case "target", True:
            return "The run goes on with these accounts as deleted, and repairs what its policy covers."
        case "target", False:
            return "Nobody is found missing or deleted by this run. The next run lists the target again."
        case _, True:
            return "They are sent to the target. Deleted accounts do not come back by themselves."
        case _:
            return "They are cancelled; nobody is removed. Whatever finds them to be removed again will ask again."


async def decide(visit: Visit) -> Response:
    approve, hold_id, notes = _is_approval(visit), visit.id("id"), visit.said("notes")
    if not approve and notes is None:
        raise InvalidRequest("Say in a word why it is rejected.")
    if approve:
        await _check_typed(visit)
    result = await visit.acts.decide_approval(
        visit.principal, hold_id=hold_id, approve=approve, seen=_seen(visit), notes=notes
    )
    return visit.done(result, default="/approvals")


async def _check_typed(visit: Visit) -> None:
    hold = visit.found(await visit.reads.hold(visit.tenant_id, hold_id=visit.id("id")), what="held batch")
    typed = "".join(c for c in visit.said("typed") or "" if c.isdigit())
    if hold.removals > 100 and typed != str(hold.removals):
        raise InvalidRequest(f"Nothing was done: type {hold.removals} to approve that many.")


def _seen(visit: Visit) -> int | None:
    text = visit.said("seen") or ""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _is_approval(visit: Visit) -> bool:
    verb = str(visit.request.path_params["verb"])
    if verb not in {"approve", "reject"}:
        raise BadQuery(f"“{verb[:30]}” is no decision.")
    return verb == "approve"
