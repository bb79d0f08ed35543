"""What must be true after a storm: read from four records that know nothing of each other.

The submitter's file (what was acknowledged), what triggers told (every move as the database made it), the daemon's
own tables, and the target's ledger. Each check returns sentences; none means that the promise was kept.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

from tests import invariants
from tests.faults.kit.site import Site
from tests.faults.kit.target import Effect, ledger

Connection: TypeAlias = "asyncpg.Connection[Any]"

#: What a storm may make of an operation beside completing it: process after process died with it.
EXPECTED_LETTERS = frozenset({"crash_loop"})
#: A stopped process may have been about to send: one change in so many pauses may come late, and is refused there.
PAUSES_A_LATE_CHANGE = 1_000

#: The rule that a process breaks which writes down what is no longer its own.
BY_ANOTHER = "what is written of a try is written by whoever claimed it"
WHERE = """
SELECT id, 'live' AS place FROM operations UNION ALL SELECT id, 'dead' FROM dead_letters
UNION ALL SELECT id, status FROM operations_archive
"""
LETTERS = "SELECT coalesce(error_code, '-') AS code, count(*) AS n FROM dead_letters GROUP BY 1"
LEASES = "SELECT format('the lease of process %s', pid) AS what FROM workers"


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the submitter's file says: every operation that was sent, and those that were acknowledged."""

    sent: dict[str, tuple[str, int]] = field(default_factory=dict)
    acknowledged: frozenset[str] = frozenset()


@dataclass(slots=True)
class Verdict:
    """Broken promises, and the figures that people want to see."""

    violations: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def blame(self, what: str, found: list[Any]) -> None:
        if found:
            self.violations.append(f"{what}: {len(found)}, as {', '.join(str(one) for one in found[:3])}")


def submitted(path: Path) -> Submitted:
    """Read the file; a last line without its end was never on the disk."""
    sent: dict[str, tuple[str, int]] = {}
    acknowledged = set()
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.endswith("\n"):
            continue
        operation_id, login, rank = line.strip().removeprefix("?").split(",")
        sent[operation_id] = (login, int(rank))
        if not line.startswith("?"):
            acknowledged.add(operation_id)
    return Submitted(sent, frozenset(acknowledged))


async def judge(site: Site, acks: Path, *, pauses: int) -> Verdict:
    """Look at everything once the daemons are gone."""
    verdict = Verdict()
    given = submitted(acks)
    conn = await asyncpg.connect(site.admin_dsn)
    try:
        places = await _accounted_for(conn, verdict, given)
        await _rules(conn, verdict)
    finally:
        await conn.close()
    _effects(verdict, given, places, await ledger(site.target_dsn), pauses=pauses)
    return verdict


async def _accounted_for(conn: Connection, verdict: Verdict, given: Submitted) -> dict[str, str]:
    """Every acknowledged submission is there, and is no longer waiting; the place of each operation."""
    lost = await invariants.unaccounted(conn, sorted(given.acknowledged))
    places = {str(row["id"]): row["place"] for row in await conn.fetch(WHERE)}
    letters = {row["code"]: row["n"] for row in await conn.fetch(LETTERS)}
    unexpected = [f"{code} x {n}" for code, n in letters.items() if code not in EXPECTED_LETTERS]
    verdict.blame("acknowledged and lost", lost)
    verdict.blame("never submitted", [one for one in places if one not in given.sent])
    verdict.blame("not done after the storm", [one for one, place in places.items() if place == "live"])
    verdict.blame("unexpected dead letters", list(unexpected))
    verdict.figures |= {
        "acknowledged": len(given.acknowledged),
        "completed": sum(place == "completed" for place in places.values()),
        "cancelled": sum(place == "cancelled" for place in places.values()),
        "crash loops": letters.get("crash_loop", 0),
        "lost": len(lost),
    }
    return places


async def _rules(conn: Connection, verdict: Verdict) -> None:
    """The rules of the house, at rest and over the whole history of moves."""
    moves = await invariants.broken_history(conn)
    verdict.figures["stale transitions"] = sum(one.startswith(BY_ANOTHER) for one in moves)
    verdict.violations += [*await invariants.broken(conn, is_at_rest=True), *moves]
    verdict.blame("left behind", [row["what"] for row in await conn.fetch(LEASES)])


def _effects(verdict: Verdict, given: Submitted, places: dict[str, str], effects: list[Effect], *, pauses: int) -> None:
    """What the target says was done to it."""
    ranks = {pair: one for one, pair in given.sent.items()}
    applied = Counter((e.login, e.rank) for e in effects if e.verdict == "applied")
    twice = [pair for pair, n in applied.items() if n > 1]
    late = [(e.login, e.rank) for e in effects if e.verdict == "late"]
    inverted = inversions(effects)
    completed = {pair for pair, one in ranks.items() if places.get(one) == "completed"}
    verdict.blame("second effects", list(twice))
    verdict.blame("effects out of order", list(inverted))
    verdict.blame("completed without an effect", sorted(completed - applied.keys()))
    verdict.blame("effects that nobody asked for", [pair for pair in applied if pair not in ranks])
    if len(late) > 1 + pauses // PAUSES_A_LATE_CHANGE:
        verdict.blame("came late and were refused by the target", list(late))
    verdict.figures |= {
        "effects": sum(applied.values()),
        "second effects": len(twice),
        "order inversions": len(inverted),
        "repeated and absorbed": sum(e.verdict == "again" for e in effects),
        "late and refused": len(late),
    }


def inversions(effects: list[Effect]) -> list[tuple[str, int]]:
    """Effects that came behind one of a higher rank of the same account."""
    highest: dict[str, int] = {}
    found = []
    for effect in effects:
        if effect.verdict != "applied":
            continue
        if effect.rank < highest.get(effect.login, 0):
            found.append((effect.login, effect.rank))
        highest[effect.login] = max(effect.rank, highest.get(effect.login, 0))
    return found
