import sys
from pathlib import Path

import pytest

from worker.sandbox import command


def test_the_child_is_an_isolated_interpreter_told_whom_to_die_with() -> None:
    arguments = command(parent_pid=4711, memory_bytes=1024, supplies=7)

    assert arguments[:4] == [sys.executable, "-I", "-S", "-B"]
    assert arguments[-3:] == ["4711", "1024", "7"]
    root, site = arguments[-5:-3]
    assert (Path(root) / "worker" / "sandbox" / "__main__.py").exists()
    assert (Path(site) / "starlark").is_dir()


def test_an_interpreter_that_does_not_know_itself_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")

    with pytest.raises(FileNotFoundError, match="executable"):
        command(parent_pid=1, memory_bytes=1, supplies=7)


def test_the_daemon_does_not_load_starlark_by_importing_the_room() -> None:
    """Checked on the source: another test may have loaded it into this process."""
    room = Path(command.__code__.co_filename).parent

    for name in ("__init__.py", "frames.py", "launch.py"):
        assert "import starlark" not in (room / name).read_text(encoding="utf-8")
