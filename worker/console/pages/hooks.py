"""Hooks: the list, a new one, and of each its name, its numbers, its deletion and its way back from a suspension."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Question, Visit
from worker.console.query import Query
from worker.console.views import HookDetail, HookFilter

LIST = "/hooks"
PAGE = 50
FILTERS = ("kind", "q", "suspended", "connector_id")


def routes(desk: Desk) -> list[Route]:
    """The pages; those of fixed paths come before the one with an id."""
    return [
        Route(LIST, desk.signed_in(list_hooks)),
        Route(f"{LIST}/new", desk.signed_in(new)),
        Route(f"{LIST}/new", desk.signed_in(create), methods=["POST"]),
        Route(f"{LIST}/{{id}}/about", desk.signed_in(about)),
        Route(f"{LIST}/{{id}}/about", desk.signed_in(describe), methods=["POST"]),
        Route(f"{LIST}/{{id}}/delete", desk.signed_in(ask_delete)),
        Route(f"{LIST}/{{id}}/delete", desk.signed_in(delete), methods=["POST"]),
        Route(f"{LIST}/{{id}}/resume", desk.signed_in(ask_resume)),
        Route(f"{LIST}/{{id}}/resume", desk.signed_in(resume), methods=["POST"]),
    ]


async def list_hooks(visit: Visit) -> Response:
    query = visit.query.only("offset", *FILTERS)
    where = HookFilter(
        kind=query.word("kind", ("hook", "library")),
        q=query.text("q"),
        is_suspended=query.flag("suspended"),
        connector_id=query.uuid("connector_id"),
        limit=PAGE,
        offset=query.number("offset", least=0, most=100_000) or 0,
    )
    return await visit.render(
        "hooks.html",
        page=await visit.hooks.hooks(visit.tenant_id, where=where),
        where=where,
        kept={name: query.text(name) for name in FILTERS},
        connectors=await visit.reads.connector_names(visit.tenant_id),
        path=LIST,
    )


async def new(visit: Visit) -> Response:
    kind = visit.query.word("kind", ("hook", "library")) or "hook"
    return await visit.render("hook_new.html", said={"name": "", "kind": kind, "description": ""}, trouble=None)


async def create(visit: Visit) -> Response:
    """Make it and go to its script; what was said stays on the page when it could not be made."""
    given = {name: visit.said(name) or "" for name in ("name", "kind", "description")}
    result = await visit.hooks.create_hook(visit.principal, **given)
    if not result.ok:
        return await visit.render("hook_new.html", code=409, said=given, trouble=result.message)
    return visit.done(result, default=result.link or LIST)


async def about(visit: Visit) -> Response:
    return await visit.render("hook_about.html", detail=await the_hook(visit), tab="about")


async def describe(visit: Visit) -> Response:
    result = await visit.hooks.describe_hook(
        visit.principal,
        hook_id=visit.id("id"),
        name=visit.said("name") or "",
        description=visit.said("description") or "",
        seen=seen(visit),
    )
    return visit.done(result, default=f"{LIST}/{visit.id('id')}/about")


async def ask_delete(visit: Visit) -> Response:
    row = (await the_hook(visit)).row
    return await visit.ask(
        Question(
            title=f"Delete the {row.kind} {row.name}?",
            effect="Its versions and saved tests go with it. What it did to accounts stays.",
            action=f"{LIST}/{row.id}/delete",
            fields=[("seen", str(row.version)), ("follow", "true")],
            button=f"Delete {row.name}",
            keep="Keep it",
            is_danger=True,
        )
    )


async def delete(visit: Visit) -> Response:
    result = await visit.hooks.delete_hook(visit.principal, hook_id=visit.id("id"), seen=seen(visit))
    return visit.done(result, default=f"{LIST}/{visit.id('id')}/about")


async def ask_resume(visit: Visit) -> Response:
    row = (await the_hook(visit)).row
    return await visit.ask(
        Question(
            title=f"Let {row.name} run again?",
            effect="It runs as it is. When it does the same again, it is suspended again.",
            body=[row.suspended_reason] if row.suspended_reason else [],
            action=f"{LIST}/{row.id}/resume",
            button="Let it run",
            keep="Keep it suspended",
        )
    )


async def resume(visit: Visit) -> Response:
    result = await visit.hooks.resume_hook(visit.principal, hook_id=visit.id("id"))
    return visit.done(result, default=f"{LIST}/{visit.id('id')}")


async def the_hook(visit: Visit, *, version: int | None = None, newest: int | None = None) -> HookDetail:
    """The hook of the path with this version of its script, or the page that says there is none."""
    found = await visit.hooks.hook(visit.tenant_id, hook_id=visit.id("id"), version=version, newest=newest)
    detail: HookDetail = visit.found(found, what="hook" if version is None else "hook or version")
    return detail


def seen(visit: Visit) -> int | None:
    """The version of what the person was shown, from the form."""
    return Query({"seen": visit.said("seen") or ""}).number("seen", least=0, most=2**62)
