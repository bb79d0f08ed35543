"""The door of the room: look candidates up by their keys, score them, decide."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from worker.correlation.blocking import keys_of
from worker.correlation.decide import decide, said_about
from worker.correlation.frequency import NameFrequencies
from worker.correlation.prepare import prepare_candidate, prepare_subject
from worker.correlation.rules import RuleSet
from worker.correlation.score import Evaluate, score
from worker.domain.correlation import (
    Candidate,
    CorrelationResult,
    MatchKey,
    PersonDecision,
    Side,
    Subject,
)
from worker.domain.identity import Identity

#: More candidates than this are not compared; those that share most keys come first.
CANDIDATE_LIMIT = 50


class CandidateSource(Protocol):
    """Where candidates come from: our records, by their stored keys."""

    async def by_keys(self, keys: Sequence[MatchKey], limit: int) -> list[Candidate]:
        """Those of the other side that share a key, the ones that share most of them first, at most ``limit``."""
        ...


class CorrelationService:
    """Finds whose account it is, one at a time. Holds nothing between calls."""

    def __init__(self, *, limit: int = CANDIDATE_LIMIT, evaluate: Evaluate | None = None) -> None:
        self._limit = limit
        self._evaluate = evaluate

    async def find_account(
        self,
        identity: Identity,
        *,
        rule_set: RuleSet,
        source: CandidateSource,
        decisions: Iterable[PersonDecision] = (),
        frequencies: NameFrequencies | None = None,
        wanted: Mapping[str, Any] | None = None,
    ) -> CorrelationResult:
        """Look for the account of an identity; ``wanted`` is what a create would send, hooks' results included."""
        subject = Subject(identity.id, Side.IDENTITY, identity.as_source(), wanted or {})
        return await self.correlate(
            subject, rule_set=rule_set, source=source, decisions=decisions, frequencies=frequencies
        )

    async def find_identity(
        self,
        account_id: UUID,
        attributes: Mapping[str, Any],
        *,
        rule_set: RuleSet,
        source: CandidateSource,
        decisions: Iterable[PersonDecision] = (),
        frequencies: NameFrequencies | None = None,
    ) -> CorrelationResult:
        """Look for the owner of an account by its attributes as the target has them."""
        subject = Subject(account_id, Side.ACCOUNT, attributes)
        return await self.correlate(
            subject, rule_set=rule_set, source=source, decisions=decisions, frequencies=frequencies
        )

    async def correlate(
        self,
        subject: Subject,
        *,
        rule_set: RuleSet,
        source: CandidateSource,
        decisions: Iterable[PersonDecision] = (),
        frequencies: NameFrequencies | None = None,
        tuning_mode: bool = False,
    ) -> CorrelationResult:
        """Find the counterpart of one subject. Without a rule that reads it, nobody is found and nothing looked up."""
        keys = keys_of(prepare_subject(subject, rule_set), rule_set)
        candidates = await source.by_keys(keys, self._limit) if keys else []
        return correlate_one(
            subject,
            candidates,
            rule_set=rule_set,
            decisions=decisions,
            frequencies=frequencies,
            evaluate=self._evaluate,
            tuning_mode=tuning_mode,
            is_truncated=len(candidates) >= self._limit,
        )


def correlate_one(
    subject: Subject,
    candidates: Sequence[Candidate],
    *,
    rule_set: RuleSet,
    decisions: Iterable[PersonDecision] = (),
    frequencies: NameFrequencies | None = None,
    evaluate: Evaluate | None = None,
    tuning_mode: bool = False,
    is_truncated: bool = False,
) -> CorrelationResult:
    """Decide between given candidates. ``is_truncated``: there were more than these, so none is linked unseen."""
    prepared = prepare_subject(subject, rule_set)
    side = Side.ACCOUNT if subject.side is Side.IDENTITY else Side.IDENTITY
    others = [prepare_candidate(candidate, rule_set, side=side) for candidate in candidates]
    scored = [score(prepared, other, rule_set, frequencies=frequencies, evaluate=evaluate) for other in others]
    said = said_about(prepared, others, decisions, rule_set=rule_set)
    return decide(scored, rule_set=rule_set, said=said, tuning_mode=tuning_mode, is_truncated=is_truncated)
