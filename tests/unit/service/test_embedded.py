"""The runner, as far as it runs nothing."""

import pytest

from worker.domain.errors import SurroundingsError
from worker.service.embedded import EmbeddedPostgres


def test_a_server_that_was_not_started_has_no_address(tmp_path):
    server = EmbeddedPostgres(tmp_path)

    with pytest.raises(SurroundingsError, match="not running"):
        server.dsn("someone", "secret", "database")


async def test_stopping_what_was_never_started_does_nothing(tmp_path):
    await EmbeddedPostgres(tmp_path).stop()

    assert list(tmp_path.iterdir()) == []


async def test_missing_programs_leave_the_directory_free(tmp_path):
    server = EmbeddedPostgres(tmp_path / "cluster", bin_dir=tmp_path)

    for _ in range(2):
        with pytest.raises(SurroundingsError, match="has no program"):
            await server.start()
