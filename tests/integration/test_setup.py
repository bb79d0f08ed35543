"""scripts/setup and scripts/run in bad surroundings: one clear sentence and a status that is not zero."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Stands for the system's Python: it answers its version, and makes a .venv whose pip says what a test wants.
PYTHON = """#!/bin/sh
case "$*" in
  *version_info*) echo "$FAKE_VERSION" ;;
  --version) echo "Python $FAKE_VERSION" ;;
  "-m venv .venv")
    [ -z "$FAKE_VENV" ] || { echo "$FAKE_VENV"; exit 1; }
    mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  "-m pip --version") ;;
  "-m pip install"*)
    echo "$*" >>calls
    [ -z "$FAKE_PIP" ] || { echo "$FAKE_PIP"; exit 1; } ;;
esac
"""


@pytest.fixture
def checkout() -> Iterator[Path]:
    """As much of a checkout as setting up needs, where every account can read."""
    folder = Path(tempfile.mkdtemp(prefix="provisiond-setup-"))
    folder.chmod(0o755)
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, folder)
    (folder / "python").write_text(PYTHON)
    (folder / "python").chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def set_up(
    checkout: Path,
    *,
    script: str = "setup",
    version: str = "3.11.2",
    venv: str = "",
    pip: str = "",
    user: int | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "scripts" / script],
        cwd="/",
        env={
            "PATH": os.defpath,
            "PYTHON": str(checkout / "python"),
            "FAKE_VERSION": version,
            "FAKE_VENV": venv,
            "FAKE_PIP": pip,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        user=user,
    )


def calls(checkout: Path) -> int:
    return len((checkout / "calls").read_text().splitlines())


@pytest.mark.parametrize(
    ("fakes", "sentence"),
    [
        pytest.param({"version": "3.9.2"}, "python is 3.9.2: install a newer one or set PYTHON.", id="Python too old"),
        pytest.param({"version": "2.7.18"}, "Python 3.11 or newer is needed", id="Python far too old"),
        pytest.param(
            {"venv": "The virtual environment was not created successfully because ensurepip is not\navailable."},
            "Python's venv module is missing: on Debian, apt-get install python3-venv.",
            id="no venv module",
        ),
        pytest.param(
            {"pip": "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"},
            "is full: free about 500 MB and start again.",
            id="disk full",
        ),
        pytest.param(
            {"pip": "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'"},
            "may not write to",
            id="no permission in .venv",
        ),
        pytest.param(
            {"pip": "WARNING: Retrying after connection broken by 'NewConnectionError(Temporary failure)'"},
            "The package index cannot be reached: check the network",
            id="no network",
        ),
        pytest.param(
            {"pip": "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."},
            "A downloaded package is not the one that requirements.lock names",
            id="changed package",
        ),
        pytest.param({"pip": "ERROR: something odd"}, "failed: something odd (see", id="anything else"),
    ],
)
def test_bad_surroundings_get_one_sentence(checkout, fakes, sentence):
    done = set_up(checkout, **fakes)

    assert done.returncode == 1
    assert sentence in done.stderr.splitlines()[-1]


def test_missing_python_is_told(checkout):
    (checkout / "python").unlink()
    done = set_up(checkout)

    assert (done.returncode, done.stderr) == (1, "No Python was found: install Python 3.11 or newer.\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_checkout_that_may_not_be_written_to_is_named(checkout):
    done = set_up(checkout, user=65534)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"nobody may not write to {checkout}."]


def test_second_call_installs_nothing(checkout):
    first, second = set_up(checkout), set_up(checkout)

    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stderr == ""
    assert calls(checkout) == 2


def test_changed_lock_is_installed_again(checkout):
    set_up(checkout)
    with (checkout / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    done = set_up(checkout)

    assert done.returncode == 0
    assert calls(checkout) == 4


def test_interrupted_set_up_is_done_again(checkout):
    set_up(checkout, pip="ERROR: killed")
    done = set_up(checkout)

    assert done.returncode == 0
    assert calls(checkout) == 3


def test_help_needs_no_installation(checkout):
    done = subprocess.run([checkout / "scripts" / "run", "--help"], capture_output=True, text=True, check=True)

    assert "provisiond dev" in done.stdout
    assert not (checkout / ".venv").exists()
