"""The suite's target: each registered type in turn."""

import pytest

from tests.conformance.targets import Target
from tests.conformance.targets.csv import csv_target
from tests.conformance.targets.ldap import ldap_target, slapd
from tests.conformance.targets.scim import scim_server, scim_target
from tests.conformance.targets.sql import sql_target

__all__ = ["csv_target", "ldap_target", "scim_server", "scim_target", "slapd", "sql_target"]

WRITABLE = [
    pytest.param("sql", id="sql"),
    pytest.param("scim", id="scim"),
    pytest.param("ldap", id="ldap", marks=pytest.mark.needs("slapd")),
]
EVERY = [*WRITABLE, pytest.param("csv", id="csv")]


@pytest.fixture(params=WRITABLE)
def target(request: pytest.FixtureRequest) -> Target:
    found: Target = request.getfixturevalue(f"{request.param}_target")
    return found


@pytest.fixture(params=EVERY)
def any_target(request: pytest.FixtureRequest) -> Target:
    found: Target = request.getfixturevalue(f"{request.param}_target")
    return found
