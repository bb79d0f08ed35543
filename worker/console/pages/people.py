"""People as forms name them: somebody by a user name or an id, and names while one writes one."""

from uuid import UUID

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worker.console.desk import Desk, Visit
from worker.console.views import IdentityFilter, IdentityRow
from worker.domain.errors import InvalidRequest

MAX_SHOWN = 20


def routes(desk: Desk) -> list[Route]:
    return [Route("/identities/names", desk.signed_in(names))]


async def names(visit: Visit) -> Response:
    """Those whose name begins so."""
    where = IdentityFilter(q=visit.query.only("q").text("q"))
    rows = (await visit.reads.identities(visit.tenant_id, where=where)).rows[:MAX_SHOWN]
    return JSONResponse(
        [{"value": row.user_name, "label": row.display_name} for row in rows], headers={"Cache-Control": "no-store"}
    )


async def the_person(visit: Visit, wanted: str | None) -> IdentityRow | str:
    """Whoever is meant: the one with this name or id, the only one whose name begins so, or (None) just anybody.

    A text says why nobody is.
    """
    rows = (await visit.reads.identities(visit.tenant_id, where=IdentityFilter(q=wanted))).rows
    exact = [row for row in rows if wanted in {row.user_name, row.external_id, str(row.id)}]
    if not rows:
        return f"Nobody's user name or id begins with “{wanted}”." if wanted else "There is nobody to try it on yet."
    if wanted is None or exact or len(rows) == 1:
        return (exact or list(rows))[0]
    told = ", ".join(row.user_name for row in rows[:5])
    return f"Several match “{wanted}”: {told}{', …' if len(rows) > 5 else ''}."


async def the_one(visit: Visit, field: str) -> UUID | None:
    """The person that a form names, if it does; raises InvalidRequest unless exactly one is called so."""
    said = visit.said(field, longest=200)
    if said is None:
        return None
    page = await visit.reads.identities(visit.tenant_id, where=IdentityFilter(q=said, limit=50))
    exact = [row for row in page.rows if said.casefold() in _names_of(row)]
    if len(exact) != 1:
        known = f"{len(exact)} people are called" if exact else "Nobody is called"
        raise InvalidRequest(f"Nothing was done: {known} “{said}”. Give the external id.")
    return exact[0].id


def _names_of(row: IdentityRow) -> set[str]:
    return {row.external_id.casefold(), row.user_name.casefold(), str(row.id)}
