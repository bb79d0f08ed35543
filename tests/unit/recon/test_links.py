"""Why a link could not be recorded."""

from typing import Any
from uuid import uuid4

import pytest

from worker.domain.account import Account, AccountState
from worker.recon.links import refusal

OWNER, OTHER = uuid4(), uuid4()


def an_account(**fields: Any) -> Account:
    return Account(uuid4(), uuid4(), "user", **{"uid": "7", "state": AccountState.ACTIVE, **fields})


@pytest.mark.parametrize(
    ("account", "theirs", "expected"),
    [
        pytest.param(None, None, "is gone", id="no account"),
        pytest.param(an_account(state=AccountState.DEAD), None, "is gone", id="dead"),
        pytest.param(an_account(identity_id=OWNER), None, "already", id="linked"),
        pytest.param(an_account(identity_id=OTHER), None, "somebody else", id="of somebody else"),
        pytest.param(an_account(), an_account(uid="k7"), "another account here already, k7", id="has another"),
        pytest.param(an_account(), an_account(uid=None, live=1), "being made", id="is being made"),
        pytest.param(an_account(), an_account(state=AccountState.DEAD), "a moment ago", id="something else"),
        pytest.param(an_account(), None, "a moment ago", id="nothing of theirs"),
    ],
)
def test_a_refused_link_says_what_is_in_the_way(account: Account | None, theirs: Account | None, expected: str) -> None:
    assert expected in refusal(account, theirs, owner=OWNER)
