"""``provisiond correlate files`` over two large tables: how long it takes, on how many cores, in how much memory."""

import asyncio
import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.correlation.company import Row
from tests.benchmarks.correlation.sets import HELD_OUT, organisation
from tests.benchmarks.figures import Figure, Size, at_least, at_most
from tests.benchmarks.ground import Ground

#: What is promised of a million people and their accounts; in proportion for other sizes, the memory as it is.
SECONDS_A_MILLION, MEGABYTES = 60.0, 2_500.0
_LOOKED_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    on_core: float
    megabytes: float
    accounts: int


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """One run over an organisation of ``size.correlated`` people; not to tell of each account is an error."""
    with TemporaryDirectory() as directory:
        made = await asyncio.to_thread(_tables, Path(directory), size.correlated)
        run = await asyncio.to_thread(_correlated, Path(directory))
    if run.accounts != made:
        raise RuntimeError(f"{run.accounts} of {made} accounts were told of")
    name, within = f"correlate files, {size.correlated:,} people", SECONDS_A_MILLION * size.correlated / 1_000_000
    yield at_most(name, run.seconds, "s", within)
    yield at_most(f"{name}, on cores", run.on_core, "s", 2 * within)
    yield at_least(f"{name}, a second", run.accounts / run.seconds, "accounts", 1_000_000 / SECONDS_A_MILLION)
    yield at_most(f"{name}, memory", run.megabytes, "MB", MEGABYTES)


def _tables(folder: Path, people: int) -> int:
    """Write both; how many accounts there are."""
    labelled = organisation("usual", HELD_OUT["usual"], people=people)
    _write(folder / "identities.csv", labelled.rights)
    _write(folder / "accounts.csv", labelled.lefts)
    return len(labelled.lefts)


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _correlated(folder: Path) -> _Run:
    """In a process of its own, and those that it starts; the memory is what all of them have together, shared once."""
    options = [f"--{name}={folder / name}.csv" for name in ("identities", "accounts", "out")]
    command = [sys.executable, "-m", "worker", "correlate", "files", "--json", *options]
    before, began, most = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            most = max(most, _megabytes([process.pid, *_children(process.pid)]))
            time.sleep(_LOOKED_EVERY_S)
        seconds = time.monotonic() - began
        answer, complaint = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"correlate files failed: {complaint.strip().splitlines()[-1:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    on_core = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _Run(seconds, on_core, most, json.loads(answer)["accounts"])


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:  # it has ended
        return []


def _megabytes(pids: Iterable[int]) -> float:
    """What these processes have, a page that several share counted once."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:  # it has ended
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1000
