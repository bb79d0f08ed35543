"""What a set of scored pairs is worth, measured against the truth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Pair = tuple[str, str]

#: Precision that links without a person have to keep.
UNSEEN_PRECISION = 0.995
_BINS = 10
_WORTH_A_LOOK = 0.1


@dataclass(frozen=True, slots=True)
class Measured:
    """``f1`` at the engine's own threshold, ``best_f1`` at the threshold that the labels show to be best.

    ``unseen_recall``: the share of all true pairs that a threshold could link without a person at
    ``UNSEEN_PRECISION``. ``auto_recall``, ``auto_precision``: what the engine itself calls certain. ``ece``: expected
    calibration error in ten bins over the pairs with a confidence of at least 0.1, each weighted with its pairs.
    """

    precision: float
    recall: float
    f1: float
    best_f1: float
    unseen_recall: float
    auto_recall: float
    auto_precision: float
    ece: float


def measured(
    scored: Mapping[Pair, float], truth: Iterable[Pair], *, threshold: float = 0.5, auto: Iterable[Pair] | None = None
) -> Measured:
    """Compare scored pairs with the true ones. ``auto``: those that the engine links by itself, else from 0.995."""
    true = set(truth)
    rows = sorted(((confidence, pair in true) for pair, confidence in scored.items()), reverse=True)
    linked = [is_true for confidence, is_true in rows if confidence >= threshold]
    precision, recall, f1 = _prf(sum(linked), len(linked), len(true))
    best_f1, unseen = _over_thresholds(rows, len(true))
    certain = set(auto) if auto is not None else {pair for pair, sure in scored.items() if sure >= UNSEEN_PRECISION}
    hits = len(certain & true)
    auto_precision, auto_recall, _ = _prf(hits, len(certain), len(true))
    return Measured(precision, recall, f1, best_f1, unseen, auto_recall, auto_precision, _ece(rows))


def best_per_left(scored: Mapping[Pair, float]) -> dict[Pair, float]:
    """Of each left one only its best pair."""
    best: dict[str, tuple[float, Pair]] = {}
    for pair, confidence in scored.items():
        if pair[0] not in best or (confidence, pair) > best[pair[0]]:
            best[pair[0]] = (confidence, pair)
    return {pair: confidence for confidence, pair in best.values()}


def _prf(hits: int, said: int, wanted: int) -> tuple[float, float, float]:
    precision = hits / said if said else 0.0
    recall = hits / wanted if wanted else 0.0
    return precision, recall, 2 * hits / (said + wanted) if said + wanted else 0.0


def _over_thresholds(rows: list[tuple[float, bool]], wanted: int) -> tuple[float, float]:
    best = unseen = 0.0
    hits = 0
    for at, (confidence, is_true) in enumerate(rows, 1):
        hits += is_true
        if at < len(rows) and rows[at][0] == confidence:
            continue  # a threshold cannot part equals
        best = max(best, _prf(hits, at, wanted)[2])
        if hits >= UNSEEN_PRECISION * at:
            unseen = hits / wanted
    return best, unseen


def _ece(rows: list[tuple[float, bool]]) -> float:
    looked_at = [row for row in rows if row[0] >= _WORTH_A_LOOK]
    off = [0.0] * _BINS
    for confidence, is_true in looked_at:
        off[min(_BINS - 1, int(confidence * _BINS))] += confidence - is_true
    return sum(map(abs, off)) / max(len(looked_at), 1)
