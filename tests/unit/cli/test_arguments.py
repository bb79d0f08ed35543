from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from worker.cli.arguments import HELD, RUN, day_of, deadline_of, id_of, moment_of, word_of, words_of
from worker.domain.errors import InvalidRequest
from worker.domain.run import RunMode
from worker.security import Role


def test_an_id_is_read_as_it_was_copied() -> None:
    text = "01a2020e-cf9a-75eb-a224-f19eccaa69c9"

    assert id_of(text, RUN) == UUID(text)


def test_what_is_no_id_is_told_with_where_to_find_one() -> None:
    with pytest.raises(
        InvalidRequest, match=r"^'12' is not the id of a run: `provisiond recon list` shows their ids\.$"
    ):
        id_of("12", RUN)
    with pytest.raises(InvalidRequest, match=r"approvals` and `provisiond recon list --live` show their ids\.$"):
        id_of("", HELD)


def test_times_lie_behind_or_ahead() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    assert moment_of("36h", now=now) == datetime(2026, 2, 27, 12, tzinfo=UTC)
    assert deadline_of("36h", now=now) == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert deadline_of("2027-01-01") == datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(InvalidRequest, match="is not a time"):
        moment_of("999999d", now=now)
    assert day_of("2026-03-01") == date(2026, 3, 1)


@pytest.mark.parametrize("text", ["soon", "9999999d", "-1d", "2026-13-01", ""])
def test_what_is_no_time_is_told_with_what_is(text: str) -> None:
    for read in (moment_of, deadline_of):
        with pytest.raises(InvalidRequest, match=r"is not a time; write 2026-03-01, 2026-03-01T08:30, or \d+. for"):
            read(text)
    with pytest.raises(InvalidRequest, match=r"is not a day; write 2026-03-01\.$"):
        day_of(text)


def test_an_unknown_word_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidRequest, match=r"^half is not a mode; there are full, delta\.$"):
        word_of(RunMode, "half", noun="mode")


def test_several_words_are_a_set() -> None:
    assert words_of(Role, ["viewer", "admin", "viewer"], noun="role") == {Role.VIEWER, Role.ADMIN}
