"""``provisiond serve``."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable

import uvloop

from worker.cli.configuration import settings_of
from worker.service.daemon import Daemon
from worker.settings import Settings
from worker.telemetry import logs

HURRIED = 130


def serve(options: argparse.Namespace) -> int:
    """Run a daemon until a signal ends it."""
    settings = settings_of(options, roles=options.roles, bind__port=options.port, bind__host=options.host)
    logs.configure(level=settings.log.level, format=settings.log.format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run_until_signalled(settings))


async def run_until_signalled(settings: Settings) -> int:
    """Run a daemon on this loop until a signal ends it; the exit code."""
    stop = asyncio.Event()
    on_signals(stop)
    await Daemon(settings, stop=stop).run()
    return 0


def on_signals(stop: asyncio.Event, *, at_once: Callable[[], None] = lambda: None) -> None:
    """SIGTERM and SIGINT drain and stop; a second one ends the process at once, after calling ``at_once``."""
    loop = asyncio.get_running_loop()
    is_asked = asyncio.Event()  # a daemon that ends by itself sets ``stop`` too

    def asked() -> None:
        if is_asked.is_set():
            at_once()
            sys.stderr.write("provisiond: ended at once, what was under way is taken up by its lease\n")
            sys.stderr.flush()
            os._exit(HURRIED)
        is_asked.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
