import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from worker.sandbox import command, compile_package


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


def test_byte_code_is_written_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "inner" / "module.py"
    module.parent.mkdir()
    module.write_text("x = 1\n")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    compile_package(str(tmp_path))
    assert not Path(cache_from_source(str(module))).exists()

    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    compile_package(str(tmp_path))

    assert Path(cache_from_source(str(module))).exists()


def test_a_folder_that_cannot_be_written_to_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = 1\n")
    (tmp_path / "__pycache__").write_text("no folder")

    compile_package(str(tmp_path))

    assert (tmp_path / "__pycache__").read_text() == "no folder"
