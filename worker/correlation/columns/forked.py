"""Two things at once, on two cores: a forked process has all that was read so far without a copy of it."""

import os
import pickle
import signal
import tempfile
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from worker.domain.errors import SurroundingsError

Found = TypeVar("Found")

#: Rows from which on a process of its own is worth its start and the way back of what it found.
LEAST = 50_000


def together(tasks: Sequence[Callable[[], Found]], *, processes: int) -> list[Found]:
    """What each task finds, in their order; all but the first in processes of their own where there may be several.

    The caller is a process that does nothing else meanwhile. What a task raises is raised here, and
    SurroundingsError when a process ends without an answer.
    """
    if processes < 2:
        return [task() for task in tasks]
    others = [_Forked(task) for task in tasks[1:]]
    try:
        first = tasks[0]()
        return [first, *(other.answer() for other in others)]
    finally:
        for other in others:
            other.end()


class _Forked:
    """A process that does one thing, and leaves what it found in a file without a name."""

    def __init__(self, task: Callable[[], Any]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        self._pid = os.fork()
        if self._pid == 0:
            self._run(task)

    def _run(self, task: Callable[[], Any]) -> None:
        """In the new process; nothing of the old one's is closed, flushed or told there."""
        status = 1
        try:
            try:
                found: tuple[bool, Any] = True, task()
            except Exception as error:  # noqa: BLE001 - handed to whoever asked
                found = False, error
            pickle.dump(found, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._file.flush()
            status = 0
        finally:
            os._exit(status)

    def answer(self) -> Any:
        """Wait for it."""
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        if status != 0:
            code = os.waitstatus_to_exitcode(status)
            raise SurroundingsError(
                f"one of two processes ended without an answer (status {code}): too little memory, mostly"
            )
        self._file.seek(0)
        is_found, found = pickle.load(self._file)  # noqa: S301 - written by ourselves
        if not is_found:
            raise found
        return found

    def end(self) -> None:
        """It is not waited for any more."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
        self._file.close()
