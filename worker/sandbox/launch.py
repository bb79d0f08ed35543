"""How a child is started: a clean interpreter that sees the standard library, this package and Starlark."""

import importlib.util
import os
import sys

#: All that is made at the start stays: to look for garbage among it would take 4 ms.
_BOOTSTRAP = (
    "import gc, sys; gc.disable(); sys.path.extend(sys.argv[1:3]); from worker.sandbox.__main__ import main; main()"
)


def command(*, parent_pid: int, memory_bytes: int, supplies: int) -> list[str]:
    """The argument list of a child; it dies with ``parent_pid`` and may use ``memory_bytes`` more than its start.

    Isolated, without site-packages' start files and without writing byte code. It must inherit the descriptor
    ``supplies``. Raises FileNotFoundError when the interpreter or the Starlark package cannot be found.
    """
    spec = importlib.util.find_spec("starlark")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package starlark-pyo3 is not installed")
    if not sys.executable:
        raise FileNotFoundError("this Python does not know its own executable")
    root, site = _above(__file__, 3), _above(spec.origin, 2)
    flags = ["-I", "-S", "-B", "-X", "utf8"]
    given = [str(parent_pid), str(memory_bytes), str(supplies)]
    return [sys.executable, *flags, "-c", _BOOTSTRAP, root, site, *given]


def compile_package(folder: str = os.path.dirname(__file__)) -> None:  # noqa: PTH120 - see _above
    """Write the byte code of this package where there is none: children write none, and half their start is compiling.

    Nothing is written where Python was told to write none, or where the folder cannot be written to.
    """
    import compileall  # noqa: PLC0415 - children import this module, and compile nothing

    if not sys.dont_write_bytecode:
        compileall.compile_dir(folder, quiet=2, optimize=0)


def _above(path: str, levels: int) -> str:
    # Without pathlib: children come through this module too, and count their milliseconds.
    found = os.path.realpath(path)
    for _ in range(levels):
        found = os.path.dirname(found)  # noqa: PTH120 - see above
    return found
