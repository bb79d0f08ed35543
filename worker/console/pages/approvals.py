"""Approvals: removals that the safeguard holds, with a sample; approve or reject."""

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
        raise BadQuery(f"This was {hold.status} already by {hold.decided_by or 'somebody'}.")
    removals = words.count(hold.removals, "removal")
    return await visit.ask(
        Question(
            title=f"{'Approve' if approve else 'Reject'} {removals} in {hold.connector_name}?",
            effect=_effect(hold, approve=approve),
            body=[findings.hold_sentence(hold), hold.reason],
            action=visit.request.url.path,
            button=f"Approve {words.number(hold.removals)}" if approve else f"Reject {words.number(hold.removals)}",
            keep="Decide later",
            notes=None if approve else "Why not?",
            type_number=hold.removals if approve and hold.removals > 100 else None,
            is_danger=approve,
        )
    )


def _effect(hold: HoldView, *, approve: bool) -> str:
    if hold.kind == "import":
        return (
            "These people become inactive; each target does with their accounts what its policy says."
            if approve
            else "Everybody stays as they are. A later import asks again if it still misses them."
        )
    return (
        "They are sent to the target. Deleted accounts do not come back by themselves."
        if approve
        else "They are cancelled; nobody is removed. The next run may find them again."
    )


async def decide(visit: Visit) -> Response:
    approve, hold_id, notes = _is_approval(visit), visit.id("id"), visit.said("notes")
    if not approve and notes is None:
        raise InvalidRequest("Say in a word why it is rejected.")
    if approve:
        await _check_typed(visit)
    result = await visit.acts.decide_approval(visit.principal, hold_id=hold_id, approve=approve, notes=notes)
    return visit.done(result, default="/approvals")


async def _check_typed(visit: Visit) -> None:
    hold = visit.found(await visit.reads.hold(visit.tenant_id, hold_id=visit.id("id")), what="held batch")
    typed = "".join(c for c in visit.said("typed") or "" if c.isdigit())
    if hold.removals > 100 and typed != str(hold.removals):
        raise InvalidRequest(f"Nothing was done: type {hold.removals} to approve {hold.removals} removals.")


def _is_approval(visit: Visit) -> bool:
    verb = str(visit.request.path_params["verb"])
    if verb not in {"approve", "reject"}:
        raise BadQuery(f"“{verb[:30]}” is no decision.")
    return verb == "approve"
