"""``/healthz``, ``/readyz``, ``/metrics`` and ``/status``: how we are. Ready depends on our own database alone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from worker.security import Principal, Role, require
from worker.store import connectors, overview, schema
from worker.store.pool import DatabaseGone, Pool
from worker.store.tenant import tenant
from worker.telemetry import metrics
from worker.web.auth import Auth
from worker.web.scraping import of_connectors

READY_WITHIN_S = 2.0


@dataclass(slots=True)
class Health:
    """What these pages know. ``is_open``: bound to loopback, so metrics and status ask for no token.

    With a token one sees what is of its tenant, and the numbers of the process.
    """

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

    async def reader(self, request: Request) -> Principal | None:
        """Who reads; None on loopback, where whoever has the machine sees all. Raises Unauthenticated or Forbidden."""
        if self.is_open:
            return None
        found = await self.auth.of_token(request)
        require(found.roles, Role.METRICS)
        return found

    async def connectors_of(self, who: Principal) -> list[str]:
        """The names of the connectors of a reader's tenant."""
        async with tenant(self.pool, who.tenant_id) as conn:
            return [each.name for each in await connectors.everyone(conn, tenant_id=who.tenant_id)]


def health_routes(health: Health) -> list[Route]:
    """The four routes; the first two are open to everybody."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reason = await health.not_ready()
        return PlainTextResponse("ready\n" if reason is None else f"{reason}\n", 200 if reason is None else 503)

    async def metrics_page(_: Request, who: Principal | None) -> Response:
        page = metrics.render() if who is None else of_connectors(await health.connectors_of(who))
        return Response(page, media_type=metrics.CONTENT_TYPE)

    async def status(_: Request, who: Principal | None) -> Response:
        async with health.pool.acquire() as conn:
            found = await overview.status(conn, only=who.tenant_id if who else None)
        return JSONResponse(
            {
                "version": health.version,
                "roles": list(health.roles),
                "ready": await health.not_ready() is None,
                **found,
                **health.facts(),
            }
        )

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", _guarded(health, metrics_page)),
        Route("/status", _guarded(health, status)),
    ]


def _guarded(
    health: Health, page: Callable[[Request, Principal | None], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """The page for those who may read it, told who they are."""

    async def checked(request: Request) -> Response:
        return await page(request, await health.reader(request))

    return checked
