import base64
from pathlib import Path

import pytest

from worker.settings import FIELDS, Role, Settings, SettingsError, describe, load, variable_of

DATABASE = "postgresql://provisiond:hunter2@db.example:5432/provisiond?sslmode=require"


def mistakes(
    environ: dict[str, str] | None = None, toml: str = "", *, directory: Path, required: tuple[str, ...] = ()
) -> tuple[str, ...]:
    (directory / "provisiond.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load(environ=environ or {}, directory=directory, required=required)
    return caught.value.mistakes


def test_defaults_are_a_working_configuration(tmp_path: Path) -> None:
    settings = load(environ={"HOME": "/root"}, directory=tmp_path)

    assert settings == Settings()
    assert (settings.bind.host, settings.bind.port, settings.lease_s, settings.beat_s) == ("127.0.0.1", 8080, 60, 15)
    assert settings.roles == tuple(Role)
    assert (settings.safeguard.floor, settings.safeguard.percent, settings.safeguard.cap) == (10, 5, 500)


def test_command_line_wins_over_environment_and_environment_over_file(tmp_path: Path) -> None:
    (tmp_path / "provisiond.toml").write_text("lease_s = 90\n[bind]\nport = 1\nhost = '0.0.0.0'\n[hooks]\nworkers = 4")

    settings = load(
        environ={"PROVISIOND_BIND__PORT": "2", "PROVISIOND_HOOKS__WORKERS": "5"},
        overrides={"bind.port": 3, "log.level": None},
        directory=tmp_path,
    )

    assert (settings.bind.port, settings.hooks.workers, settings.lease_s, settings.bind.host) == (3, 5, 90, "0.0.0.0")


def test_config_variable_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.toml"
    path.write_text("roles = ['api']")

    assert load(environ={"PROVISIOND_CONFIG": str(path)}, directory=tmp_path).roles == (Role.API,)


def test_roles_are_separated_by_commas(tmp_path: Path) -> None:
    settings = load(environ={"PROVISIOND_ROLES": "api, worker"}, directory=tmp_path)

    assert settings.roles == (Role.API, Role.WORKER)


@pytest.mark.parametrize(
    ("environ", "toml", "line"),
    [
        pytest.param(
            {"PROVISIOND_BIND_PORT": "1"},
            "",
            "PROVISIOND_BIND_PORT: there is no such setting; did you mean PROVISIOND_BIND__PORT?",
            id="one underscore",
        ),
        pytest.param(
            {"PROVISIOND_DATABSE_URL": DATABASE},
            "",
            "PROVISIOND_DATABSE_URL: there is no such setting; did you mean PROVISIOND_DATABASE_URL?",
            id="misspelt",
        ),
        pytest.param(
            {"PROVISIOND_PORT": "1"},
            "",
            "PROVISIOND_PORT: there is no such setting; did you mean PROVISIOND_BIND__PORT?",
            id="group forgotten",
        ),
        pytest.param({"PROVISIOND_XQ": "1"}, "", "PROVISIOND_XQ: there is no such setting", id="nothing near"),
        pytest.param(
            {},
            "[safegard]\npercent = 3",
            "safegard.percent (from {dir}/provisiond.toml): there is no such setting; did you mean safeguard.percent?",
            id="misspelt in the file",
        ),
        pytest.param(
            {"PROVISIOND_BIND__PORT": "http"},
            "",
            "bind.port (from PROVISIOND_BIND__PORT): must be a valid integer, unable to parse string as an integer",
            id="no number",
        ),
        pytest.param(
            {},
            "lease_s = -1",
            "lease_s (from {dir}/provisiond.toml): must be greater than 0",
            id="out of range",
        ),
        pytest.param(
            {"PROVISIOND_LOG__LEVEL": "loud"},
            "",
            "log.level (from PROVISIOND_LOG__LEVEL): must be 'debug', 'info', 'warning' or 'error'",
            id="not a choice",
        ),
        pytest.param(
            {"PROVISIOND_ROLES": "api,wroker"},
            "",
            "roles (from PROVISIOND_ROLES): must be 'api', 'console', 'worker', 'scheduler' or 'intake'",
            id="unknown role",
        ),
        pytest.param(
            {"PROVISIOND_DATABASE_URL": "mysql://root:hunter2@db/x"},
            "",
            "database_url (from PROVISIOND_DATABASE_URL): must start with postgresql://",
            id="another database",
        ),
        pytest.param(
            {"PROVISIOND_DATABASE_URL": "postgresql://root:hunter2@db"},
            "",
            "database_url (from PROVISIOND_DATABASE_URL): "
            "must name a database: postgresql://user:password@host/database",
            id="no database",
        ),
        pytest.param(
            {"PROVISIOND_DATABASE_URL": "postgresql://u:hunter2@db:port/x"},
            "",
            "database_url (from PROVISIOND_DATABASE_URL): is not a URL",
            id="no url",
        ),
        pytest.param(
            {"PROVISIOND_SECRET_KEY": "hunter2!"},
            "",
            "secret_key (from PROVISIOND_SECRET_KEY): must be env:NAME, file:PATH or the key in base64",
            id="no key",
        ),
        pytest.param(
            {"PROVISIOND_SECRET_KEY": "aHVudGVyMg=="},
            "",
            "secret_key (from PROVISIOND_SECRET_KEY): must be a key of 32 bytes in base64, this one has 7",
            id="short key",
        ),
        pytest.param(
            {"PROVISIOND_SECRET_KEY": "file:"},
            "",
            "secret_key (from PROVISIOND_SECRET_KEY): must name what to read: file:NAME",
            id="empty reference",
        ),
        pytest.param(
            {},
            "lease_s = x\n",
            "{dir}/provisiond.toml: is not valid TOML: Invalid value (at line 1, column 11)",
            id="no toml",
        ),
        pytest.param(
            {"PROVISIOND_CONFIG": "/nowhere/p.toml"},
            "",
            "PROVISIOND_CONFIG: there is no file /nowhere/p.toml",
            id="named file absent",
        ),
        pytest.param(
            {"PROVISIOND_CONFIG": "/"},
            "",
            "/: cannot be read: Is a directory",
            id="file unreadable",
        ),
        pytest.param(
            {"PROVISIOND_BEAT_S": "20"},
            "",
            "beat_s (20) must be at most a quarter of lease_s (60), or late beats lose work",
            id="beat too slow",
        ),
        pytest.param(
            {"PROVISIOND_ATTEMPT_S": "60"},
            "",
            "attempt_s (60) must be below lease_s (60), or two daemons could try at once",
            id="attempt too long",
        ),
        pytest.param(
            {"PROVISIOND_SAFEGUARD__CAP": "3"},
            "",
            "safeguard.floor (10) must not exceed safeguard.cap (3)",
            id="floor above cap",
        ),
    ],
)
def test_one_mistake_is_one_line(environ: dict[str, str], toml: str, line: str, tmp_path: Path) -> None:
    assert mistakes(environ, toml, directory=tmp_path) == (line.format(dir=tmp_path),)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Also those between two settings, as long as both are sound by themselves."""
    lines = mistakes(
        {"PROVISIOND_BIND__PORT": "99999", "PROVISIOND_BEAT_S": "50", "PROVISIOND_LEESE_S": "3"},
        "attempt_s = 'long'\ntwo_person_approval = 'perhaps'",
        directory=tmp_path,
        required=("database_url",),
    )

    assert [line.split()[0].rstrip(":") for line in lines] == [
        "PROVISIOND_LEESE_S",
        "bind.port",
        "attempt_s",
        "two_person_approval",
        "beat_s",
        "database_url",
    ]


def test_required_setting_names_its_variable(tmp_path: Path) -> None:
    assert mistakes(directory=tmp_path, required=("database_url",)) == (
        "database_url is not set: give PROVISIOND_DATABASE_URL",
    )


def test_variable_that_holds_the_referenced_key_is_no_mistake(tmp_path: Path) -> None:
    environ = {"PROVISIOND_SECRET_KEY": "env:PROVISIOND_MASTER_KEY", "PROVISIOND_MASTER_KEY": "x"}

    assert load(environ=environ, directory=tmp_path).secret_key is not None


def test_nothing_shows_a_secret(tmp_path: Path) -> None:
    key = base64.b64encode(bytes(range(32))).decode()
    environ = {"PROVISIOND_DATABASE_URL": DATABASE, "PROVISIOND_SECRET_KEY": key}

    shown = [str(load(environ=environ, directory=tmp_path)), repr(load(environ=environ, directory=tmp_path))]
    shown += [str(line) for line in describe(environ=environ, directory=tmp_path)]
    shown += mistakes({**environ, "PROVISIOND_OWNER_DATABASE_URL": "x:hunter2"}, directory=tmp_path)

    assert not [text for text in shown if "hunter2" in text or key in text]


def test_describe_shows_each_setting_and_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "provisiond.toml").write_text("two_person_approval = true")
    environ = {"PROVISIOND_DATABASE_URL": DATABASE, "PROVISIOND_SECRET_KEY": "file:/run/key"}

    lines = {line.name: line for line in describe(environ=environ, directory=tmp_path)}

    assert list(lines) == list(FIELDS)
    assert lines["database_url"].value == "postgresql://provisiond:***@db.example:5432/provisiond"
    assert lines["database_url"].origin == "PROVISIOND_DATABASE_URL"
    assert lines["secret_key"].value == "file:/run/key"
    assert (lines["two_person_approval"].value, lines["two_person_approval"].default) == ("true", "false")
    assert lines["two_person_approval"].origin == str(tmp_path / "provisiond.toml")
    assert lines["roles"].default == "api,console,worker,scheduler,intake"
    assert lines["bind.port"].origin is None


def test_key_in_base64_is_hidden_as_a_whole(tmp_path: Path) -> None:
    environ = {"PROVISIOND_SECRET_KEY": base64.b64encode(bytes(32)).decode()}
    lines = {line.name: line.value for line in describe(environ=environ, directory=tmp_path)}

    assert lines["secret_key"] == "***"


@pytest.mark.parametrize("name", FIELDS)
def test_each_setting_is_described_and_has_a_variable(name: str) -> None:
    assert FIELDS[name].description
    assert variable_of(name).startswith("PROVISIOND_")


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(environ={}, directory=tmp_path).bind.port = 1  # type: ignore[misc]  # that it is refused is the point
