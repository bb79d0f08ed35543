"""How the command line does with other people's files: rules guessed, weights learnt, nobody's labels."""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.correlation.measures import Measured, Pair, measured
from tests.benchmarks.correlation.strangers.draws import Draw, Made, Row, draw, made
from tests.benchmarks.figures import Figure, Size, at_least, at_most
from tests.benchmarks.ground import Ground
from worker.cli.correlate import _IDENTITY_IDS, files
from worker.cli.parser import build_parser

_DIALECTS = ((",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8"), (";", "utf-8"))
_Z = 1.96
#: Seeds from here on were never looked at while rules and weights were chosen.
FIRST_SEED = 9_000
F1, AUTO_RECALL, AUTO_PRECISION, ECE = 98.5, 95.0, 99.5, 1.0


@dataclass(frozen=True)
class Stranger:
    """``wrong``: accounts that were linked to another, or to somebody though nobody's; ``missed``: by what troubles."""

    draw: Draw
    measured: Measured
    linked: int
    wrong: list[str] = field(default_factory=list)
    missed: Counter[str] = field(default_factory=Counter)
    found: list[tuple[Row, str, str, float, str]] = field(default_factory=list)

    @property
    def precision_low(self) -> float:
        """What the precision of its links surely is at least (Wilson, 95 %)."""
        share, z2, count = self.measured.auto_precision, _Z * _Z, max(self.linked, 1)
        spread = _Z * sqrt(share * (1 - share) / count + z2 / (4 * count * count))
        return (share + z2 / (2 * count) - spread) / (1 + z2 / count)


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Organisations one after the other; what a tenth of them do worse than, what half of them do, and all together."""
    seeds = range(FIRST_SEED, FIRST_SEED + size.strangers)
    with TemporaryDirectory() as folder:
        people = size.strange_people or None
        found = [await asyncio.to_thread(tried, seed, Path(folder), people=people) for seed in seeds]
    for figure in figures_of(found):
        yield figure


def figures_of(found: list[Stranger]) -> list[Figure]:
    """What is promised of each of them, over all."""
    shares: list[tuple[str, Callable[[Measured], float], float]] = [
        ("F1", lambda each: each.f1, F1),
        ("linked unseen by itself", lambda each: each.auto_recall, AUTO_RECALL),
    ]
    figures = []
    for name, of, target in shares:
        rising = sorted(100 * of(each.measured) for each in found)
        figures.append(at_least(f"strangers, {name}, worst tenth", rising[len(rising) // 10], "%", target))
        figures.append(at_least(f"strangers, {name}, median", median(rising), "%", target))
    errors = sorted(100 * each.measured.ece for each in found)
    figures.append(at_most("strangers, calibration error, worst tenth", errors[-1 - len(errors) // 10], "%", ECE))
    figures.append(at_most("strangers, calibration error, median", median(errors), "%", ECE))
    linked, wrong = sum(each.linked for each in found), sum(len(each.wrong) for each in found)
    together = f"{linked:,} links, {wrong} wrong; target: at least {AUTO_PRECISION:g}"
    right = 100 * (1 - wrong / max(linked, 1))
    figures.append(Figure("strangers, right of those, together", right, "%", together, right / AUTO_PRECISION))
    worst = min(100 * each.measured.auto_precision for each in found)
    figures.append(at_least("strangers, right of those, the worst", worst, "%", AUTO_PRECISION))
    return figures


def tried(seed: int, folder: Path, *, people: int | None = None) -> Stranger:
    """Write the files of a seed, ask the command, and hold its answer against the truth."""
    both = made(draw(seed, people=people))
    delimiter, encoding = _DIALECTS[seed % len(_DIALECTS)]
    for name, rows in (("people", both.persons), ("accounts", both.accounts)):
        with (folder / f"{name}.csv").open("w", encoding=encoding, newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    tables = ["--identities", str(folder / "people.csv"), "--accounts", str(folder / "accounts.csv")]
    options = build_parser().parse_args(["correlate", "files", *tables, "--out", str(folder / "links.csv"), "--json"])
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        files(options)
    with (folder / "links.csv").open(encoding="utf-8", newline="") as file:
        return _judged(both, list(csv.DictReader(file)))


def _judged(both: Made, links: list[Row]) -> Stranger:
    places = {_id_of(row): place for place, row in enumerate(both.persons)}
    truth = {(str(place), str(owner)) for place, owner in enumerate(both.owners) if owner is not None}
    pairs: dict[Pair, float] = {}
    auto: list[Pair] = []
    wrong, missed, found = [], Counter[str](), []
    for place, (link, owner, trouble) in enumerate(zip(links, both.owners, both.troubles, strict=True)):
        whose = places.get(link["identity_id"].removeprefix("'")) if link["identity_id"] else None
        if whose is not None:
            pairs[str(place), str(whose)] = float(link["confidence"])
        if link["decision"] == "auto":
            auto.append((str(place), str(whose)))
            if whose != owner:
                wrong.append(trouble)
                found.append((both.accounts[place], "wrong", trouble, float(link["confidence"]), link["explanation"]))
        elif owner is not None:
            missed[trouble] += 1
            kind = "missed" if whose != owner else "asked"
            found.append((both.accounts[place], kind, trouble, float(link["confidence"]), link["explanation"]))
    return Stranger(both.draw, measured(pairs, truth, auto=auto), len(auto), wrong, missed, found)


def _id_of(row: Row) -> str:
    """What the command takes for the id of a person."""
    plain = {name.lower(): name for name in reversed(row)}
    return row[next((plain[name] for name in _IDENTITY_IDS if name in plain), next(iter(row)))].strip()
