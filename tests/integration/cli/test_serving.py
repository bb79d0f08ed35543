"""``provisiond serve`` in bad surroundings, and how it ends."""

import signal
import socket

import asyncpg
import pytest

from tests.conftest import Database, Server, at_database
from tests.integration.cli.conftest import Configure, program
from worker.cli import run
from worker.store.migrate import last_step
from worker.store.schema import CODE_NUMBER

LATER = last_step() + 1


def refusal_of(capsys: pytest.CaptureFixture[str], *, code: int) -> str:
    """The one sentence with which `serve` ends."""
    ended = run(["serve", "--port", "0"])

    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("provisiond: ")]
    assert (ended, len(lines)) == (code, 1), lines
    return lines[0].removeprefix("provisiond: ")


def test_wrong_database_url(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure(database_url="mysql://root@127.0.0.1/provisiond")

    said = refusal_of(capsys, code=2)

    assert said == "database_url (from PROVISIOND_DATABASE_URL): must start with postgresql://"


def test_misspelt_setting_is_answered_with_the_right_one(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(database_ulr="postgresql://127.0.0.1/x")

    said = refusal_of(capsys, code=2)

    assert said == "PROVISIOND_DATABASE_ULR: there is no such setting; did you mean PROVISIOND_DATABASE_URL?"


def test_database_unreachable(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can
        port = taken.getsockname()[1]
        configure(database_url=f"postgresql://provisiond:hunter2@127.0.0.1:{port}/provisiond")

        said = refusal_of(capsys, code=3)

    assert said == f"The database at 127.0.0.1:{port}/provisiond cannot be reached."


def test_wrong_credentials(postgres: Server, configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    address = postgres.daemon_dsn.rpartition("@")[2]
    configure(database_url=f"postgresql://provisiond_worker:hunter2@{address}")

    said = refusal_of(capsys, code=3)

    assert said == f"The database at {address} refuses the user name or the password."


def test_no_such_database(postgres: Server, configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure(database_url=at_database(postgres.daemon_dsn, "nowhere"))

    assert refusal_of(capsys, code=3).endswith("/nowhere has no such database.")


def test_missing_key(
    database: Database, configure: Configure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(database_url=database.daemon_dsn)
    monkeypatch.delenv("PROVISIOND_SECRET_KEY")

    said = refusal_of(capsys, code=2)

    assert said == "Set PROVISIOND_SECRET_KEY: the key that credentials are sealed with."


def test_schema_behind(empty_database: Database, configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure(database_url=empty_database.daemon_dsn)

    said = refusal_of(capsys, code=3)

    assert said == f"The schema is at step 0, this version needs step {CODE_NUMBER}: run `provisiond migrate`."


def test_role_that_row_level_security_does_not_bind(
    database: Database, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(database_url=database.admin_dsn)

    assert "is not bound by row-level security, which keeps tenants apart" in refusal_of(capsys, code=3)


async def a_later_step(database: Database, *, oldest_code: int) -> None:
    conn = await asyncpg.connect(database.owner_dsn)
    await conn.execute(
        "INSERT INTO schema_versions (number, name, oldest_code, applied_at) VALUES ($1, 'later', $2, now())",
        LATER,
        oldest_code,
    )
    await conn.close()


@pytest.fixture
async def database_of_a_later_version(database: Database) -> Database:
    """What a version that left no room for this one has migrated."""
    await a_later_step(database, oldest_code=LATER)
    return database


def test_schema_ahead_by_an_incompatible_step(
    database_of_a_later_version: Database, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(database_url=database_of_a_later_version.daemon_dsn)

    said = refusal_of(capsys, code=3)

    assert said == f"The schema is at step {LATER} and no longer serves this version: upgrade provisiond."


def test_port_taken(database: Database, configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure(database_url=database.daemon_dsn)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        code = run(["serve", "--port", str(port)])

    assert code == 3
    assert f"provisiond: Port {port} on 127.0.0.1 cannot be used: Address already in use." in capsys.readouterr().err


async def test_first_signal_drains_and_a_compatible_later_schema_is_served(
    database: Database, configure: Configure
) -> None:
    """Nothing is left that would have to be rescued: the lease is given back."""
    configure(database_url=database.daemon_dsn)
    await a_later_step(database, oldest_code=CODE_NUMBER)

    async with program("serve", "--port", "0") as serve:
        await serve.until("daemon.ready")
        held = await workers(database)
        code = await serve.end(signal.SIGTERM)

    assert (held, code, await workers(database)) == (1, 0, 0)
    assert "daemon.stopped" in serve.said


async def test_second_signal_ends_it_at_once(database: Database, configure: Configure) -> None:
    """The lease stays, and tells others when to take over."""
    configure(database_url=database.daemon_dsn)

    async with program("serve", "--port", "0") as serve:
        await serve.until("daemon.ready")
        code = await serve.end(signal.SIGTERM, signal.SIGINT)

    assert (code, await workers(database)) == (130, 1)
    assert "provisiond: ended at once" in serve.said
    assert "daemon.stopped" not in serve.said


async def workers(database: Database) -> int:
    conn = await asyncpg.connect(database.daemon_dsn)
    count: int = await conn.fetchval("SELECT count(*) FROM workers")
    await conn.close()
    return count
