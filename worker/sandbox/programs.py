"""What a request runs: a script with its functions, or the expressions of a mapping. Both answer with a line of JSON.

An author's function is called through a list: a direct call would be inlined into the wrapper, and an error's line
would be the wrapper's instead of the author's.
"""

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import starlark as star

from worker.sandbox.engine import COMPILE_S, Engine, ScriptFailed, parse
from worker.sandbox.failures import EXPRESSION, SCRIPT, Failure, failure
from worker.sandbox.frames import API, EXPRESSION_NAMES, FUNCTIONS, LIBRARY_PREFIX

#: Lines of ``_EXPRESSION`` before the author's first.
_SHIFT: Final = 2
_EXPRESSION: Final = f"def value({', '.join(EXPRESSION_NAMES)}):\n return (\n%s\n)\n"
_BRACKETED: Final = f"def value({', '.join(EXPRESSION_NAMES)}):\n return [\n%s\n]\n"
_NO_TOKEN: Final = re.compile(r"\s*(?:#.*|\\)?\s*")
#: Failures that happen again in the same place when a call is made again, and what tells that they are the same.
_TRACED: Final = ("hook.script", "hook.fail")
_SAME: Final = ("class", "message")
_FALLBACK: Final = {"before_create": "transform", "before_update": "transform"}


class Script:
    """One author's script. ``functions`` are those that the daemon may call."""

    def __init__(self, engine: Engine, source: str, libraries: Sequence[Sequence[str]] = ()) -> None:
        """``libraries``: (name, source), each before those that load it. Raises ScriptFailed: it cannot be built."""
        self._engine = engine
        began = time.thread_time()
        self._libraries, module = _build(engine, source, libraries)
        self._build_s = time.thread_time() - began
        self._sources = {LIBRARY_PREFIX + name: text for name, text in libraries} | {SCRIPT: source}
        self.api = engine.constant(module, "API") if "API" in source and engine.exports(module, "API") else API
        if type(self.api) is not int or self.api != API:  # true is no number here
            raise ScriptFailed(failure("hook.compile", f"API names the contract of the script; known is {API}"))
        self.functions = tuple(name for name in FUNCTIONS if name in source and engine.exports(module, name))
        rows = ["load('host', 'finish')"]
        for name in self.functions:
            rows.append(f"load('module', author_{name}={name!r})")
            rows.append(f"_{name} = [author_{name}]")
            rows.append(f"def run_{name}(context):\n  return finish(_{name}[0](json.decode(context)))")
        self._wrapper = engine.wrap("\n".join(rows) + "\n", {"module": module})

    def run(self, function: str, context: bytes, *, seed: bytes = b"", budget_s: float) -> bytes:
        """Call ``function`` or its stand-in: ``{"function", "us", "logs", "result" or "failure"}``."""
        name = function if function in self.functions else _FALLBACK.get(function, "")
        if name not in self.functions:
            return b'{"function":null,"us":0,"logs":[],"result":{"value":null}}'
        started = time.perf_counter_ns()
        began = time.thread_time()
        text = context.decode()
        how: dict[str, Any] = {"budget_s": budget_s, "seed": seed, "sources": self._sources}
        try:
            said = f'"result":{self._engine.call(self._wrapper, f"run_{name}", text, **how)}'
        except ScriptFailed as error:
            left_s = budget_s - self._build_s - (time.thread_time() - began)
            found = self._traced(error.found, name, text, how) if left_s > budget_s / 2 else error.found
            said = f'"failure":{json.dumps(found)}'
        took = (time.perf_counter_ns() - started) // 1000
        return f'{{"function":"{name}","us":{took},"logs":{json.dumps(self._engine.logs)},{said}}}'.encode()

    def _traced(self, found: Failure, function: str, context: str, how: dict[str, Any]) -> Failure:
        """``found`` with the line that failed, where a function of one expression hides it behind its caller's."""
        functions = sum(text.count("def ") + text.count("lambda") for text in self._sources.values())
        if found["class"] not in _TRACED or functions < 2:
            return found
        logs = list(self._engine.logs)
        again = self._engine.trace(function, context, libraries=self._libraries, **how)
        self._engine.logs[:] = logs
        is_same = again is not None and [again[key] for key in _SAME] == [found[key] for key in _SAME]
        return again if again is not None and is_same and "line" in again else found


