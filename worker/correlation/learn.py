"""How sure the rules should be, by what people decided: slope and offset fitted to it, and tried on what was held back.

Fitted and tried in turns on two halves of the accounts, so that an improvement is one on decisions not seen before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from worker.correlation.calibrate import Calibration, confidences, fit
from worker.correlation.frequency import NameFrequencies
from worker.correlation.prepare import prepare_candidate, prepare_subject
from worker.correlation.replay import Past, binned, calibration_error
from worker.correlation.rules import RuleSet
from worker.correlation.score import score
from worker.domain.correlation import Candidate, Side

#: Pairs below this confidence were nobody's idea, before and after.
_LEAST = 0.1

#: Points and truth of each candidate of one account.
_Ballot = list[tuple[float, bool | None]]


@dataclass(frozen=True, slots=True)
class CrossChecked:
    """The calibration error ``before``, and ``after`` on what each half was not fitted to; over so many ``pairs``."""

    before: float
    after: float
    pairs: int


def calibrated(
    past: Sequence[Past],
    people: Sequence[Candidate],
    rules: RuleSet,
    *,
    frequencies: NameFrequencies | None = None,
) -> Calibration:
    """Slope and offset that explain what people said of these accounts, held near those of the rules by few."""
    return _fitted(list(_ballots(past, people, rules, frequencies)), rules)


def cross_checked(
    past: Sequence[Past],
    people: Sequence[Candidate],
    rules: RuleSet,
    *,
    frequencies: NameFrequencies | None = None,
) -> CrossChecked:
    """What calibration would gain on decisions that it was not fitted to."""
    ballots = list(_ballots(past, people, rules, frequencies))
    halves = ballots[0::2], ballots[1::2]
    now = Calibration(rules.slope, rules.offset)
    before = [pair for half in halves for pair in _sure(half, now)]
    after = [
        pair
        for half, other in zip(halves, reversed(halves), strict=True)
        for pair in _sure(half, _fitted(other, rules))
    ]
    return CrossChecked(_error(before), _error(after), len(before))


def _ballots(
    past: Sequence[Past], people: Sequence[Candidate], rules: RuleSet, frequencies: NameFrequencies | None
) -> Iterator[_Ballot]:
    """Whom people spoke of, scored; of an account whose owner is known everybody else is not the one."""
    prepared = {each.ref_id: prepare_candidate(each, rules, side=Side.IDENTITY) for each in people}
    for each in past:
        subject = prepare_subject(each.subject, rules)
        named = [prepared[ref] for ref in each.named if ref in prepared]
        scored = [score(subject, one, rules, frequencies=frequencies) for one in named]
        ballot = [(one.points, each.truth(one.candidate.ref_id)) for one in scored if one.ruled_out is None]
        if any(truth is not None for _, truth in ballot):
            yield ballot


def _fitted(ballots: Sequence[_Ballot], rules: RuleSet) -> Calibration:
    known = [(points, truth) for ballot in ballots for points, truth in ballot if truth is not None]
    return fit(known, prior=Calibration(rules.slope, rules.offset))


def _sure(ballots: Sequence[_Ballot], calibration: Calibration) -> Iterator[tuple[float, bool]]:
    for ballot in ballots:
        shares = confidences([points for points, _ in ballot], calibration=calibration)
        for share, (_, truth) in zip(shares, ballot, strict=True):
            if truth is not None and share >= _LEAST:
                yield share, truth


def _error(pairs: Sequence[tuple[float, bool]]) -> float:
    return calibration_error(binned(pairs)) or 0.0
