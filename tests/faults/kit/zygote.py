"""Forks daemons: a process that has imported everything, so that the next daemon costs no import.

    python -m tests.faults.kit.zygote

Reads a line of JSON for each daemon, ``{"settings": …, "log": path}``, and answers with its process id. Whatever it
forked dies with it, and it ends when its standard input does.
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
from typing import Any, NoReturn

import uvloop

from worker.cli.serving import run_until_signalled
from worker.connectors.builtin import sql as _sql  # noqa: F401 - imported by the first target otherwise, in every child
from worker.hooks import HookExecutor
from worker.service import daemon
from worker.settings import load
from worker.telemetry import logs

PR_SET_PDEATHSIG = 1
FAILED = 3


def main() -> None:
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended: the kernel forgets them at once
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become_daemon(order["settings"], order["log"])
        print(pid, flush=True)


class NoScripts(HookExecutor):
    """Nothing is bound to a hook in a storm, and children that wait for scripts would cost more than the daemons."""

    async def start(self) -> None:
        """Start no child."""


def become_daemon(settings: dict[str, Any], log: str) -> NoReturn:
    """Be what ``provisiond serve`` is, under a parent that ends it when it ends."""
    code = FAILED
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        daemon.HookExecutor = NoScripts
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        logs.configure(level="info", format="json")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(run_until_signalled(load(environ={}, overrides=settings)))
        print(json.dumps({"event": "kit.ended", "code": code}), flush=True)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the child must not go on as a zygote
        print(json.dumps({"event": "kit.failed", "error": f"{type(error).__name__}: {error}"}), flush=True)
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
