import base64
import json
from pathlib import Path

import pytest

from worker.cli import run
from worker.service.runtime import write_runtime

URL = "postgresql://provisiond_worker:hunter2@db.example/provisiond"
KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory and an environment of our own."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "SECRET_KEY", "DATA_DIR", "CONFIG"):
        monkeypatch.delenv(f"PROVISIOND_{name}", raising=False)


def test_every_mistake_is_told_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PROVISIOND_DATABASE_URL", "mysql://db.example/x")
    monkeypatch.setenv("PROVISIOND_BIND_PORT", "8081")
    monkeypatch.setenv("PROVISIOND_LEASE_S", "soon")

    code = run(["check"])

    assert code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert "database_url (from PROVISIOND_DATABASE_URL): must start with postgresql://" in lines
    assert "PROVISIOND_BIND_PORT: there is no such setting; did you mean PROVISIOND_BIND__PORT?" in lines
    assert "secret_key is not set: give PROVISIOND_SECRET_KEY" in lines
    assert any(line.startswith("lease_s (from PROVISIOND_LEASE_S):") for line in lines)


def test_a_configuration_that_can_work_is_said_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROVISIOND_DATABASE_URL", URL)
    monkeypatch.setenv("PROVISIOND_SECRET_KEY", KEY)

    assert run(["check"]) == 0
    assert capsys.readouterr().out.startswith("The configuration can work")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        pytest.param("file:/nowhere/key", "secret_key: The secret file /nowhere/key cannot be read.", id="no file"),
        pytest.param("env:NOT_THERE", "secret_key: The environment has no variable NOT_THERE.", id="no variable"),
        pytest.param("file:short", "secret_key: A secret key is 32 bytes, written as base64.", id="too short"),
    ],
)
def test_a_key_that_cannot_be_read_is_a_mistake(
    reference: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("short").write_text("c2hvcnQ=")
    monkeypatch.setenv("PROVISIOND_DATABASE_URL", URL)
    monkeypatch.setenv("PROVISIOND_SECRET_KEY", reference)

    assert run(["check"]) == 2
    assert capsys.readouterr().err == f"{said}\n"


def test_all_shows_every_setting_with_its_origin_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("my.toml").write_text(f"database_url = '{URL}'\n[bind]\nport = 9000")
    monkeypatch.setenv("PROVISIOND_SECRET_KEY", KEY)

    assert run(["--config", "my.toml", "check", "--all"]) == 0

    said = capsys.readouterr().out
    assert "bind.port = 9000\n    from my.toml; PROVISIOND_BIND__PORT." in said
    assert "secret_key = ***\n    from PROVISIOND_SECRET_KEY;" in said
    assert "lease_s = 60.0\n    the default; PROVISIOND_LEASE_S." in said
    assert "hunter2" not in said
    assert KEY not in said


def test_json_holds_mistakes_and_settings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--json"]) == 2
    assert len(json.loads(capsys.readouterr().out)["mistakes"]) == 2

    monkeypatch.setenv("PROVISIOND_DATABASE_URL", URL)
    monkeypatch.setenv("PROVISIOND_SECRET_KEY", KEY)
    assert run(["check", "--json", "--all"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["mistakes"] == []
    assert {"name", "variable", "value", "default", "origin", "description"} == set(told["settings"][0])


def test_a_running_dev_stands_in_for_what_is_not_configured(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".provisiond").mkdir()
    write_runtime(Path(".provisiond"), {"database_url": URL, "secret_key": KEY})

    assert run(["check", "--all"]) == 0
    assert "from `provisiond dev`; PROVISIOND_DATABASE_URL." in capsys.readouterr().out


def test_verbs_without_a_database_say_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ops", "list"]) == 2
    assert capsys.readouterr().err == (
        "provisiond: Set PROVISIOND_DATABASE_URL, or run this where `provisiond dev` was started.\n"
    )
