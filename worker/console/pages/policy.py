"""What a connector's target repairs by itself: shown, and said anew."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import CAN_CONFIGURE, Desk, Visit
from worker.console.query import Query
from worker.console.views import PolicyView
from worker.domain.errors import Forbidden, InvalidRequest


def routes(desk: Desk) -> list[Route]:
    path = "/connectors/{id}/reconciliation/policy"
    return [Route(path, desk.signed_in(show)), Route(path, desk.signed_in(save), methods=["POST"])]


async def show(visit: Visit) -> Response:
    view = await _view(visit)
    return await _page(visit, view, said={row.kind: row.chosen or "" for row in view.rows})


async def save(visit: Visit) -> Response:
    """Back to the page with what was written when it cannot be saved, so that nothing is written twice."""
    if not visit.principal.roles & CAN_CONFIGURE:
        raise Forbidden("This needs the role admin.")
    view = await _view(visit)
    said = {row.kind: visit.said(row.kind, longest=60) or "" for row in view.rows}
    seen = Query({"seen": visit.said("seen", longest=20) or ""}).number("seen", least=0, most=2**31)
    if seen is None:
        raise InvalidRequest("The form is not complete; load the page again.")
    result = await visit.repairs.change_policy(
        visit.principal,
        connector_id=visit.id("id"),
        policy={kind: text or None for kind, text in said.items()},
        seen=seen,
    )
    if result.ok:
        return visit.done(result, default=visit.request.url.path)
    return await _page(visit, view, said=said, trouble=result.message, code=422)


async def _view(visit: Visit) -> PolicyView:
    found = await visit.repairs.policy(visit.tenant_id, connector_id=visit.id("id"))
    view: PolicyView = visit.found(found, what="target")
    return view


async def _page(
    visit: Visit, view: PolicyView, *, said: dict[str, str], trouble: str | None = None, code: int = 200
) -> Response:
    return await visit.render(
        "policy.html", code=code, view=view, said=said, trouble=trouble, path=visit.request.url.path
    )
