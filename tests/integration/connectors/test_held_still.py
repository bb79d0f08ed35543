"""A process that is stopped (SIGSTOP) while it waits for a target."""

import asyncio
import signal
import sys
import time

import pytest

from tests.waiting import eventually
from worker.telemetry.pulse import EVERY_S, HELD_S

PROGRAM = """
import asyncio
from worker.connectors.guard import ConnectorGuard
from worker.domain.connector import Limits
from worker.domain.errors import ConnectorError

class Hanging:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        pass

    async def get(self, object_class, uid):
        print("waiting", flush=True)
        await asyncio.Event().wait()

async def main():
    async with ConnectorGuard(Hanging, capabilities=frozenset({"get"}), limits=Limits(deadline_s=1)) as guard:
        for _ in range(2):
            try:
                await guard.get("user", "1")
            except ConnectorError as error:
                print(error.code, flush=True)

asyncio.run(main())
"""


@pytest.mark.timeout(120)
async def test_a_stopped_process_does_not_say_that_its_target_did_not_answer() -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    try:
        told = [await child.stdout.readline()]
        child.send_signal(signal.SIGSTOP)
        until = time.monotonic() + EVERY_S + 2 * HELD_S
        await eventually(lambda: time.monotonic() > until, timeout=60)
        child.send_signal(signal.SIGCONT)
        told += [await child.stdout.readline() for _ in range(3)]
    finally:
        child.kill()
        await child.wait()

    assert told == [b"waiting\n", b"held_still\n", b"waiting\n", b"target_timeout\n"]
