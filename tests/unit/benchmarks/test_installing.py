"""Other people's queues are left out, not failed, where they cannot be had."""

from pathlib import Path

import pytest

from tests.benchmarks.queue import installing
from tests.benchmarks.queue.installing import NotToBeHad


def test_without_npm_the_node_peers_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotToBeHad, match="npm is not installed"):
        installing.node_folder()


def test_what_is_installed_belongs_to_the_versions_that_are_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pins = tmp_path / "package.json"
    folders = []
    for version in ("1.0.0", "1.0.1", "1.0.0"):
        pins.write_text(f'{{"dependencies": {{"queue": "{version}"}}}}')
        folders.append(installing.folder_for("node", pins))

    assert folders[0] == folders[2] != folders[1]
    assert all(folder.is_relative_to(tmp_path / "cache") for folder in folders)
