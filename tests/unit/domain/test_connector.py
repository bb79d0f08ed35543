"""Connectors as values."""

from uuid import uuid4

import pytest

from worker.domain.connector import Connector, ConnectorStatus


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param(ConnectorStatus.ACTIVE, None, id="active"),
        pytest.param(ConnectorStatus.ERROR, None, id="in error it is still tried"),
        pytest.param(ConnectorStatus.MAINTENANCE, "app is in maintenance; nothing is asked of it.", id="maintenance"),
        pytest.param(ConnectorStatus.INACTIVE, "app is switched off; nothing is asked of it.", id="inactive"),
    ],
)
def test_what_a_person_has_left_alone_says_so(status: ConnectorStatus, reason: str | None) -> None:
    assert Connector(uuid4(), uuid4(), "app", "sql", status=status).closed_because == reason
