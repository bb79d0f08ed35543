"""``/healthz``, ``/readyz``, ``/metrics`` and ``/status``: how we are. Ready depends on our own database alone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from worker.security import Role, require
from worker.store import overview, schema
from worker.store.pool import DatabaseGone, Pool
from worker.telemetry import metrics
from worker.web.auth import Auth

READY_WITHIN_S = 2.0


@dataclass(slots=True)
class Health:
    """What these pages know. ``is_open``: bound to loopback, so metrics and status ask for no token."""

    pool: Pool
    auth: Auth
    version: str
    roles: Sequence[str]
    is_open: bool
    is_draining: Callable[[], bool] = lambda: False
    facts: Callable[[], dict[str, Any]] = field(default=dict)

    async def not_ready(self) -> str | None:
        """Why we are not ready, in a sentence; None when we are."""
        if self.is_draining():
            return "draining"
        try:
            async with asyncio.timeout(READY_WITHIN_S), self.pool.acquire() as conn:
                return schema.refusal(await schema.state(conn))
        except DatabaseGone:
            return "the database does not answer"


def health_routes(health: Health) -> list[Route]:
    """The four routes; the first two are open to everybody."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reason = await health.not_ready()
        return PlainTextResponse("ready\n" if reason is None else f"{reason}\n", 200 if reason is None else 503)

    async def metrics_page(_: Request) -> Response:
        return Response(metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def status(_: Request) -> Response:
        async with health.pool.acquire() as conn:
            found = await overview.status(conn)
        return JSONResponse(
            {
                "version": health.version,
                "roles": list(health.roles),
                "ready": await health.not_ready() is None,
                **found,
                **health.facts(),
            }
        )

    def guarded(page: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            if not health.is_open:
                require((await health.auth.of_token(request)).roles, Role.METRICS)
            return await page(request)

        return checked

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", guarded(metrics_page)),
        Route("/status", guarded(status)),
    ]
