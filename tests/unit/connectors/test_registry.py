from dataclasses import replace
from uuid import uuid4

import pytest

from worker.connectors import abilities, guard_for
from worker.domain.connector import Connector
from worker.domain.errors import SettingsError


def test_filter_that_cannot_be_read_protects_by_stopping_everything():
    connector = Connector(
        uuid4(), uuid4(), "app", "scim", config={"url": "https://a"}, protected_filter='userName equals "x"'
    )
    with pytest.raises(SettingsError, match="protected accounts"):
        guard_for(connector, credentials={})


def test_configuration_decides_what_can_be_done():
    config = {"url": "postgresql://a@b/c", "table": "t", "key": "id"}
    plain = Connector(uuid4(), uuid4(), "app", "sql", config=config)
    stamped = replace(plain, config={**config, "changed_column": "changed_at"})

    assert abilities(stamped) - abilities(plain) == {"sync"}
    assert [guard_for(each, credentials={}).capabilities for each in (plain, stamped)] == [
        abilities(plain),
        abilities(stamped),
    ]
