"""``provisiond dev``."""

import argparse
import asyncio
import sys
import time
from pathlib import Path

import uvloop

from worker.cli.output import console
from worker.cli.serving import on_signals
from worker.service.development import Development
from worker.telemetry import logs


def dev(options: argparse.Namespace) -> int:
    """Run everything until a signal ends it."""
    directory = Path(options.data_dir or ".provisiond")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / "daemon.log").open("a", encoding="utf-8") as log:
        logs.configure(level="info", format="json", stream=log)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_dev(options, directory))


async def _dev(options: argparse.Namespace, directory: Path) -> int:
    stop = asyncio.Event()
    on_signals(stop)
    started = time.monotonic()
    progress = Progress()

    async def ready(link: str) -> None:
        progress.end()
        console.print(f"\n[bold]provisiond is ready[/] after {time.monotonic() - started:.1f} s.")
        console.print("Sign in once with this link, it lives 15 minutes:")
        console.print(f"  {link}", soft_wrap=True, highlight=False)
        console.print(f"The daemon's log is {directory / 'daemon.log'}. Ctrl-C drains and stops everything.")
        sys.stdout.flush()

    development = Development(
        directory,
        port=options.port or 8080,
        is_empty=options.empty,
        employees=options.employees,
        without_drift=options.no_drift,
        say=progress.say,
        stop=stop,
    )
    try:
        await development.run(ready)
    finally:
        progress.end()
    console.print("Everything that was started is stopped.")
    return 0


class Progress:
    """What takes long, in sentences: a spinner on a terminal, lines elsewhere."""

    def __init__(self) -> None:
        self._status = console.status("Starting …") if console.is_terminal else None
        if self._status is not None:
            self._status.start()

    def say(self, sentence: str) -> None:
        """Say what is being done now."""
        if self._status is not None:
            self._status.update(sentence)
        else:
            console.print(sentence, markup=False)

    def end(self) -> None:
        """Nothing takes long any more."""
        if self._status is not None:
            self._status.stop()
            self._status = None
