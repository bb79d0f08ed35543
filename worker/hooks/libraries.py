"""In which order the libraries of a script are built. Pure."""

from collections.abc import Mapping, Sequence

from worker.domain.errors import HookError
from worker.domain.hook import HookClass


def library_order(wanted: Sequence[str], loads: Mapping[str, Sequence[str]]) -> list[str]:
    """Names of ``wanted`` and all that they load, each before those that load it; ``loads`` has what each one loads.

    Raises HookError (hook.compile) when one is missing, or when some load each other.
    """
    ordered: list[str] = []
    for name in wanted:
        _visit(name, loads, ordered, path=())
    return ordered


def _visit(name: str, loads: Mapping[str, Sequence[str]], ordered: list[str], *, path: tuple[str, ...]) -> None:
    if name in ordered:
        return
    if name in path:
        circle = " -> ".join((*path[path.index(name) :], name))
        raise HookError(f"these libraries load each other: {circle}", hook_class=HookClass.COMPILE)
    if name not in loads:
        whose = f", which {path[-1]} loads," if path else ""
        raise HookError(f"the library {name}{whose} is missing", hook_class=HookClass.COMPILE)
    for each in loads[name]:
        _visit(each, loads, ordered, path=(*path, name))
    ordered.append(name)
