from uuid import uuid4

import pytest

from worker.connectors import guard_for
from worker.connectors.registry import _protection
from worker.domain.connector import Connector
from worker.domain.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "account", "expected"),
    [
        pytest.param('login eq "admin"', {"login": "Admin"}, True, id="name of the target"),
        pytest.param('userName sw "svc-"', {"userName": "svc-backup"}, True, id="name the language reads as ours"),
        pytest.param('externalId eq "0"', {"externalId": "0"}, True, id="the other such name"),
        pytest.param('name.familyName eq "Root"', {"name.familyName": "root"}, True, id="name with a dot"),
        pytest.param('uid eq "7" and active eq true', {"uid": "7", "active": True}, True, id="uid and active"),
        pytest.param('login eq "admin"', {"login": "anna"}, False, id="somebody else"),
        pytest.param('login eq "admin"', {}, False, id="nobody"),
    ],
)
def test_protected_accounts_are_told_by_target_names(text, account, expected):
    is_protected = _protection(text)

    assert is_protected is not None
    assert is_protected(account) is expected


@pytest.mark.parametrize("text", [None, ""])
def test_without_a_filter_nobody_is_protected(text):
    assert _protection(text) is None


def test_filter_that_cannot_be_read_protects_by_stopping_everything():
    connector = Connector(
        uuid4(), uuid4(), "app", "scim", config={"url": "https://a"}, protected_filter='userName equals "x"'
    )
    with pytest.raises(SettingsError, match="protected accounts"):
        guard_for(connector, credentials={})


def test_configuration_decides_what_can_be_done():
    config = {"url": "postgresql://a@b/c", "table": "t", "key": "id"}
    plain = guard_for(Connector(uuid4(), uuid4(), "app", "sql", config=config), credentials={})
    config["changed_column"] = "changed_at"
    stamped = guard_for(Connector(uuid4(), uuid4(), "app", "sql", config=config), credentials={})

    assert stamped.capabilities - plain.capabilities == {"sync"}
