"""``provisiond serve``."""

import argparse
import asyncio
import os
import signal
import sys

import uvloop

from worker.cli.context import settings_of
from worker.service.daemon import Daemon
from worker.settings import Settings
from worker.telemetry import logs

HURRIED = 130


def serve(options: argparse.Namespace) -> int:
    """Run a daemon until a signal ends it."""
    settings = settings_of(options, roles=options.roles, bind__port=options.port, bind__host=options.host)
    logs.configure(level=settings.log.level, format=settings.log.format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    on_signals(stop)
    await Daemon(settings, stop=stop).run()
    return 0


def on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT drain and stop; a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():
            sys.stderr.write("provisiond: ended at once, what was under way is taken up by its lease\n")
            sys.stderr.flush()
            os._exit(HURRIED)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
