"""What the kernel knows of processes: time on a core, memory."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1024


def memory_mib(pid: int, field: str) -> float:
    """MiB of one process: ``VmRSS`` now, or ``VmHWM``, the most there ever was."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / _MIB


def cpu_s(pid: int) -> float:
    """Seconds on a core of a process and all that it started, also of what has ended and was waited for."""
    try:
        fields = _stat(pid)
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text(encoding="ascii").split()
        ]
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile: its parent has its time
        return 0.0
    return sum(int(each) for each in fields[11:15]) / _TICKS + sum(cpu_s(child) for child in children)


def parent_of(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    """The fields behind the name, which may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
