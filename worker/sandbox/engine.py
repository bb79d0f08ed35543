"""Builds and calls Starlark modules inside the child: built once and frozen, called many times, always under a limit.

Before an author's module is evaluated the host library's names are put into it. Freezing it afterwards is what keeps
state from passing from one call to the next.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

import starlark as star

from worker.sandbox import randomness
from worker.sandbox.failures import NO_SOURCES, Failure, Sources, explain, failure
from worker.sandbox.frames import LIBRARY_PREFIX, MAX_RESULT, MAX_SOURCE
from worker.sandbox.library import LIBRARY, PRELUDE_NAMES, prelude, prepare
from worker.sandbox.watch import Watch

CALL_STACK: Final = 50
#: Building takes longer than a call: 64 KiB of the source that is slowest to parse need about half a second.
COMPILE_S: Final = 0.75
HOST_NAMES: Final = (*PRELUDE_NAMES, *LIBRARY)

GLOBALS: Final = star.Globals.extended_by(
    [
        star.LibraryExtension.StructType,
        star.LibraryExtension.Json,
        star.LibraryExtension.Map,
        star.LibraryExtension.Filter,
        star.LibraryExtension.Partial,
    ]
)

NO_LIBRARIES: Final[Mapping[str, star.FrozenModule]] = {}

_T = TypeVar("_T")


class ScriptFailed(Exception):
    """A module could not be built or a call failed; carries the failure as it travels."""

    def __init__(self, found: Failure) -> None:
        super().__init__(found["message"])
        self.found = found


def dialect() -> star.Dialect:
    """Starlark with def, lambda, f-strings and type annotations; loops and conditions only inside functions."""
    made = star.Dialect.extended()
    made.enable_top_level_stmt = False
    made.enable_f_strings = True
    made.enable_keyword_only_arguments = True
    made.enable_types = star.DialectTypes.ENABLE
    return made


DIALECT: Final = dialect()


def parse(name: str, source: str, *, shift: int = 0) -> star.AstModule:
    """Read a source; ``shift`` of its first lines are ours. Raises ScriptFailed: hook.limit, hook.syntax."""
    if len(source.encode()) > MAX_SOURCE:
        raise ScriptFailed(failure("hook.limit", "the source is larger than 64 KiB"))
    try:
        return star.parse(name, source, DIALECT)
    except star.StarlarkError as error:
        found = explain(str(error), stage="hook.syntax", shift=shift)
    # Starlark reports what is missing at the end of a source at its very beginning, without a snippet.
    if (found.get("line"), found.get("column"), found.get("snippet")) == (1, 1, ""):
        last = source.rstrip().splitlines()[-1:] or [""]
        found |= {"line": len(source.rstrip().splitlines()) or 1, "column": len(last[0]) + 1, "snippet": last[0][:512]}
    raise ScriptFailed(found)


class Engine:
    """Builds and calls modules, one thing at a time; holds what the running call printed or was refused."""

    def __init__(self, watch: Watch | None = None) -> None:
        self.logs: list[str] = []
        self._refusal: Failure | None = None
        self._watch = watch or Watch()
        self._options = star.EvalOptions(check_cancelled=self._watch.is_late, max_callstack_size=CALL_STACK)
        self._host = self._host_module()
        self._names = star.parse("names", f"load('host', {', '.join(map(repr, HOST_NAMES))})\n", DIALECT)

    def build(
        self,
        name: str,
        source: str,
        *,
        shift: int = 0,
        libraries: Mapping[str, star.FrozenModule] = NO_LIBRARIES,
        budget_s: float = COMPILE_S,
    ) -> star.FrozenModule:
        """An author's module, which may load ``libraries``.

        Raises ScriptFailed: hook.limit, hook.syntax, hook.compile, hook.deadline.
        """

        randomness.begin(b"")
        made = partial(self._evaluated, name, source, shift=shift, libraries=libraries)
        return self._limited(lambda: made().freeze(), budget_s, stage="hook.compile", shift=shift)

    def wrap(self, source: str, modules: Mapping[str, star.FrozenModule]) -> star.FrozenModule:
        """One of our own modules, which may load the authors' ``modules`` and ``host``. Raises StarlarkError."""
        loader = star.FileLoader((dict(modules) | {"host": self._host}).__getitem__)
        module = star.Module()
        star.eval(module, star.parse("wrapper", source, DIALECT), GLOBALS, loader)
        return module.freeze()

    def constant(self, module: star.FrozenModule, name: str) -> object:
        """The value of ``name`` at an author's top level, None when there is none that JSON knows."""
        source = f"load('module', found={name!r})\ndef value():\n  return json.encode(found)\n"
        try:
            return json.loads(str(self.wrap(source, {"module": module}).call("value")))
        except star.StarlarkError:
            return None

    def exports(self, module: star.FrozenModule, name: str) -> bool:
        """Whether an author's module defines ``name`` at its top level."""
        try:
            self.wrap(f"load('module', found={name!r})\n", {"module": module})
        except star.StarlarkError:
            return False
        return True

    def call(
        self,
        module: star.FrozenModule,
        function: str,
        *arguments: str | int,
        budget_s: float,
        shift: int = 0,
        seed: bytes = b"",
        sources: Sources = NO_SOURCES,
    ) -> str:
        """The JSON text that a wrapper's function returns; ``seed``: of random values. Raises ScriptFailed.

        ``sources``: what the authors wrote that may run, for what an error may show of it.
        """
        self.logs.clear()
        randomness.begin(seed)

        def work() -> object:
            return module.call_with(self._options, function, *arguments).value

        text = self._limited(work, budget_s, stage="hook.script", shift=shift, sources=sources)
        if not isinstance(text, str) or len(text) > MAX_RESULT:
            raise ScriptFailed(failure("hook.limit", "the result is larger than 1 MiB"))
        return text

    def trace(
        self,
        function: str,
        context: str,
        *,
        budget_s: float,
        seed: bytes,
        sources: Sources,
        libraries: Mapping[str, star.FrozenModule],
    ) -> Failure | None:
        """How a call fails in a module that is not frozen: with its own line, where a frozen one shows the caller's.

        Starlark puts functions of one expression in the place of their calls when it freezes a module. The last of
        ``sources`` is the script. None when it does not fail.
        """
        name = list(sources)[-1]
        randomness.begin(seed)

        def work() -> None:
            module = self._evaluated(name, sources[name], shift=0, libraries=libraries)
            module["_given"] = context
            tree = star.parse("wrapper", f"{function}(json.decode(_given))\n", DIALECT)
            star.eval_with(self._options, module, tree, GLOBALS)

        try:
            self._limited(work, budget_s, stage="hook.script", shift=0, sources=sources)
        except ScriptFailed as error:
            return error.found
        return None

    def limited(self, work: Callable[[], _T]) -> _T:
        """Work of ours that may take as long as building; beyond that this process ends. Raises ScriptFailed."""
        return self._limited(work, COMPILE_S, stage="hook.compile", shift=0)

    def _evaluated(
        self, name: str, source: str, *, shift: int, libraries: Mapping[str, star.FrozenModule]
    ) -> star.Module:
        """An author's module with the host library's names, not frozen yet."""

        def load(wanted: str) -> star.FrozenModule:
            if wanted not in libraries:
                raise LookupError(_no_library(wanted, libraries))
            return libraries[wanted]

        module = star.Module()
        star.eval(module, self._names, GLOBALS, star.FileLoader(lambda _: self._host))
        tree = parse(name, source, shift=shift)
        prepare(source)
        star.eval_with(self._options, module, tree, GLOBALS, star.FileLoader(load))
        return module

    def _limited(
        self, work: Callable[[], _T], budget_s: float, *, stage: str, shift: int, sources: Sources = NO_SOURCES
    ) -> _T:
        self._refusal = None
        with self._watch.limit(budget_s):
            try:
                return work()
            except star.StarlarkError as error:
                found = self._refusal or explain(str(error), stage=stage, shift=shift, sources=sources)
            except TypeError as error:  # what cannot be handed between Python and Starlark
                found = failure("hook.result", str(error))
        raise ScriptFailed(found)

    def _host_module(self) -> star.FrozenModule:
        module = star.Module()
        own: dict[str, Callable[..., object]] = {
            "_log": self.logs.append,
            "_log_room": self.logs.__len__,
            "_refuse": self._refuse,
        }
        groups = []
        for group, functions in LIBRARY.items():
            own |= {f"_{group}_{name}": function for name, function in functions.items()}
            groups.append(f"{group} = struct({', '.join(f'{name} = _{group}_{name}' for name in functions)})\n")
        for name, function in own.items():
            module.add_callable(name, function)
        star.eval(module, star.parse("host", prelude() + "".join(groups), DIALECT), GLOBALS)
        return module.freeze()

    def _refuse(self, kind: str, message: str) -> None:
        self._refusal = failure(kind, message)
        raise ValueError(message)


def _no_library(wanted: str, libraries: Mapping[str, star.FrozenModule]) -> str:
    if not wanted.startswith(LIBRARY_PREFIX):
        return f'load() takes names from libraries, such as load("{LIBRARY_PREFIX}names", "login")'
    known = f"there are {', '.join(libraries)}" if libraries else "there is none before it"
    return f'the library "{wanted[:100]}" is missing; {known}'
