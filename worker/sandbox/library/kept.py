"""What packages may need later, kept in memory: inside its box a child cannot open a file.

Two packages load their data by and by: an import per country's phone numbers, a file per block of Unicode. The daemon
packs all of it once and hands the pack to every child as sealed memory, so that a child is given half a megabyte in one
read and unpacks what a script comes to use. In any other process the packages load from their files, as they always do.
"""

import bisect  # noqa: F401 - the phone package's own need, which is to be met before the files are gone
import os
import sys
import zlib
from functools import cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from marshal import dumps, loads
from types import ModuleType
from typing import Any, Final

PHONES: Final = "phonenumbers"
BLOCKS: Final = "anyascii"

_blocks: dict[str, bytes] | None = None


@cache
def supplies() -> int:
    """The pack, as a descriptor of sealed memory that children inherit; made once in a process, and then never closed.

    Takes some 30 ms. Raises FileNotFoundError when a package is not installed.
    """
    packed = dumps((_modules(_folder(PHONES)), _read_blocks()))
    descriptor = os.memfd_create("sandbox-supplies", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(descriptor, packed)
    _seal(descriptor)
    return descriptor


def receive(descriptor: int) -> None:
    """Keep what ``supplies`` packed, in a child; the descriptor is closed."""
    global _blocks
    # Not at the descriptor's own place: its other ends, in the daemon and in all children, share that.
    modules, _blocks = loads(os.pread(descriptor, os.fstat(descriptor).st_size, 0))  # noqa: S302 - our parent's
    os.close(descriptor)
    sys.meta_path.insert(0, _Finder(modules))


def block(number: int) -> bytes:
    """The packed spellings of 256 characters, empty where there are none."""
    global _blocks  # noqa: PLW0603 - see receive
    if _blocks is None:
        _blocks = _read_blocks()
    return _blocks.get(f"{number:03x}", b"")


class _Finder:
    """Imports modules of the phone package from memory, but for its front door: that imports what scripts never use."""

    def __init__(self, modules: dict[str, tuple[str, bytes]]) -> None:
        self._modules = modules

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        loader: Any = self
        if name == PHONES:
            return ModuleSpec(name, loader, is_package=True)
        if name not in self._modules:
            return None
        origin = self._modules[name][0]
        return ModuleSpec(name, loader, origin=origin, is_package=origin.endswith("__init__.py"))

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """No module of our own: the usual kind will do."""

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ != PHONES:
            code = loads(zlib.decompress(self._modules.pop(module.__name__)[1]))  # noqa: S302 - our parent's
            exec(code, module.__dict__)  # noqa: S102 - this is what an import is


def _modules(root: str) -> dict[str, tuple[str, bytes]]:
    """Where each module of the phone package and of its data is, and its compiled code; none of it is run."""
    found = {}
    for package, folder in ((PHONES, root), (f"{PHONES}.data", f"{root}/data")):
        with os.scandir(folder) as entries:
            for entry in entries:
                stem, _, suffix = entry.name.partition(".")
                if suffix == "py":
                    name = package if stem == "__init__" else f"{package}.{stem}"
                    code = SourceFileLoader(name, entry.path).get_code(name)
                    found[name] = (entry.path, zlib.compress(dumps(code), 1))
    return found


def _read_blocks() -> dict[str, bytes]:
    found = {}
    with os.scandir(f"{_folder(BLOCKS)}/_data") as entries:
        for entry in entries:
            if len(entry.name) == 3:
                with open(entry.path, "rb") as file:  # noqa: PTH123 - an entry has no open of its own
                    found[entry.name] = file.read()
    return found


def _folder(package: str) -> str:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {package} is not installed")
    return spec.submodule_search_locations[0]


def _seal(descriptor: int) -> None:
    """Nobody who has the descriptor can change what it holds: children of all tenants read it."""
    from fcntl import F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, fcntl  # noqa: PLC0415 - children need none of it

    fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
