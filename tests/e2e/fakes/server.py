"""The console over the sample as a server: in a test, or by hand with ``python -m tests.e2e.fakes.server``."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvicorn
from fastapi import APIRouter, FastAPI

from tests.e2e.fakes.acts import FakeActs, FakeAuth, Person
from tests.e2e.fakes.causes import FakeCauses
from tests.e2e.fakes.hooks import FakeHooks
from tests.e2e.fakes.mappings import FakeMappings
from tests.e2e.fakes.reads import FakeReads
from tests.e2e.fakes.repairs import FakeRepairs
from tests.e2e.fakes.rules import FakeRules
from tests.e2e.fakes.schedules import FakeSchedules
from worker.console import build_console


@dataclass(slots=True)
class FakeConsole:
    """A running console with its parts in reach."""

    reads: FakeReads
    acts: FakeActs
    auth: FakeAuth
    hooks: FakeHooks
    mappings: FakeMappings
    causes: FakeCauses
    schedules: FakeSchedules
    repairs: FakeRepairs
    rules: FakeRules
    address: str = ""


def pages(console: FakeConsole) -> APIRouter:
    return build_console(
        console.reads,
        console.acts,
        console.auth,
        console.hooks,
        console.mappings,
        causes=console.causes,
        schedules=console.schedules,
        repairs=console.repairs,
        rules=console.rules,
    )


def build(console: FakeConsole) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.include_router(pages(console))
    return app


def fake_console(*, quiet: bool = False, rows: int = 50, person: Person | None = None) -> FakeConsole:
    """All parts over the sample; ``person`` is signed in."""
    reads = FakeReads(quiet=quiet, rows=rows)
    return FakeConsole(
        reads,
        FakeActs(reads),
        FakeAuth(person) if person else FakeAuth(),
        FakeHooks(quiet=quiet),
        FakeMappings(),
        FakeCauses(),
        FakeSchedules(),
        FakeRepairs(),
        FakeRules(),
    )


@contextlib.asynccontextmanager
async def running(*, quiet: bool = False, rows: int = 50, port: int = 0) -> AsyncIterator[FakeConsole]:
    """Serve the console on 127.0.0.1 until the block ends."""
    console = fake_console(quiet=quiet, rows=rows)
    with socket.create_server(("127.0.0.1", port)) as listener:
        config = uvicorn.Config(build(console), log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]  # the test owns signals
        task = asyncio.create_task(server.serve(sockets=[listener]))
        console.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield console
        finally:
            console.reads.stop.set()
            server.should_exit = True
            await task


async def _main() -> None:
    async with running(port=8090) as console:
        print(console.address, "token", "pvd_sample_token")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
