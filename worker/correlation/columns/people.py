"""What people said, brought to the pairs it is about; by ``said_about``, for the few subjects it concerns."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from worker.correlation.columns.interned import Mask, Slots
from worker.correlation.columns.prepare import Table
from worker.correlation.decide import Said, said_about
from worker.correlation.prepare import Prepared, prepare_candidate, prepare_subject
from worker.correlation.rules import RuleSet
from worker.domain.correlation import Candidate, PersonDecision, Side, Subject


class Words:
    """All decisions, by the records that they name."""

    def __init__(self, decisions: Iterable[PersonDecision], *, of_accounts: bool) -> None:
        self.of_accounts = of_accounts
        self.by_party: dict[UUID, list[PersonDecision]] = {}
        for decision in decisions:
            self.by_party.setdefault(decision.account_id, []).append(decision)
            self.by_party.setdefault(decision.identity_id, []).append(decision)

    def named(self, table: Table) -> Mask:
        """Which records of a table a decision names."""
        if not self.by_party:
            return np.zeros(len(table.ids), dtype=np.bool_)
        return np.fromiter((each in self.by_party for each in table.ids), dtype=np.bool_, count=len(table.ids))


@dataclass(frozen=True, slots=True)
class Spoken:
    """Per pair whether a person ruled it out, or decided on other evidence; per subject whose it is, or nobody's."""

    is_not: Mask
    is_outdated: Mask
    nobodys: Mask
    told: dict[int, UUID] = field(default_factory=dict)


def words_on(words: Words, subjects: Table, candidates: Table, pairs: tuple[Slots, Slots], rule_set: RuleSet) -> Spoken:
    """Bring people's words to these pairs of (subject, candidate), which lie in the order of their subjects."""
    asking, found = pairs
    side, other = (Side.ACCOUNT, Side.IDENTITY) if words.of_accounts else (Side.IDENTITY, Side.ACCOUNT)
    none = np.zeros(len(asking), dtype=np.bool_)
    spoken = Spoken(none, none.copy(), np.zeros(len(subjects.ids), dtype=np.bool_))
    concerned = words.named(subjects)
    concerned[asking[words.named(candidates)[found]]] = True
    for place in np.flatnonzero(concerned).tolist():
        first, last = np.searchsorted(asking, [place, place + 1]).tolist()
        theirs = found[first:last].tolist()
        known = [
            prepare_candidate(Candidate(candidates.ids[each], candidates.row(each)), rule_set, side=other)
            for each in theirs
        ]
        subject = prepare_subject(Subject(subjects.ids[place], side, subjects.row(place)), rule_set)
        said = _said(words, subject, known, rule_set)
        ids = [candidates.ids[each] for each in theirs]
        spoken.is_not[first:last] = [each in said.is_not for each in ids]
        spoken.is_outdated[first:last] = [bool(said.outdated_by(each)) for each in ids]
        if said.is_one is not None:
            spoken.told[place] = said.is_one
        elif said.is_nobodys:
            spoken.nobodys[place] = True
    return spoken


def _said(words: Words, subject: Prepared, known: list[Prepared], rule_set: RuleSet) -> Said:
    concerned = [each for party in (subject, *known) for each in words.by_party.get(party.ref_id, ())]
    return said_about(subject, known, concerned, rule_set=rule_set)