class Expressions:
    """The expressions of one mapping, computed together for a context; one that fails does not fail the others."""

    def __init__(self, engine: Engine, texts: Mapping[str, str]) -> None:
        """Build every expression on its own; what cannot be built fails at every context."""
        self._engine = engine
        self._broken: dict[int, Failure] = {}
        self._texts = [{_label(name): text.strip()} for name, text in texts.items()]
        modules: dict[str, star.FrozenModule] = {}
        for index, (name, text) in enumerate(texts.items()):
            try:
                modules[f"m{index}"] = _build_expression(engine, name, text)
            except ScriptFailed as error:
                self._broken[index] = error.found
        self._sound = [index for index in range(len(texts)) if index not in self._broken]
        self._wrapper = engine.wrap(_expressions_source(self._sound), modules)

    def run(self, context: bytes, *, budget_s: float) -> bytes:
        """``{"us", "values": {index: value}, "failures": {index: failure}}``; takes at most twice the budget."""
        started = time.perf_counter_ns()
        text = context.decode()
        failures: dict[int, Failure] = dict(self._broken)
        try:
            together = self._engine.call(self._wrapper, "every", text, budget_s=budget_s, shift=_SHIFT)
            values = dict(zip(self._sound, json.loads(together), strict=True))
        except ScriptFailed:
            values, failed = self._one_by_one(text, budget_s=budget_s)
            failures |= failed
        took = (time.perf_counter_ns() - started) // 1000
        return json.dumps({"us": took, "values": values, "failures": failures}).encode()

    def _one_by_one(self, text: str, *, budget_s: float) -> tuple[dict[int, Any], dict[int, Failure]]:
        end = time.thread_time() + budget_s
        values: dict[int, Any] = {}
        failures: dict[int, Failure] = {}
        for place, index in enumerate(self._sound):
            left = end - time.thread_time()
            if left <= 0:
                failures[index] = failure("hook.deadline", "other expressions used up the time limit")
                continue
            try:
                how: dict[str, Any] = {"budget_s": left, "shift": _SHIFT, "sources": self._texts[index]}
                said = self._engine.call(self._wrapper, "one", text, place, **how)
                values[index] = json.loads(said)[0]
            except ScriptFailed as error:
                failures[index] = error.found
        return values, failures


def _build(
    engine: Engine, source: str, libraries: Sequence[Sequence[str]]
) -> tuple[dict[str, star.FrozenModule], star.FrozenModule]:
    """The modules of the libraries, and the script's behind them, all within the time of two."""
    end = time.thread_time() + 2 * COMPILE_S
    built: dict[str, star.FrozenModule] = {}
    for name, text in libraries:
        budget_s = min(COMPILE_S, max(end - time.thread_time(), 0.0))
        built[LIBRARY_PREFIX + name] = engine.build(LIBRARY_PREFIX + name, text, libraries=built, budget_s=budget_s)
    budget_s = min(COMPILE_S, max(end - time.thread_time(), 0.0))
    return built, engine.build(SCRIPT, source, libraries=built, budget_s=budget_s)


def _build_expression(engine: Engine, name: str, text: str) -> star.FrozenModule:
    if all(_NO_TOKEN.fullmatch(line) for line in text.splitlines()):
        raise ScriptFailed(failure("hook.syntax", "the expression is empty"))
    label = _label(name)
    _refuse_several(engine, label, text.strip())
    return engine.build(label, _EXPRESSION % text.strip(), shift=_SHIFT)


def _label(name: str) -> str:
    return EXPRESSION + "".join(char if char.isprintable() and char != ":" else " " for char in name[:100])


def _refuse_several(engine: Engine, label: str, text: str) -> None:
    """Refuse a text that closes the brackets it is put in, as ``1)+(2`` does; raises ScriptFailed.

    No text does so both in round and in square ones: whatever passes in both has brackets of its own alone.
    """
    try:
        engine.limited(lambda: parse(label, _BRACKETED % text, shift=_SHIFT))
    except ScriptFailed as error:
        engine.limited(lambda: parse(label, _EXPRESSION % text, shift=_SHIFT))  # wrong there too: said as it is there
        told = "this is not one expression: a bracket is closed that was not opened in it"
        place = {name: error.found[name] for name in ("line", "column", "snippet") if name in error.found}
        raise ScriptFailed(failure("hook.syntax", told) | place) from error


def _expressions_source(indexes: list[int]) -> str:
    loads = [f"load('m{index}', v{index}='value')\n" for index in indexes]
    names = ", ".join(f"given.get({name!r})" for name in EXPRESSION_NAMES)
    calls = ", ".join(f"_all[{place}](*names)" for place in range(len(indexes)))
    return (
        "load('host', 'finish_values')\n"
        + "".join(loads)
        + f"_all = [{', '.join(f'v{index}' for index in indexes)}]\n"
        + f"def _names(context):\n  given = json.decode(context)\n  return [{names}]\n"
        + f"def every(context):\n  names = _names(context)\n  return finish_values([{calls}])\n"
        + "def one(context, place):\n  return finish_values([_all[place](*_names(context))])\n"
    )
