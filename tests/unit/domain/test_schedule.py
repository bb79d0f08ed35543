"""What became of an occurrence."""

from datetime import UTC, datetime

from worker.domain.schedule import PastOccurrence, SkipReason

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def test_an_occurrence_without_a_reason_has_started():
    assert PastOccurrence(NOON, NOON).is_started
    assert not PastOccurrence(NOON, NOON, reason=SkipReason.MISSED).is_started
