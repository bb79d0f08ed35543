"""Operations: the list, dead letters, one operation, and retry, cancel, resolve, redrive."""

import json
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from worker.console import words
from worker.console.desk import Desk, Question, Visit
from worker.console.doors import ActResult
from worker.console.query import BadQuery, Query
from worker.console.timeline import timeline
from worker.console.views import OperationFilter, OperationRow
from worker.domain.errors import InvalidRequest
from worker.domain.operation import OperationStatus, OperationType, WaitReason

LIST = "/connectors/operations"
DEAD_LETTERS = "/connectors/operations/dlq"
FILTERS = ("connector_id", "operation_type", "error_code", "user_id", "run_id", "q", "from_date", "to_date")

#: Which verbs a person may use on an operation of each status.
VERBS: dict[str, tuple[str, ...]] = {
    OperationStatus.PENDING: ("cancel",),
    OperationStatus.IN_PROGRESS: (),
    OperationStatus.COMPLETED: (),
    OperationStatus.FAILED: ("retry", "cancel"),
    OperationStatus.DEAD_LETTER: ("retry", "redrive", "resolve"),
    OperationStatus.AWAITING_SYSTEM: ("cancel",),
    OperationStatus.RESOLVED: (),
    OperationStatus.CANCELLED: (),
}

#: What each verb does, to one operation and to several.
EFFECTS = {
    "retry": (
        "It runs again now, with all its tries.",
        "They run again now, with all their tries, account by account.",
    ),
    "cancel": ("It will not run. The target stays as it is.", "They will not run. The targets stay as they are."),
    "resolve": ("It leaves the dead letters for good.", "They leave the dead letters for good."),
}


def routes(desk: Desk) -> list[Route]:
    """The pages of operations; the fixed paths come before the one with an id."""
    return [
        Route(LIST, desk.signed_in(list_operations)),
        Route(DEAD_LETTERS, desk.signed_in(list_dead_letters)),
        Route(f"{LIST}/ask/{{verb}}", desk.signed_in(ask)),
        Route(f"{LIST}/act/{{verb}}", desk.signed_in(act), methods=["POST"]),
        Route(f"{LIST}/{{id}}/redrive", desk.signed_in(ask_redrive)),
        Route(f"{LIST}/{{id}}/redrive", desk.signed_in(redrive), methods=["POST"]),
        Route(f"{LIST}/{{id}}", desk.signed_in(show)),
    ]


async def list_operations(visit: Visit) -> Response:
    query = visit.query.only("status", "older", "newer", *FILTERS)
    where = read_filter(query, status=query.one_of("status", OperationStatus))
    return await _list(visit, where, path=LIST, title="Operations")


async def list_dead_letters(visit: Visit) -> Response:
    query = visit.query.only("older", "newer", *FILTERS)
    where = read_filter(query, status=OperationStatus.DEAD_LETTER)
    return await _list(visit, where, path=DEAD_LETTERS, title="Dead letters")


async def _list(visit: Visit, where: OperationFilter, *, path: str, title: str) -> Response:
    page = await visit.reads.operations(visit.tenant_id, where=where)
    return await visit.render(
        "operations.html",
        title=title,
        path=path,
        page=page,
        where=where,
        kept={name: visit.query.text(name) for name in FILTERS},
        status=where.status,
        connectors=await visit.reads.connector_names(visit.tenant_id),
        types=tuple(OperationType),
        statuses=tuple(OperationStatus),
        verbs=VERBS,
    )


async def show(visit: Visit) -> Response:
    detail = await visit.reads.operation(visit.tenant_id, operation_id=visit.id("id"))
    detail = visit.found(detail, what="operation")
    return await visit.render(
        "operation.html",
        detail=detail,
        row=detail.row,
        verbs=VERBS.get(detail.row.status, ()),
        points=timeline(detail, now=datetime.now(UTC)),
        why=why(detail.row),
    )


def why(row: OperationRow) -> dict[str, str] | None:
    """The panel that answers "why is it so": title, advice, family of colours; None where nothing is to explain."""
    if row.status is OperationStatus.AWAITING_SYSTEM:
        reason = words.WAIT_WORDS[row.wait_reason] if row.wait_reason else "something outside must change"
        return {"family": "purple", "title": f"It waits: {reason}", "advice": _wait_advice(row)}
    if row.status in {OperationStatus.DEAD_LETTER, OperationStatus.FAILED}:
        cause = words.cause_of(row.error_code)
        family = "amber" if row.status is OperationStatus.DEAD_LETTER else "red"
        return {"family": family, "title": cause.title, "advice": cause.advice}
    return None


def _wait_advice(row: OperationRow) -> str:
    advice: dict[str, str] = {
        WaitReason.CASE: "Decide the case; the operation goes on by itself.",
        WaitReason.APPROVAL: "Approve or reject what the safeguard holds; the operation follows.",
        WaitReason.CONFLICT: "Settle the conflict; the operation goes on by itself.",
        WaitReason.MAINTENANCE: "It goes on when the maintenance ends. No try is spent.",
        WaitReason.BASELINE: "It goes on after the first complete listing of the target.",
    }
    default = "It goes on by itself when the target is back. No try is spent."
    return advice.get(row.wait_reason, default) if row.wait_reason else default


