"""People as forms name them: somebody by a user name or an id, and names while one writes one."""

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worker.console.desk import Desk, Visit
from worker.console.views import IdentityFilter, IdentityRow

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
