"""How a child is started: a clean interpreter that sees the standard library, this package and Starlark."""

import importlib.util
import sys
from pathlib import Path

_BOOTSTRAP = "import sys; sys.path.extend(sys.argv[1:3]); from worker.sandbox.__main__ import main; main()"


def command(*, parent_pid: int, memory_bytes: int) -> list[str]:
    """The argument list of a child; it dies with ``parent_pid`` and may use ``memory_bytes`` more than its start.

    Isolated, without site-packages' start files and without writing byte code. Raises FileNotFoundError when the
    interpreter or the Starlark package cannot be found.
    """
    spec = importlib.util.find_spec("starlark")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package starlark-pyo3 is not installed")
    if not sys.executable:
        raise FileNotFoundError("this Python does not know its own executable")
    root = Path(__file__).resolve().parents[2]
    site = Path(spec.origin).resolve().parents[1]
    flags = ["-I", "-S", "-B", "-X", "utf8"]
    return [sys.executable, *flags, "-c", _BOOTSTRAP, str(root), str(site), str(parent_pid), str(memory_bytes)]
