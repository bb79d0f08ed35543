"""Bindings of a hook: where it runs, in which order, and what its failure means there."""

import json
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Question, Visit
from worker.console.doors import ActResult
from worker.console.pages.hook_editor import read_object
from worker.console.pages.hooks import LIST, seen, the_hook
from worker.console.query import Query
from worker.console.views import HookBindingRow, HookDetail
from worker.domain.errors import InvalidRequest, NotFound
from worker.domain.hook import FailurePolicy, HookPhase
from worker.domain.operation import OperationType

TEXTS = ("connector_id", "phase", "object_class", "position", "on_error", "budget_ms", "params")
EMPTY: dict[str, Any] = {
    **dict.fromkeys(TEXTS, ""),
    "permissions": (),
    "phase": HookPhase.BEFORE,
    "operation_types": tuple(OperationType),
    "position": "0",
    "enabled": True,
}


def routes(desk: Desk) -> list[Route]:
    return [
        Route(f"{LIST}/{{id}}/bindings", desk.signed_in(list_bindings)),
        Route(f"{LIST}/{{id}}/bindings/new", desk.signed_in(new)),
        Route(f"{LIST}/{{id}}/bindings/new", desk.signed_in(save), methods=["POST"]),
        Route(f"{LIST}/{{id}}/bindings/{{binding}}", desk.signed_in(edit)),
        Route(f"{LIST}/{{id}}/bindings/{{binding}}", desk.signed_in(save), methods=["POST"]),
        Route(f"{LIST}/{{id}}/bindings/{{binding}}/delete", desk.signed_in(ask_delete)),
        Route(f"{LIST}/{{id}}/bindings/{{binding}}/delete", desk.signed_in(delete), methods=["POST"]),
    ]


async def list_bindings(visit: Visit) -> Response:
    return await visit.render("hook_bindings.html", detail=await the_hook(visit), tab="bindings")


async def new(visit: Visit) -> Response:
    return await _form(visit, await the_hook(visit), None, EMPTY)


async def edit(visit: Visit) -> Response:
    detail = await the_hook(visit)
    binding = _binding(visit, detail)
    return await _form(visit, detail, binding, _written(binding))


async def save(visit: Visit) -> Response:
    """Write a binding; what was said stays in the form when it is refused."""
    detail = await the_hook(visit)
    binding = _binding(visit, detail) if "binding" in visit.request.path_params else None
    said = _said(visit)
    result = await _bind(visit, detail, binding, said)
    if not result.ok:
        return await _form(visit, detail, binding, said, trouble=result.message)
    return visit.done(result, default=f"{LIST}/{detail.row.id}/bindings")


def _said(visit: Visit) -> dict[str, Any]:
    said: dict[str, Any] = {name: visit.said(name, longest=20_000) or "" for name in TEXTS}
    said["operation_types"] = tuple(visit.form.get("operation_types", ()))
    said["permissions"] = tuple(visit.form.get("permissions", ()))
    said["enabled"] = visit.said("enabled") == "true"
    return said


async def _bind(visit: Visit, detail: HookDetail, binding: HookBindingRow | None, said: dict[str, Any]) -> ActResult:
    try:
        fields = {**said, "params": read_object(said["params"] or "{}", what="text of the parameters")}
        fields["object_class"] = said["object_class"] or await _usual_class(visit, said["connector_id"])
    except InvalidRequest as error:
        return ActResult(str(error), ok=False)
    if not said["operation_types"] and said["phase"] != HookPhase.CORRELATE:
        return ActResult("Choose at least one kind of operation.", ok=False)
    return await visit.hooks.bind(
        visit.principal,
        hook_id=detail.row.id,
        fields=fields,
        binding_id=binding.id if binding else None,
        seen=seen(visit) if binding else None,
    )


async def _usual_class(visit: Visit, connector_id: str) -> str:
    """The object class that the connector is set to. Raises InvalidRequest when no connector was chosen."""
    chosen = Query({"connector_id": connector_id}).uuid("connector_id")
    if chosen is None:
        raise InvalidRequest("Choose the connector whose operations it is to see.")
    found = await visit.reads.connector(visit.tenant_id, connector_id=chosen)
    return str(visit.found(found, what="connector").object_class)


async def ask_delete(visit: Visit) -> Response:
    detail = await the_hook(visit)
    binding = _binding(visit, detail)
    return await visit.ask(
        Question(
            title=f"Stop {detail.row.name} at {binding.connector_name}?",
            effect="Operations that come from now on do not run it there. Its script stays.",
            action=visit.request.url.path,
            fields=[("seen", str(binding.version))],
            button="Remove the binding",
            keep="Keep it",
            is_danger=True,
        )
    )


async def delete(visit: Visit) -> Response:
    detail = await the_hook(visit)
    binding = _binding(visit, detail)
    result = await visit.hooks.unbind(visit.principal, hook_id=detail.row.id, binding_id=binding.id, seen=seen(visit))
    return visit.done(result, default=f"{LIST}/{detail.row.id}/bindings")


async def _form(
    visit: Visit,
    detail: HookDetail,
    binding: HookBindingRow | None,
    said: dict[str, Any],
    *,
    trouble: str | None = None,
) -> Response:
    return await visit.render(
        "hook_binding.html",
        code=409 if trouble else 200,
        detail=detail,
        tab="bindings",
        binding=binding,
        said=said,
        connectors=[brief for brief in await visit.reads.connector_names(visit.tenant_id) if brief.is_target],
        phases=tuple(HookPhase),
        policies=tuple(FailurePolicy),
        types=tuple(OperationType),
        trouble=trouble,
    )


def _binding(visit: Visit, detail: HookDetail) -> HookBindingRow:
    wanted = visit.id("binding")
    for binding in detail.bindings:
        if binding.id == wanted:
            return binding
    raise NotFound("There is no such binding. Somebody may have removed it.")


def _written(binding: HookBindingRow) -> dict[str, Any]:
    return {
        "connector_id": str(binding.connector_id),
        "phase": binding.phase,
        "object_class": binding.object_class,
        "operation_types": binding.operation_types,
        "position": str(binding.position),
        "on_error": binding.on_error,
        "budget_ms": str(binding.budget_ms or ""),
        "enabled": binding.enabled,
        "params": json.dumps(binding.params, indent=2, ensure_ascii=False) if binding.params else "",
        "permissions": binding.permissions,
    }
