"""What this engine, and exact rules beside it, say about a labelled set: scored pairs, links of its own, seconds."""

import time
from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from tests.benchmarks.correlation.company import Row
from tests.benchmarks.correlation.measures import Pair
from tests.benchmarks.correlation.sets import Labelled
from worker.correlation import NameFrequencies, RuleSet, guessed_rule_set
from worker.correlation.bulk import MAX_BLOCK
from worker.correlation.columns import Table, correlate_columns
from worker.correlation.columns.correlate import _names
from worker.correlation.columns.kinds import kinds_of
from worker.correlation.columns.pairs import pairs_among
from worker.correlation.columns.prepare import prepare
from worker.correlation.columns.score import Scorer
from worker.correlation.refine import refined
from worker.domain.correlation import Decision

#: What most products have: in this order, and the first that names exactly one decides.
_EXACT = (("employee_number", "employee_id"), ("email", "email"), ("username", "login"))


@dataclass(frozen=True, slots=True)
class Said:
    """``auto``: what the engine links without a person; None where it has no word for that."""

    pairs: dict[Pair, float]
    auto: list[Pair] | None
    seconds: float


def correlated(labelled: Labelled, *, learns: bool) -> Said:
    """By rules guessed from the column names, and what they learn from the tables; without labels."""
    began = time.perf_counter()
    rights = _table(labelled.rights, 1)
    lefts = rights if labelled.is_duplicates else _table(labelled.lefts, 1 << 40)
    frequencies = NameFrequencies.of(_name(row) for row in labelled.rights)
    rule_set = guessed_rule_set(rights.columns, lefts.columns)
    if learns:
        one_to_one = not labelled.is_duplicates
        rule_set = refined(rights, lefts, rule_set=rule_set, frequencies=frequencies, one_to_one=one_to_one).rule_set
    link = _duplicates if labelled.is_duplicates else _links
    pairs, auto = link(labelled, rule_set, frequencies)
    return Said(pairs, auto, time.perf_counter() - began)


def by_exact_rules(labelled: Labelled) -> Said:
    """Ordered exact rules, as they are mostly configured; what they find they are sure of."""
    began = time.perf_counter()
    found: dict[Pair, float] = {}
    left = labelled.lefts
    for source, target in _EXACT:
        index = defaultdict(list)
        for row in labelled.rights:
            if value := row.get(source, "").lower().removeprefix("e" if source == "employee_number" else ""):
                index[value].append(row["id"])
        rest = []
        for row in left:
            hits = index.get(row.get(target, "").lower(), [])
            if len(hits) == 1:
                found[row["id"], hits[0]] = 1.0
            else:
                rest.append(row)
        left = rest
    return Said(found, list(found), time.perf_counter() - began)


def _links(
    labelled: Labelled, rule_set: RuleSet, frequencies: NameFrequencies
) -> tuple[dict[Pair, float], list[Pair] | None]:
    subjects, candidates = _table(labelled.lefts, 1 << 40), _table(labelled.rights, 1)
    outcome = correlate_columns(subjects, candidates, rule_set=rule_set, frequencies=frequencies)
    pairs: dict[Pair, float] = {}
    auto = []
    for place, row in enumerate(labelled.lefts):
        if outcome.best[place] >= 0:
            pair = row["id"], labelled.rights[outcome.best[place]]["id"]
            pairs[pair] = float(outcome.confidences[place])
            if outcome.decision(place) is Decision.AUTO:
                auto.append(pair)
    return pairs, auto


def _duplicates(
    labelled: Labelled, rule_set: RuleSet, frequencies: NameFrequencies
) -> tuple[dict[Pair, float], list[Pair] | None]:
    """Each pair for itself: among duplicates one may belong to several."""
    table = _table(labelled.lefts, 1)
    prepared = prepare(table, table, rule_set)
    names = _names(prepared, rule_set)
    kinds = list(kinds_of(prepared, rule_set, names, of_accounts=True, max_block=MAX_BLOCK))
    accounts, identities = pairs_among(kinds, np.arange(len(table.ids), dtype=np.int32))
    scorer = Scorer(prepared, rule_set, names, frequencies)
    possible = scorer.possible(identities, accounts)
    scored = scorer.score(identities[possible], accounts[possible])
    sure = 1 / (1 + np.exp(-np.clip(rule_set.slope * scored.points + rule_set.offset, -500, 500)))
    ids = [row["id"] for row in labelled.lefts]
    listed = zip(scored.identities.tolist(), scored.accounts.tolist(), sure.tolist(), strict=True)
    return {(min(ids[a], ids[b]), max(ids[a], ids[b])): p for a, b, p in listed if a != b}, None


def _table(rows: list[Row], first: int) -> Table:
    return Table(
        [UUID(int=first + place) for place in range(len(rows))],
        {column: [row[column] for row in rows] for column in _columns(rows)},
    )


def _columns(rows: list[Row]) -> list[str]:
    return [column for column in rows[0] if column != "id"]


def _name(row: Row) -> str:
    return f"{row['given_name']} {row.get('family_name') or row.get('surname', '')}"
