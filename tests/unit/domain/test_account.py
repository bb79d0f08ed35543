"""What an account should have."""

from uuid import UUID

import pytest

from worker.domain.account import Account


@pytest.mark.parametrize(
    ("wanted", "hooked", "expected"),
    [
        pytest.param(None, None, {}, id="nothing known"),
        pytest.param({"mail": "a"}, None, {"mail": "a"}, id="mapped"),
        pytest.param(None, {"login": "b"}, {"login": "b"}, id="from a hook"),
        pytest.param(
            {"mail": "a", "login": "x"}, {"login": "b"}, {"mail": "a", "login": "b"}, id="a hook has the last word"
        ),
    ],
)
def test_expected_is_what_was_mapped_and_over_it_what_hooks_set(wanted, hooked, expected):
    assert Account(UUID(int=1), UUID(int=2), "user", wanted=wanted, hooked=hooked).expected == expected
