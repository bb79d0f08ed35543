"""What a benchmark prints: one figure a line, each beside what it is compared with."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

#: Columns of a measure's name.
WIDTH = 44


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; ``ratio`` is value / what ``versus`` names. Nothing measured: ``value`` None, ``note`` why.

    For what says "at most" a ratio below 1 is good, for everything else one above 1.
    """

    measure: str
    value: float | None
    unit: str
    versus: str
    ratio: float | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. ``scale`` shrinks everything alike, for a look whether it still runs.

    ``has_peers``: beside other people's queues, those that something is promised against; ``has_all_peers``: and more.
    """

    people: int = 5_000
    creates: int = 1_000
    already: int = 500
    scim_creates: int = 1_000
    noops: int = 100_000
    turns: int = 3
    short: int = 100_000
    picks: int = 200
    deaf_picks: int = 60
    waiting: int = 1_000_000
    finished: int = 10_000_000
    held_s: int = 60
    ordered: int = 20_000
    submitted: int = 200_000
    events: int = 3_000
    idle_s: int = 60
    crowd: int = 500_000
    trickle: int = 600
    stored: int = 1_000_000
    asked: int = 1_300
    reconciled: int = 1_000_000
    changed: int = 10_000
    served: int = 2_000
    rows: int = 100_000
    employed: int = 5_000
    correlated: int = 1_000_000
    strangers: int = 30
    looked_among: int = 1_000_000
    strange_people: int = 0
    worked: int = 5_000
    starts: int = 3
    calls: int = 4_000
    batches: int = 200
    replaced: int = 11
    mapped: int = 100_000
    has_peers: bool = True
    has_all_peers: bool = True

    def scaled(self, factor: float) -> "Size":
        sizes = {name: value for name, value in asdict(self).items() if not isinstance(value, bool)}
        return replace(self, **{name: max(1, round(value * factor)) for name, value in sizes.items() if value})


FULL = Size()
QUICK = Size(
    people=2_000,
    creates=300,
    already=50,
    scim_creates=200,
    noops=20_000,
    turns=1,
    short=10_000,
    picks=100,
    deaf_picks=15,
    waiting=50_000,
    finished=50_000,
    held_s=3,
    ordered=5_000,
    submitted=10_000,
    events=200,
    idle_s=10,
    crowd=50_000,
    trickle=100,
    stored=30_000,
    asked=130,
    reconciled=50_000,
    changed=5_000,
    served=500,
    rows=20_000,
    employed=2_000,
    correlated=20_000,
    strangers=6,
    looked_among=30_000,
    strange_people=1_500,
    worked=300,
    starts=1,
    calls=1_000,
    batches=40,
    replaced=5,
    mapped=20_000,
    has_all_peers=False,
)


def at_least(measure: str, value: float, unit: str, target: float) -> Figure:
    """A rate against what the product promises."""
    return Figure(measure, value, unit, f"target: at least {target:g}", value / target)


def at_most(measure: str, value: float, unit: str, target: float) -> Figure:
    """A time or size against what the product promises."""
    return Figure(measure, value, unit, f"target: at most {target:g}", value / target)


def beside(measure: str, value: float, unit: str, *, peer: str, rate: float, wanted: float | None = None) -> Figure:
    """A rate against that of somebody who does the same by hand, on the same server in the same run.

    ``wanted``: the ratio that the product promises.
    """
    promised = f" (target: at least {wanted:g} of it)" if wanted is not None else ""
    return Figure(measure, value, unit, f"{peer}: {rate:,.0f}{promised}", value / rate)


def not_above(measure: str, value: float, unit: str, *, peer: str, theirs: float) -> Figure:
    """A time against that of somebody else on the same server in the same run."""
    return Figure(measure, value, unit, f"at most that of {peer}: {theirs:.2f}", value / theirs)


def left_out(measure: str, unit: str, why: str) -> Figure:
    """Something that cannot be measured here."""
    return Figure(measure, None, unit, "", note=why)


def as_json(figure: Figure) -> str:
    """One line: measure, value, unit, versus, ratio, and a note where something is left out."""
    found: dict[str, Any] = asdict(figure)
    found["value"] = None if figure.value is None else round(figure.value, 3)
    found["ratio"] = None if figure.ratio is None else round(figure.ratio, 3)
    if figure.note is None:
        del found["note"]
    return json.dumps(found)


def as_line(figure: Figure) -> str:
    """The same for people."""
    if figure.value is None or figure.ratio is None:
        return f"{figure.measure:<{WIDTH}}{'-':>12}  {figure.unit:<14}left out: {figure.note}"
    shown = f"{figure.value:,.0f}" if figure.value >= 100 else f"{figure.value:.2f}"
    return f"{figure.measure:<{WIDTH}}{shown:>12}  {figure.unit:<14}{figure.ratio:>7.2f} x  {figure.versus}"


def heading() -> str:
    return f"{'measure':<{WIDTH}}{'value':>12}  {'unit':<14}{'ratio':>7}    versus"