def read_filter(query: Query, *, status: OperationStatus | None) -> OperationFilter:
    """The filter that the address says."""
    return OperationFilter(
        status=status,
        connector_id=query.uuid("connector_id"),
        operation_type=query.one_of("operation_type", OperationType),
        error_code=query.text("error_code"),
        user_id=query.uuid("user_id"),
        run_id=query.uuid("run_id"),
        q=query.text("q"),
        from_date=query.moment("from_date"),
        to_date=query.moment("to_date"),
        older=query.text("older"),
        newer=query.text("newer"),
    )


async def ask(visit: Visit) -> Response:
    """The question before retry, cancel or resolve, of the chosen ones or of all that match."""
    verb = _verb(visit)
    if visit.query.flag("matching"):
        return await _ask_matching(visit, verb)
    ids = visit.ids()
    what, body = await _subject(visit, ids)
    one = len(ids) == 1
    return await visit.ask(
        Question(
            title=f"{verb.capitalize()} {what}?",
            effect=EFFECTS[verb][0 if one else 1],
            body=body,
            action=f"{LIST}/act/{verb}",
            fields=[("id", str(each)) for each in ids],
            button=f"{verb.capitalize()} {len(ids)}" if not one else verb.capitalize(),
            keep="Keep it" if one else f"Keep {len(ids)}",
            notes="What was done instead?" if verb == "resolve" else None,
            is_danger=verb == "cancel",
        )
    )


async def _ask_matching(visit: Visit, verb: str) -> Response:
    if verb != "retry":
        raise BadQuery("Only a retry can take all that match.")
    where = read_filter(visit.query, status=visit.query.one_of("status", OperationStatus))
    page = await visit.reads.operations(visit.tenant_id, where=where)
    noun = "dead letter" if where.status is OperationStatus.DEAD_LETTER else "operation"
    fields = {name: visit.query.text(name) for name in (*FILTERS, "status")}
    return await visit.ask(
        Question(
            title=f"Retry {words.count(page.total, noun)}?",
            effect=EFFECTS["retry"][1],
            action=f"{LIST}/act/retry",
            fields=[*((n, v) for n, v in fields.items() if v), ("matching", "true"), ("expected", str(page.total))],
            button=f"Retry {words.number(page.total)}",
            keep="Keep them",
            type_number=page.total if page.total > 100 else None,
        )
    )


async def act(visit: Visit) -> Response:
    verb, back = _verb(visit), visit.said("back") or LIST
    if verb == "retry" and visit.said("matching"):
        return visit.done(await _retry_matching(visit), default=back)
    ids = visit.ids()
    match verb:
        case "retry":
            result = await visit.acts.retry(visit.principal, ids=ids)
        case "cancel":
            result = await visit.acts.cancel(visit.principal, ids=ids)
        case _:
            notes = visit.said("notes")
            if notes is None:
                raise InvalidRequest("Say in a word what was done instead.")
            result = await visit.acts.resolve(visit.principal, ids=ids, notes=notes)
    return visit.done(result, default=back)


async def _retry_matching(visit: Visit) -> ActResult:
    form = Query({name: values[0] for name, values in visit.form.items()})
    expected = form.number("expected", least=1, most=10_000_000) or 0
    typed = form.text("typed")
    if expected > 100 and (typed is None or "".join(c for c in typed if c.isdigit()) != str(expected)):
        return ActResult(f"Nothing was done: type {expected} to retry {expected}.", ok=False)
    where = read_filter(form, status=form.one_of("status", OperationStatus))
    return await visit.acts.retry_matching(visit.principal, where=where, expected=expected)


async def ask_redrive(visit: Visit) -> Response:
    """The form in which a dead letter's payload can be corrected before it is sent again."""
    detail = await visit.reads.operation(visit.tenant_id, operation_id=visit.id("id"))
    detail = visit.found(detail, what="operation")
    return await visit.ask(
        Question(
            title=f"Redrive {words.verb_of(detail.row)} {detail.row.subject}?",
            effect="A new operation is made with this payload; this one is resolved.",
            action=f"{LIST}/{detail.row.id}/redrive",
            fields=[("follow", "true")],
            button="Redrive",
            keep="Keep it",
            payload=detail.payload,
        )
    )


async def redrive(visit: Visit) -> Response:
    operation_id = visit.id("id")
    payload = read_payload(visit.said("payload", longest=100_000))
    result = await visit.acts.redrive(visit.principal, operation_id=operation_id, payload=payload)
    return visit.done(result, default=f"{LIST}/{operation_id}")


def read_payload(text: str | None) -> dict[str, Any] | None:
    """A corrected payload, or None to send the old one."""
    if text is None:
        return None
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"The payload is not JSON: {error}.") from error
    if not isinstance(payload, dict):
        raise InvalidRequest("The payload must be a JSON object.")
    return payload


def _verb(visit: Visit) -> str:
    verb = str(visit.request.path_params["verb"])
    if verb not in EFFECTS:
        raise BadQuery(f"“{verb[:30]}” is nothing that can be done with operations.")
    return verb


async def _subject(visit: Visit, ids: tuple[Any, ...]) -> tuple[str, list[str]]:
    """What is acted on, by name when it is one, and what has changed about it meanwhile."""
    if len(ids) > 1:
        return words.count(len(ids), "operation"), []
    detail = visit.found(await visit.reads.operation(visit.tenant_id, operation_id=ids[0]), what="operation")
    row = detail.row
    state = f"{words.STATUS_WORDS[row.status]}" + (f": {row.error_message}" if row.error_message else "")
    return f"“{words.verb_of(row)} {row.subject}” of {row.connector_name}", [state]
