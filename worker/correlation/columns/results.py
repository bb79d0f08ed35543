"""What was decided over columns, as results: those that a person or a link needs with all that the rules say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from worker.correlation.columns.outcome import Outcome
from worker.correlation.columns.prepare import Table
from worker.correlation.columns.words import explanations
from worker.correlation.decide import Ranked, Said, decide, result_of
from worker.correlation.frequency import NameFrequencies
from worker.correlation.prepare import prepare_candidate, prepare_subject
from worker.correlation.rules import RuleSet
from worker.correlation.score import score
from worker.domain.correlation import Candidate, CorrelationResult, Decision, Side, Subject

#: Candidates of one account that are looked at once more for what each rule says of them.
_MOST = 30


@dataclass(frozen=True, slots=True)
class Sides:
    """Both tables, and what people are called."""

    accounts: Table
    people: Table
    names: Sequence[str | None]


def results(
    outcome: Outcome, sides: Sides, rule_set: RuleSet, *, frequencies: NameFrequencies | None
) -> Iterator[CorrelationResult]:
    """For each account, in their order. Where nobody comes into question there are no candidates."""
    writer = _Writer(outcome, sides, rule_set, frequencies)
    for place, reason in enumerate(explanations(outcome)):
        decision = outcome.decision(place)
        if decision is Decision.NONE:
            yield CorrelationResult(decision, reason, rule_set_version=rule_set.version)
        else:
            yield writer.told(place) if place in outcome.told else writer.result(place, decision, reason)


class _Writer:
    def __init__(self, outcome: Outcome, sides: Sides, rule_set: RuleSet, frequencies: NameFrequencies | None) -> None:
        self._outcome = outcome
        self._accounts, self._people, self._names = sides.accounts, sides.people, sides.names
        self._rule_set = rule_set
        self._frequencies = frequencies

    def result(self, place: int, decision: Decision, reason: str) -> CorrelationResult:
        return result_of(decision, reason, self._ranked(place), self._rule_set)

    def told(self, place: int) -> CorrelationResult:
        """A person said whose it is."""
        scored = [each.scored for each in self._ranked(place)]
        return decide(scored, rule_set=self._rule_set, said=Said(is_one=self._outcome.told[place]))

    def _ranked(self, place: int) -> list[Ranked]:
        rules = self._rule_set
        account: UUID = self._accounts.ids[place]
        subject = prepare_subject(Subject(account, Side.ACCOUNT, self._accounts.row(place)), rules)
        found = []
        for other, sure in self._outcome.candidates(place)[:_MOST]:
            is_taken = bool(self._people.is_taken and self._people.is_taken[other])
            one = Candidate(
                self._people.ids[other], self._people.row(other), name=self._names[other] or "", is_taken=is_taken
            )
            candidate = prepare_candidate(one, rules, side=Side.IDENTITY)
            found.append(Ranked(score(subject, candidate, rules, frequencies=self._frequencies), sure, sure))
        return found
