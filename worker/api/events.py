"""Events in: answered 202 when they are on disk, and not before."""

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from worker.domain.errors import InvalidRequest
from worker.intake import MAX_BODY, EventReceiver, parse
from worker.security import Principal, Role
from worker.web import Auth, needs


class Received(BaseModel):
    """How many were new, and how many we had already."""

    accepted: int
    duplicates: int


def build(receiver: EventReceiver, auth: Auth) -> APIRouter:
    """POST /api/events: CloudEvents 1.0, structured, binary or a batch; with a token of role ingest."""
    router = APIRouter(prefix="/api/events", tags=["events"])
    sender = needs(auth, Role.INGEST)

    @router.post("", status_code=202, response_model=Received)
    async def receive(request: Request, who: Principal = sender) -> Received:
        events = parse(request.headers, await _body(request))
        received = await receiver.receive(who.tenant_id, events=events)
        return Received(accepted=received.accepted, duplicates=received.duplicates)

    return router


async def _body(request: Request) -> bytes:
    """The body, read no further than is allowed."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise InvalidRequest(f"The body is longer than {MAX_BODY // 1024 // 1024} MiB.")
        parts.append(part)
    return b"".join(parts)
