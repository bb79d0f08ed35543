"""``provisiond dev``."""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

import uvloop

from worker.cli.output import Progress, console, say
from worker.cli.serving import on_signals
from worker.service.development import Development, make_directory
from worker.telemetry import logs

DEFAULT_PORT = 8080


def dev(options: argparse.Namespace) -> int:
    """Run everything until a signal ends it."""
    directory = Path(options.data_dir or os.environ.get("PROVISIOND_DATA_DIR") or ".provisiond")
    make_directory(directory)
    with (directory / "daemon.log").open("a", encoding="utf-8") as log:
        logs.configure(level="info", format="json", stream=log)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_dev(options, directory))


async def _dev(options: argparse.Namespace, directory: Path) -> int:
    stop = asyncio.Event()
    started = time.monotonic()
    progress = Progress()

    async def ready(link: str) -> None:
        progress.end()
        console.print(f"\n[bold]provisiond is ready[/] after {time.monotonic() - started:.1f} s.", markup=True)
        say("Sign in once with this link, it lives 15 minutes:")
        say(f"  {link}")
        say(f"The daemon's log is {directory / 'daemon.log'}. Ctrl-C drains and stops everything.")
        sys.stdout.flush()

    port = DEFAULT_PORT if options.port is None else options.port
    development = Development(
        directory,
        port=port,
        is_empty=options.empty,
        employees=options.employees,
        without_drift=options.no_drift,
        say=progress.say,
        stop=stop,
    )
    on_signals(stop, at_once=development.kill)
    try:
        await development.run(ready)
    finally:
        progress.end()
    say("Everything that was started is stopped.")
    return 0
