"""What an error says of a commit that took a hint along."""

import asyncpg
import pytest

from worker.store.pool import AnswerLost, DatabaseBusy, DatabaseGone, Fate, fate_of


def said(sqlstate: str, *, severity: str = "ERROR") -> Exception:
    error: Exception = asyncpg.PostgresError.new({"S": severity, "V": severity, "C": sqlstate, "M": "said"})
    return error


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        pytest.param(said("54000"), Fate.COMMITTED, id="no room for hints"),
        pytest.param(said("55P03"), Fate.COMMITTED, id="a lock"),
        pytest.param(said("53100"), Fate.COMMITTED, id="disk full"),
        pytest.param(said("42501"), Fate.COMMITTED, id="not allowed"),
        pytest.param(said("57014"), Fate.UNKNOWN, id="cancelled"),
        pytest.param(said("XX000"), Fate.UNKNOWN, id="the server's own mistake"),
        pytest.param(said("25P03", severity="FATAL"), Fate.UNKNOWN, id="the session was ended"),
        pytest.param(said("40001"), Fate.AS_SAID, id="serialization"),
        pytest.param(said("40P01"), Fate.AS_SAID, id="deadlock"),
        pytest.param(said("23505"), Fate.AS_SAID, id="a constraint looked at late"),
        pytest.param(said("57P01", severity="FATAL"), Fate.AS_SAID, id="shut down"),
        pytest.param(said("08006"), Fate.AS_SAID, id="connection failure"),
        pytest.param(ConnectionResetError(), Fate.AS_SAID, id="cut"),
        pytest.param(TimeoutError(), Fate.AS_SAID, id="no answer"),
    ],
)
def test_only_what_no_commit_says_is_a_lost_hint(error: Exception, fate: Fate) -> None:
    assert fate_of(error) is fate


def test_a_lost_answer_is_a_database_that_went_away_and_not_a_busy_one() -> None:
    assert issubclass(AnswerLost, DatabaseGone)
    assert not issubclass(AnswerLost, DatabaseBusy)
