import socket

import pytest

from tests.conformance.targets.ldap import ldap_target, slapd
from tests.conformance.targets.scim import scim_server, scim_target

__all__ = ["ldap_target", "scim_server", "scim_target", "slapd"]


@pytest.fixture
def unused_tcp_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
