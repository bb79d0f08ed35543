import importlib.util
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from worker.connectors.base import capabilities_of

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of the project as the script touches."""
    names = ("scripts/new-connector", "pyproject.toml", "tests/conformance/conftest.py", "tests/conformance/gate.py")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "worker/connectors/builtin").mkdir(parents=True)
    for package in ("worker", "worker/connectors", "worker/connectors/builtin"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "tests/conformance/targets").mkdir()
    return tmp_path


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "scripts/new-connector"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_stubs_are_a_connector(checkout):
    assert run(checkout, "okta").returncode == 0

    path = checkout / "worker/connectors/builtin/okta.py"
    spec = importlib.util.spec_from_file_location("okta", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["okta"] = module
    spec.loader.exec_module(module)
    del sys.modules["okta"]
    assert capabilities_of(module.OktaConnector) == {"search", "get", "create", "update", "delete"}
    entries = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["entry-points"]["worker.connectors"]
    assert entries["okta"] == "worker.connectors.builtin.okta:OktaConnector"
    assert 'pytest.param("okta", id="okta")' in (checkout / "tests/conformance/conftest.py").read_text()


def test_stubs_are_clean(checkout):
    run(checkout, "okta")
    written = [str(checkout / "worker/connectors/builtin/okta.py"), str(checkout / "tests/conformance/targets/okta.py")]
    for tool in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *tool, *written], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        pytest.param([], 2, "new-connector NAME", id="no name"),
        pytest.param(["--help"], 0, "new-connector NAME", id="help"),
        pytest.param(["../up"], 2, "no name for", id="a path"),
        pytest.param(["Okta"], 2, "no name for", id="capitals"),
        pytest.param(["import"], 2, "no name for", id="a word of Python"),
        pytest.param(["ldap"], 1, "already", id="taken"),
    ],
)
def test_bad_call_changes_nothing(checkout, arguments, status, words):
    before = (checkout / "pyproject.toml").read_text()
    done = run(checkout, *arguments)

    assert done.returncode == status
    assert words in done.stdout + done.stderr
    assert (checkout / "pyproject.toml").read_text() == before
