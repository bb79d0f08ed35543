"""Views of what rules of correlation find: back-tests and candidates."""

from typing import Any

from worker.console import BacktestSide, BacktestView, Candidate, Contribution, FlipRow
from worker.correlation import figures
from worker.domain.correlation import CorrelationMatch
from worker.store.backtests import Backtest

_COUNTS = ("auto", "review", "none", "right", "wrong", "contradictions", "links_kept")


def backtest_of(found: Backtest) -> BacktestView:
    """A back-test as it is now, with precision and calibration before and after."""
    told, counts = figures(found.counts), found.counts
    return BacktestView(
        id=found.id,
        status=found.status,
        base_version=found.base_version,
        document=found.rules,
        is_refined=found.origin == "refined",
        accounts_done=found.accounts_done,
        decided_by_people=counts.get("decided_by_people", 0),
        links=counts.get("links", 0),
        new_contradictions=counts.get("new_contradictions", 0),
        flip_counts=counts.get("flips", {}),
        before=_side(counts.get("before", {}), told["before"]),
        after=_side(counts.get("after", {}), told["after"]),
        flips=tuple(_flip(each) for each in found.flips),
        error_message=found.error_message,
        created_at=found.created_at,
        finished_at=found.finished_at,
    )


def candidate_of(match: CorrelationMatch) -> Candidate:
    """Somebody who comes into question, with what weighs most first."""
    said = sorted(match.contributions, key=lambda each: -abs(each.points))
    return Candidate(
        label=match.name or str(match.ref_id),
        confidence=match.confidence,
        identity_id=match.ref_id,
        match_type=match.match_type.value,
        contributions=tuple(
            Contribution(
                each.rule,
                each.points,
                each.source_value,
                each.target_value,
                each.words.removeprefix(f"{each.rule}: "),
            )
            for each in said
        ),
    )


def _side(counts: dict[str, Any], told: dict[str, Any]) -> BacktestSide:
    return BacktestSide(**{name: counts.get(name, 0) for name in _COUNTS}, **told)


def _flip(raw: dict[str, Any]) -> FlipRow:
    return FlipRow(
        kind=raw["kind"],
        uid=raw["uid"],
        said=raw["said"],
        is_contradiction=raw["is_contradiction"],
        before=_decided(raw["before"]),
        after=_decided(raw["after"]),
    )


def _decided(side: dict[str, Any]) -> tuple[str, str | None]:
    candidate = side["candidate"]
    name = (candidate["name"] or candidate["ref_id"]) if candidate else None
    return side["reason"], f"{name} {candidate['confidence']:.2%}" if candidate else None
