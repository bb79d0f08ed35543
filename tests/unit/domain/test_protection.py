"""Who is protected, by our record and by what a change would make of it."""

from typing import Any
from uuid import uuid4

import pytest

from worker.domain.account import Account, TargetAccount
from worker.domain.errors import InvalidFilter
from worker.domain.protection import protection, touches_protected


@pytest.mark.parametrize(
    ("text", "account", "expected"),
    [
        pytest.param('login eq "admin"', TargetAccount("1", {"login": "Admin"}), True, id="name of the target"),
        pytest.param('userName sw "svc-"', TargetAccount("1", {"userName": "svc-a"}), True, id="SCIM name"),
        pytest.param('externalId eq "0"', TargetAccount("1", {"externalId": "0"}), True, id="the other SCIM name"),
        pytest.param('uid eq "7"', TargetAccount("7"), True, id="uid of the account"),
        pytest.param('uid sw "svc-"', TargetAccount("e4-7", {"uid": "svc-a"}), True, id="uid is an attribute there"),
        pytest.param("active eq true", TargetAccount("7", active=True), True, id="active"),
        pytest.param('login eq "admin"', TargetAccount("1", {"login": "anna"}), False, id="somebody else"),
        pytest.param('login eq "admin"', TargetAccount("1"), False, id="nothing known"),
    ],
)
def test_protected_accounts_are_told_by_target_names(text: str, account: TargetAccount, expected: bool) -> None:
    protects = protection(text)

    assert protects is not None
    assert protects(account) is expected


@pytest.mark.parametrize("text", [None, ""])
def test_without_a_filter_nobody_is_protected(text: str | None) -> None:
    assert protection(text) is None


def test_a_filter_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(InvalidFilter):
        protection("login equals")


@pytest.mark.parametrize(
    ("record", "attributes", "expected"),
    [
        pytest.param({"observed": {"login": "root"}}, {}, True, id="observed"),
        pytest.param({"wanted": {"login": "root"}}, {}, True, id="wanted, never looked at"),
        pytest.param({"hooked": {"login": "root"}}, {}, True, id="set by a hook, never looked at"),
        pytest.param({"observed": {"login": "a"}, "wanted": {"login": "root"}}, {}, False, id="observed is nearer"),
        pytest.param({"observed": {"login": "a"}}, {"login": "root"}, True, id="renamed onto it"),
        pytest.param({"observed": {"login": "root"}}, {"login": "a"}, True, id="renamed away from it"),
        pytest.param({"uid": "root"}, {"login": "a"}, False, id="another attribute"),
        pytest.param(None, {"login": "root"}, True, id="made with it"),
        pytest.param(None, {"login": "a"}, False, id="made without it"),
    ],
)
def test_a_change_touches_what_is_protected_before_or_after(
    record: dict[str, Any] | None, attributes: dict[str, Any], expected: bool
) -> None:
    protects = protection('login eq "root"')
    account = Account(uuid4(), uuid4(), "user", **record) if record is not None else None

    assert protects is not None
    assert touches_protected(protects, account, attributes) is expected
