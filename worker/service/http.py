"""The HTTP doors: API, console and health on one port, inside the daemon's own loop."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Sequence
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.actions import House
from worker.api import build_api
from worker.console import ConsoleSession, build_console
from worker.domain.errors import SurroundingsError
from worker.intake import EventReceiver
from worker.service.desk import Acts, ApprovalRules, Causes, Hooks, Mappings, Reads, Repairs, Rules, Schedules
from worker.settings import Role, Settings
from worker.telemetry import metrics
from worker.web import Auth, Bounded, Health, SignedIn, health_routes, install_problems

GRACE_S = 3
#: What a client may call its method is endless; the label is not.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Doors:
    """Opens the port, serves, and closes; ``tasks`` are vital for the daemon."""

    def __init__(
        self, settings: Settings, house: House, receiver: EventReceiver, *, version: str, stop: asyncio.Event
    ) -> None:
        self._settings = settings
        self._app = build_app(settings, house, receiver, version=version, stop=stop)
        self._server: uvicorn.Server | None = None
        self.tasks: Sequence[asyncio.Task[None]] = ()

    async def open(self) -> int:
        """Listen; the port. Raises SurroundingsError when it is taken."""
        listening = _listen(self._settings.bind.host, self._settings.bind.port)
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_S,
            server_header=False,
        )
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]  # signals are the daemon's
        self._server = server
        self.tasks = (asyncio.create_task(server.serve(sockets=[listening]), name="http"),)
        while not server.started and not self.tasks[0].done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        port: int = listening.getsockname()[1]
        return port

    async def close(self) -> None:
        """Answer what is under way, then stop listening."""
        if self._server is not None:
            self._server.should_exit = True
            await asyncio.wait(self.tasks, timeout=GRACE_S + 2)


def build_app(
    settings: Settings, house: House, receiver: EventReceiver, *, version: str, stop: asyncio.Event
) -> FastAPI:
    """The ASGI application of the roles that this process has."""
    app = FastAPI(title="provisiond", version=version, openapi_url=None, docs_url=None, redoc_url=None)
    install_problems(app)
    auth = Auth(house.pool)
    health = Health(
        house.pool,
        auth,
        version,
        [role.value for role in settings.roles],
        is_open=_is_loopback(settings.bind.host),
        is_draining=stop.is_set,
        facts=lambda: _facts(house),
    )
    app.add_middleware(Bounded, own=["/api/events"])
    app.add_middleware(Measured)
    app.router.routes.extend(health_routes(health))
    if Role.API in settings.roles:
        app.include_router(build_api(house, auth, receiver))
        app.router.routes.append(_description(app, auth))
    if Role.CONSOLE in settings.roles:
        app.include_router(
            build_console(
                Reads(house.pool, stop=stop, approval_rules=_approval_rules(house)),
                Acts(house),
                _Sessions(auth),
                Hooks(house),
                Mappings(house),
                causes=Causes(house),
                schedules=Schedules(house),
                repairs=Repairs(house),
                rules=Rules(house),
            )
        )
    return app


def _facts(house: House) -> dict[str, Any]:
    """What this process itself tells in ``/status``: how much of its hardening the sandbox of scripts has."""
    if house.scripts is None:
        return {"sandbox": None}
    now = house.scripts.status
    return {"sandbox": {"level": now.level, "missing": list(now.missing), "suspended": len(now.suspended)}}


def _approval_rules(house: House) -> ApprovalRules:
    return ApprovalRules(needs_second=house.two_person_approval, days=house.acceptance.limits.approval_days)


def _description(app: FastAPI, auth: Auth) -> Route:
    """The API in OpenAPI's words, for whoever has a token of any role."""

    async def described(request: Request) -> Response:
        await auth.of_token(request)
        return JSONResponse(app.openapi())

    return Route("/api/openapi.json", described)


class Measured:
    """ASGI middleware that counts requests and measures how long each waits for its answer to begin.

    Not for its end: a page that listens for changes is answered for as long as somebody looks at it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "other"
        started = time.monotonic()
        has_begun = False

        async def measured(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                _count(method, message["status"], started)
            await send(message)

        try:
            await self._app(scope, receive, measured)
        except Exception:
            if not has_begun:
                _count(method, HTTPStatus.INTERNAL_SERVER_ERROR, started)
            raise


def _count(method: str, status: int, started: float) -> None:
    metrics.http_requests_total.labels(method, f"{status // 100}xx").inc()
    metrics.http_request_seconds.labels(method).observe(time.monotonic() - started)


class _Sessions:
    """The sessions of ``web`` as the console wants them."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    async def session(self, request: Request) -> ConsoleSession | None:
        return _session(await self._auth.session(request))

    async def sign_in(self, request: Request, response: Response, *, secret: str) -> ConsoleSession | None:
        return _session(await self._auth.sign_in(request, response, secret=secret))

    async def sign_out(self, request: Request, response: Response) -> None:
        await self._auth.sign_out(request, response)


def _session(found: SignedIn | None) -> ConsoleSession | None:
    return ConsoleSession(found.principal, found.csrf_token, found.expires_at) if found else None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise SurroundingsError(f"Port {port} on {host} cannot be used: {error.strerror}.") from error
    listening.listen(512)
    listening.setblocking(False)
    return listening


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
