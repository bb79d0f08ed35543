"""Where the PostgreSQL of a test run is, for the process that keeps it (tests/cluster.py) and those that use it."""

import os
import tempfile
from pathlib import Path

TEMPLATE = "provisiond_template"
READY = "ready.json"
FAILED = "failed.txt"
NAME = f"provisiond-tests-{os.getuid()}-"
MEMORY = Path("/dev/shm")
MEMORY_WANTED = 2 * 1024**3


def session_directory(session: int) -> Path:
    """Where the cluster of this test run lives: in memory when there is plenty, for a clone makes 700 files."""
    known = [base / f"{NAME}{session}" for base in (MEMORY, Path(tempfile.gettempdir()))]
    return next((each for each in known if each.exists()), known[0] if is_roomy(MEMORY) else known[1])


def is_roomy(folder: Path) -> bool:
    if not os.access(folder, os.W_OK):
        return False
    free = os.statvfs(folder)
    return free.f_bavail * free.f_frsize >= MEMORY_WANTED


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
