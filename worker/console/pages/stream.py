"""The stream of hints: which kind of thing changed. Pages fetch what they show again when they hear of it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from worker.console.desk import Desk

BEAT_S = 15.0
#: A stream ends after this long; the browser comes back at once, with its session looked at anew.
LONGEST_S = 300.0


def routes(desk: Desk) -> list[Route]:
    async def stream(request: Request) -> Response:
        session = await desk.auth.session(request)
        if session is None:
            return Response("Sign in first.", 401, media_type="text/plain")
        return StreamingResponse(
            lines(desk, session.principal.tenant_id),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return [Route("/api/stream", stream)]


async def lines(desk: Desk, tenant_id: UUID) -> AsyncIterator[str]:
    """Server-sent events named by topic, a comment as heartbeat, and an end when the daemon stops."""
    changes = aiter(desk.reads.changes(tenant_id))
    clock = asyncio.get_running_loop().time
    ends = clock() + LONGEST_S
    yield "retry: 1000\n\n"
    waiting = asyncio.ensure_future(anext(changes, None))
    try:
        while clock() < ends:
            done, _ = await asyncio.wait({waiting}, timeout=BEAT_S)
            if not done:
                yield ": still here\n\n"
                continue
            topic = waiting.result()
            if topic is None:
                return
            yield f"event: {topic}\ndata: {{}}\n\n"
            waiting = asyncio.ensure_future(anext(changes, None))
    finally:
        waiting.cancel()
