"""What must be true after a storm: read from four records that know nothing of each other.

The submitter's file (what was acknowledged), the observer's events (every move as the database made it), the daemon's
own tables, and the target's ledger. Each check returns sentences; none means that the promise was kept.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.kit.site import Site
from tests.faults.kit.target import Effect, ledger

#: What a storm may make of an operation beside completing it: process after process died with it.
EXPECTED_LETTERS = frozenset({"crash_loop"})
#: A stopped process may have been about to send: one change in so many pauses may come late, and is refused there.
PAUSES_A_LATE_CHANGE = 1_000

WHERE = """
SELECT id, 'live' AS place FROM operations UNION ALL SELECT id, 'dead' FROM dead_letters
UNION ALL SELECT id, status FROM operations_archive
"""
LETTERS = "SELECT coalesce(error_code, '-') AS code, count(*) AS n FROM dead_letters GROUP BY 1"
CLAIMED_TWICE = """
SELECT operation_id, epoch FROM kit_events WHERE after = 'in_progress' AND before <> 'in_progress'
GROUP BY 1, 2 HAVING count(*) > 1
"""
EPOCH_GAPS = """
SELECT operation_id FROM kit_events WHERE after = 'in_progress' AND before <> 'in_progress'
GROUP BY 1 HAVING max(epoch) <> count(*)
"""
#: A try that somebody wrote down who did not hold it.
STALE = """
SELECT a.operation_id, a.epoch, a.outcome FROM attempts a
LEFT JOIN kit_events e ON e.operation_id = a.operation_id AND e.epoch = a.epoch AND e.after = 'in_progress'
    AND e.before <> 'in_progress'
WHERE e.n IS NULL OR e.owner IS DISTINCT FROM a.worker
"""
ENDED_TWICE = """
SELECT operation_id FROM kit_events WHERE after IS NULL GROUP BY 1 HAVING count(*) > 1
UNION ALL
SELECT operation_id FROM attempts WHERE success GROUP BY 1 HAVING count(*) > 1
"""
COMPLETED_WITHOUT_TRY = """
SELECT o.id FROM operations_archive o LEFT JOIN attempts a ON a.operation_id = o.id AND a.epoch = o.epoch AND a.success
WHERE o.status = 'completed' AND a.operation_id IS NULL
"""
TWO_AT_ONCE = """
SELECT account_id FROM operations WHERE status = 'in_progress' GROUP BY 1 HAVING count(*) > 1
"""
WRONG_LANES = """
SELECT a.id FROM accounts a LEFT JOIN (SELECT account_id, count(*) AS n FROM operations GROUP BY 1) o
    ON o.account_id = a.id WHERE a.live <> coalesce(o.n, 0) OR (a.live > 0) <> (a.head_id IS NOT NULL)
"""
LEFT_BEHIND = """
SELECT 'a lease of ' || pid AS what FROM workers
UNION ALL SELECT 'an advisory lock' FROM pg_locks WHERE locktype = 'advisory'
UNION ALL SELECT 'an open transaction' FROM pg_stat_activity
    WHERE usename = 'provisiond_worker' AND state LIKE 'idle in transaction%'
UNION ALL SELECT 'an invalid index' FROM pg_index WHERE NOT indisvalid
"""


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

    def blame(self, what: str, found: list[object]) -> None:
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
    places = await _accounted_for(site, verdict, given)
    await _moves(site, verdict)
    _effects(verdict, given, places, await ledger(site.target_dsn), pauses=pauses)
    verdict.blame("left behind", [row["what"] for row in await site.rows(LEFT_BEHIND)])
    return verdict


async def _accounted_for(site: Site, verdict: Verdict, given: Submitted) -> dict[str, str]:
    """Every acknowledged submission is in one place, and that is no place to wait in."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in await site.rows(WHERE):
        found[str(row["id"])].append(row["place"])
    verdict.blame("acknowledged and lost", [one for one in given.acknowledged if one not in found])
    verdict.blame("in two places", [one for one, places in found.items() if len(places) > 1])
    verdict.blame("never submitted", [one for one in found if one not in given.sent])
    verdict.blame("not done after the storm", [one for one, places in found.items() if "live" in places])
    letters = {row["code"]: row["n"] for row in await site.rows(LETTERS)}
    verdict.blame(
        "unexpected dead letters", [f"{code} x {n}" for code, n in letters.items() if code not in EXPECTED_LETTERS]
    )
    places = {one: where[0] for one, where in found.items()}
    counts = Counter(places.values())
    verdict.figures |= {
        "acknowledged": len(given.acknowledged),
        "completed": counts["completed"],
        "crash loops": letters.get("crash_loop", 0),
        "lost": sum(one not in found for one in given.acknowledged),
    }
    return places


async def _moves(site: Site, verdict: Verdict) -> None:
    """Claims and results as the database made them."""
    stale = await site.rows(STALE)
    verdict.figures["stale transitions"] = len(stale)
    verdict.blame("written down by somebody who did not hold it", [tuple(row) for row in stale])
    for what, query in (
        ("claimed twice under one epoch", CLAIMED_TWICE),
        ("epochs with gaps", EPOCH_GAPS),
        ("ended twice", ENDED_TWICE),
        ("completed without a try", COMPLETED_WITHOUT_TRY),
        ("two of one account at once", TWO_AT_ONCE),
        ("lanes that count wrong", WRONG_LANES),
    ):
        verdict.blame(what, [tuple(row) for row in await site.rows(query)])


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
