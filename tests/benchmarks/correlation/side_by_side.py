"""Correlation without labels: how right, how sure, how fast; beside Splink, recordlinkage and exact rules."""

import asyncio
import csv
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.correlation.company import Row
from tests.benchmarks.correlation.measures import Measured, Pair, best_per_left, measured
from tests.benchmarks.correlation.ours import Said, by_exact_rules, correlated
from tests.benchmarks.correlation.sets import HELD_OUT, Labelled, febrl, organisation
from tests.benchmarks.figures import Figure, Size, at_least, at_most, left_out
from tests.benchmarks.ground import Ground
from tests.benchmarks.queue.installing import NotToBeHad, python_folder

PINS = Path(__file__).with_name("peers") / "requirements.txt"
RIVALS = Path(__file__).with_name("peers") / "rivals.py"
WITHIN_S = 900.0
#: The least F1 in percent, by set; organisations have one.
F1 = {"febrl1": 99.9, "febrl3": 99.9, "febrl4": 99.95}
F1_ORGANISATION, AUTO_RECALL, AUTO_PRECISION, ECE = 98.5, 95.0, 99.5, 1.0
TIMES_SPLINK = 10.0
_PUBLIC, _QUICK_PUBLIC = ["febrl1", "febrl3", "febrl4"], ["febrl4"]
#: An account's column by the identity's of the same meaning; the peers need one name for both.
_SAME = {"login": "username", "employee_id": "employee_number"}


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Public data, which comes with a peer, and organisations of our own that were never looked at."""
    peers: Path | None = None
    if size.has_peers:
        try:
            peers = await asyncio.to_thread(python_folder, PINS, "correlation")
        except NotToBeHad as error:
            yield left_out("correlation beside peers", "%", str(error))
    names = _PUBLIC if size.has_all_peers else _QUICK_PUBLIC
    if peers is None:
        yield left_out("correlation of public data", "%", "it comes with a peer, and there are none")
    else:
        for labelled in await asyncio.to_thread(febrl, names, peers):
            for figure in await asyncio.to_thread(_compared, labelled, size, peers):
                yield figure
    for name, company in HELD_OUT.items():
        labelled = organisation(name, company, people=size.employed)
        for figure in await asyncio.to_thread(_compared, labelled, size, peers):
            yield figure


def _compared(labelled: Labelled, size: Size, peers: Path | None) -> list[Figure]:
    said, shipped = correlated(labelled, learns=True), correlated(labelled, learns=False)
    ours = measured(said.pairs, labelled.truth, auto=said.auto)
    untaught = measured(shipped.pairs, labelled.truth, auto=shipped.auto)
    found = [*_ours(labelled.name, ours), *_theirs(labelled.name, "shipped weights", untaught, ours)]
    if not labelled.name.startswith("febrl"):
        exact = by_exact_rules(labelled)
        found += _theirs(labelled.name, "exact rules", measured(exact.pairs, labelled.truth, auto=exact.auto), ours)
    if peers is not None and (size.has_all_peers or labelled.name in {"febrl4", "usual"}):
        for rival in ("splink", "recordlinkage"):
            theirs = _rival(rival, labelled, peers)
            found += _theirs(labelled.name, rival, measured(theirs.pairs, labelled.truth), ours)
            found += _seconds(labelled.name, rival, theirs.seconds, learning=said.seconds, shipped=shipped.seconds)
    return found


def _ours(name: str, ours: Measured) -> Iterator[Figure]:
    yield at_least(f"{name}, F1", 100 * ours.f1, "%", F1.get(name, F1_ORGANISATION))
    yield at_least(f"{name}, best F1", 100 * ours.best_f1, "%", F1.get(name, F1_ORGANISATION))
    yield at_least(f"{name}, precision", 100 * ours.precision, "%", AUTO_PRECISION)
    yield at_least(f"{name}, recall", 100 * ours.recall, "%", AUTO_RECALL)
    yield at_least(f"{name}, unseen recall", 100 * ours.unseen_recall, "%", AUTO_RECALL)
    yield at_least(f"{name}, linked unseen by itself", 100 * ours.auto_recall, "%", AUTO_RECALL)
    yield at_least(f"{name}, right of those", 100 * ours.auto_precision, "%", AUTO_PRECISION)
    yield at_most(f"{name}, calibration error", 100 * ours.ece, "%", ECE)


def _theirs(name: str, rival: str, theirs: Measured, ours: Measured) -> Iterator[Figure]:
    """Our figure beside theirs; what they would link by themselves is what reaches 0.995."""
    for what, mine, other in (
        ("F1", ours.f1, theirs.f1),
        ("best F1", ours.best_f1, theirs.best_f1),
        ("unseen recall", ours.unseen_recall, theirs.unseen_recall),
        ("calibration error", ours.ece, theirs.ece),
    ):
        ratio = mine / other if other else None
        yield Figure(f"{name}, {what}, beside {rival}", 100 * mine, "%", f"{rival}: {100 * other:.2f}", ratio or 0.0)


def _seconds(name: str, rival: str, theirs: float, *, learning: float, shipped: float) -> Iterator[Figure]:
    promised = f" (target: at most 1/{TIMES_SPLINK:g} of it)" if rival == "splink" else ""
    for how, ours in (("", learning), (", shipped weights", shipped)):
        versus = f"{rival}: {theirs:.2f} s{promised}"
        yield Figure(f"{name}{how}, beside {rival}", ours, "s", versus, ours / theirs)


def _rival(rival: str, labelled: Labelled, peers: Path) -> Said:
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        known = {_SAME.get(name, name) for name in labelled.lefts[0]}
        columns = [column for column in labelled.rights[0] if column in known]
        _write(folder / "lefts.csv", labelled.lefts, columns)
        if not labelled.is_duplicates:
            _write(folder / "rights.csv", labelled.rights, columns)
        done = subprocess.run(
            [sys.executable, str(RIVALS), rival, directory],
            env={"PYTHONPATH": str(peers), "HOME": directory},
            capture_output=True, text=True, check=False, timeout=WITHIN_S,
        )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{rival} failed: {done.stderr.strip().splitlines()[-1:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    pairs: dict[Pair, float] = {}
    for left, right, sure in answer["pairs"]:
        pairs[(min(left, right), max(left, right)) if labelled.is_duplicates else (left, right)] = sure
    return Said(pairs if labelled.is_duplicates else best_per_left(pairs), None, answer["seconds"])


def _write(path: Path, rows: list[Row], columns: list[str]) -> None:
    """As the peers can compare it: one name for a column of both tables, no case, no prefix of a number."""
    own = {_SAME.get(name, name): name for name in rows[0]}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            values = {column: row[own[column]].lower() if column != "id" else row["id"] for column in columns}
            if values.get("employee_number"):
                values["employee_number"] = values["employee_number"].removeprefix("e")
            writer.writerow(values)
