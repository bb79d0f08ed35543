"""Identities: the list, one identity with both sides of its accounts, repair, emergency disable."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console import words
from worker.console.desk import Desk, Question, Visit
from worker.console.query import Query
from worker.console.views import IdentityDetail, IdentityFilter
from worker.domain.errors import InvalidRequest

LIST = "/identities"


def routes(desk: Desk) -> list[Route]:
    return [
        Route(LIST, desk.signed_in(list_identities)),
        Route(f"{LIST}/{{id}}", desk.signed_in(show)),
        Route(f"{LIST}/{{id}}/disable", desk.signed_in(ask_switch)),
        Route(f"{LIST}/{{id}}/disable", desk.signed_in(disable), methods=["POST"]),
        Route(f"{LIST}/{{id}}/enable", desk.signed_in(ask_switch)),
        Route(f"{LIST}/{{id}}/enable", desk.signed_in(enable), methods=["POST"]),
        Route(f"{LIST}/{{id}}/provision", desk.signed_in(ask_provision)),
        Route(f"{LIST}/{{id}}/provision", desk.signed_in(provision), methods=["POST"]),
    ]


async def list_identities(visit: Visit) -> Response:
    query = visit.query.only("q", "active", "older", "newer")
    where = IdentityFilter(
        q=query.text("q"), active=query.flag("active"), older=query.text("older"), newer=query.text("newer")
    )
    page = await visit.reads.identities(visit.tenant_id, where=where)
    return await visit.render("identities.html", page=page, where=where, path=LIST)


async def show(visit: Visit) -> Response:
    return await visit.render("identity.html", detail=await _identity(visit))


async def ask_switch(visit: Visit) -> Response:
    """The question before the emergency disable, and before its end."""
    detail = await _identity(visit)
    name, accounts = detail.row.display_name, _at_targets(detail)
    is_disable = visit.request.url.path.endswith("/disable")
    return await visit.ask(
        Question(
            title=f"Disable {words.count(accounts, 'account')} of {name} now?"
            if is_disable
            else f"Enable {words.count(accounts, 'account')} of {name} again?",
            effect="It goes before all other work and cancels what waits for them, until somebody enables again."
            if is_disable
            else "The accounts become what the identity says again.",
            action=visit.request.url.path,
            button=f"Disable {name}" if is_disable else f"Enable {name}",
            keep="Keep as it is",
            notes="Why?",
            is_danger=is_disable,
        )
    )


async def disable(visit: Visit) -> Response:
    identity_id = visit.id("id")
    result = await visit.acts.disable_identity(visit.principal, identity_id=identity_id, reason=_reason(visit))
    return visit.done(result, default=f"{LIST}/{identity_id}")


async def enable(visit: Visit) -> Response:
    identity_id = visit.id("id")
    result = await visit.acts.enable_identity(visit.principal, identity_id=identity_id, reason=_reason(visit))
    return visit.done(result, default=f"{LIST}/{identity_id}")


async def ask_provision(visit: Visit) -> Response:
    detail = await _identity(visit)
    connector_id = visit.query.uuid("connector_id")
    account = next((a for a in detail.accounts if a.connector.id == connector_id), None)
    where = f"the account in {account.connector.name}" if account else words.count(_at_targets(detail), "account")
    what = "what it should be" if account or _at_targets(detail) == 1 else "what they should be"
    return await visit.ask(
        Question(
            title=f"Bring {where} of {detail.row.display_name} to {what}?",
            effect="Operations are queued for what differs. When nothing differs, nothing happens.",
            action=visit.request.url.path,
            fields=[("connector_id", str(connector_id))] if connector_id else [],
            button="Repair",
            keep="Leave as it is",
            changes=tuple(c for c in account.changes if c.before != c.after) if account else (),
        )
    )


async def provision(visit: Visit) -> Response:
    identity_id = visit.id("id")
    connector_id = Query({"connector_id": visit.said("connector_id") or ""}).uuid("connector_id")
    result = await visit.acts.provision_identity(visit.principal, identity_id=identity_id, connector_id=connector_id)
    return visit.done(result, default=f"{LIST}/{identity_id}")


async def _identity(visit: Visit) -> IdentityDetail:
    found = await visit.reads.identity(visit.tenant_id, identity_id=visit.id("id"))
    detail: IdentityDetail = visit.found(found, what="identity")
    return detail


def _at_targets(detail: IdentityDetail) -> int:
    """How many accounts there are to act on; what a source says of a person is none of them."""
    return sum(1 for account in detail.accounts if account.connector.is_target)


def _reason(visit: Visit) -> str:
    reason = visit.said("notes")
    if reason is None:
        raise InvalidRequest("Say in a word why; it is written to the audit.")
    return reason
