"""What a daemon makes of its role and its server before it starts."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from worker.store.standing import Standing, cautions, refusal

SOUND = Standing("worker", False, False, 0, 16, (), False, datetime(2026, 1, 2, tzinfo=UTC))


def test_a_role_that_may_nothing_on_a_primary_is_taken_without_a_word() -> None:
    assert (refusal(SOUND), cautions(SOUND)) == (None, ())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"is_superuser": True}, "worker is not bound by row-level security", id="superuser"),
        pytest.param({"bypasses_rls": True}, "worker is not bound by row-level security", id="bypass"),
        pytest.param({"is_standby": True}, "is a read-only standby", id="standby"),
    ],
)
def test_a_daemon_does_not_start_where_it_cannot_work_or_tenants_are_not_kept_apart(
    changes: dict[str, Any], words: str
) -> None:
    assert words in (refusal(replace(SOUND, **changes)) or "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"lossy": ("fsync", "full_page_writes")}, "has fsync, full_page_writes off", id="not durable"),
        pytest.param({"owned": 3}, "owns 3 objects", id="owner"),
    ],
)
def test_a_daemon_warns_of_what_it_can_work_with(changes: dict[str, Any], words: str) -> None:
    (said,) = cautions(replace(SOUND, **changes))

    assert words in said
    assert refusal(replace(SOUND, **changes)) is None
