"""Errors as ``application/problem+json`` (RFC 9457), with ``error`` (a code) and ``message`` beside its members.

What an error of ours keeps as ``members`` is shown beside them.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from worker.domain.errors import (
    Forbidden,
    HookError,
    InvalidRequest,
    NotFound,
    Outdated,
    ProvisioningError,
    RequestError,
    SettingsError,
    SurroundingsError,
    Unauthenticated,
    WrongState,
)
from worker.store.pool import DatabaseBusy, DatabaseGone

log = structlog.get_logger()

#: When a client may come again, in seconds: what stood in the way is over at once, a database that is away is not.
BUSY_S, AWAY_S = 1, 5

#: How pydantic begins what our own validators say.
_PYDANTIC_SAYS = "Value error, "

_STATUS: dict[type[ProvisioningError], int] = {
    NotFound: 404,
    InvalidRequest: 422,
    Unauthenticated: 401,
    Forbidden: 403,
    Outdated: 412,
    WrongState: 409,
    RequestError: 400,
    SettingsError: 422,
    SurroundingsError: 503,
}


def install_problems(app: FastAPI) -> None:
    """Answer every error of the app as a problem; what nobody foresaw is a 500 with an id that is in the log."""
    app.add_exception_handler(ProvisioningError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for gone in DatabaseGone:
        app.add_exception_handler(gone, _database)
    for busy in DatabaseBusy:
        app.add_exception_handler(busy, _busy)
    app.add_exception_handler(Exception, _bug)


def problem(
    status: int, *, code: str, message: str, request: Request, retry_after: int | None = None, **members: Any
) -> Response:
    """One problem document; ``retry_after`` says in how many seconds the same request may be sent again."""
    body = {
        "type": f"urn:provisiond:error:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": message,
        "instance": request.url.path,
        "error": code,
        "message": message,
        **members,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProvisioningError):
        raise error
    if isinstance(error, HookError) and error.retryable:
        return problem(503, code=error.hook_class, message=str(error), request=request, retry_after=BUSY_S)
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    members: dict[str, Any] = dict(error.fields.get("members", {}))
    if isinstance(error, WrongState) and error.fields.get("current") is not None:
        members["current"] = {"id": str(error.fields["current"]["id"]), "status": error.fields["current"]["status"]}
    return problem(status, code=error.code, message=str(error), request=request, **members)


async def _invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    mistakes = [_mistake(each) for each in found]
    message = "; ".join(f"{each['where']}: {each['what']}" for each in mistakes) or "The request is not valid."
    return problem(422, code="invalid_request", message=message, request=request, mistakes=mistakes)


def _mistake(found: Mapping[str, Any]) -> dict[str, str]:
    if found["type"] == "json_invalid":  # its place is a number of characters, which reads like a member's name
        return {"where": "body", "what": f"is not JSON at character {found['loc'][-1]}: {found['ctx']['error']}"}
    return {"where": ".".join(map(str, found["loc"])), "what": found["msg"].removeprefix(_PYDANTIC_SAYS)}


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(status, "http_error")
    message = str(error.detail) if isinstance(error, HTTPException) else "The request failed."
    return problem(status, code=code, message=message, request=request)


async def _database(request: Request, error: Exception) -> Response:
    log.warning("request.database_away", path=request.url.path, error=type(error).__name__)
    message = "The database is away for a moment; send the same request again, with the same idempotency key."
    return problem(503, code="database_away", message=message, request=request, retry_after=AWAY_S)


async def _busy(request: Request, error: Exception) -> Response:
    """Nothing of the request was done: it met another transaction, or waited for one for too long."""
    log.warning("request.database_busy", path=request.url.path, error=type(error).__name__)
    message = "Others changed the same things at that moment, and nothing was done; send the same request again."
    return problem(503, code="database_busy", message=message, request=request, retry_after=BUSY_S)


async def _bug(request: Request, error: Exception) -> Response:
    request_id = uuid.uuid4().hex[:12]
    log.error("request.failed", path=request.url.path, request_id=request_id, exc_info=error)
    return problem(
        500, code="internal_error", message=f"Our own fault; the log has it as {request_id}.", request=request
    )
