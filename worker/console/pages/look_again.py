"""Looking again at one account of a target, or at one person's account there: a run over nothing else."""

from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Question, Visit
from worker.console.query import BadQuery, Query
from worker.console.views import Slice


def routes(desk: Desk) -> list[Route]:
    base = "/connectors/{id}/reconciliation/look"
    return [
        Route(base, desk.signed_in(ask_look)),
        Route(base, desk.signed_in(look), methods=["POST"]),
    ]


async def ask_look(visit: Visit) -> Response:
    uid, identity_id = _meant(dict(visit.request.query_params))
    view = await visit.reads.reconciliation(visit.tenant_id, connector_id=visit.id("id"), part=Slice(limit=1))
    connector = visit.found(view, what="connector").connector
    fields = [("uid", uid)] if uid else [("identity_id", str(identity_id))]
    return await visit.ask(
        Question(
            title=f"Look again at {uid or 'this account'} in {connector.name}?",
            effect="This one account is read and compared, as a full run would. Nothing is concluded about any other.",
            action=visit.request.url.path,
            fields=[*fields, ("follow", "true")],
            button="Look again",
            keep="Not now",
        )
    )


async def look(visit: Visit) -> Response:
    connector_id = visit.id("id")
    uid, identity_id = _meant({name: values[0] for name, values in visit.form.items()})
    result = await visit.acts.look_again(
        visit.principal, connector_id=connector_id, uids=(uid,) if uid else (), identity_ids=_one(identity_id)
    )
    return visit.done(result, default=f"/connectors/{connector_id}/reconciliation")


def _meant(values: dict[str, str]) -> tuple[str | None, UUID | None]:
    """The account by its id at the target, as it is; or the person whose account is meant."""
    uid, identity_id = values.get("uid") or None, Query(values).uuid("identity_id")
    if uid is None and identity_id is None:
        raise BadQuery("Nobody said which account to look at.")
    return uid, identity_id


def _one(identity_id: UUID | None) -> tuple[UUID, ...]:
    return (identity_id,) if identity_id else ()
