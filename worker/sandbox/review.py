"""What can be said about a script without running it: errors, lint, types, and characters that deceive the reader."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

import starlark as star

from worker.sandbox.engine import GLOBALS, HOST_NAMES, Engine, ScriptFailed, parse
from worker.sandbox.failures import SCRIPT, Failure, explain
from worker.sandbox.frames import API, FUNCTIONS, LIBRARY_PREFIX
from worker.sandbox.programs import Script

MAX_DIAGNOSTICS: Final = 50

#: Bidirectional overrides and isolates: the source reads differently from how it runs.
_BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LIKELY_EVENT: Final = re.compile(r"^def ((?:before|after)_\w*|on_\w+)\s*\(", re.MULTILINE)
_UNKNOWN_NAME: Final = re.compile(r"Variable `(\w+)` not found")

Diagnostic = dict[str, Any]


def review(
    engine: Engine,
    source: str,
    libraries: Sequence[Sequence[str]] = (),
    *,
    is_library: bool = False,
    is_thorough: bool = True,
) -> dict[str, Any]:
    """``{"ok", "functions", "loads", "api", "diagnostics": [{severity, line, column, code, message}]}``.

    Positions count from one. ``libraries``: (name, source), each before those that load it. A library itself need not
    define any function that the daemon calls. Lint and types are left out where it is not ``is_thorough``: who checks
    them cannot be stopped, and may be the end of this process.
    """
    found = _characters(source)
    functions: tuple[str, ...] = ()
    loads: list[str] = []
    try:
        tree = engine.limited(lambda: parse(SCRIPT, source))
        loads = _loads(tree)
        found += [] if is_library else _names(source)
        if is_thorough:
            found += engine.limited(lambda: _lint(tree) + _types(tree))
        functions = Script(engine, source, libraries).functions
        if not functions and not is_library:
            found.append(_entry("error", "hook.no_function", f"define one of {', '.join(FUNCTIONS)}"))
    except ScriptFailed as error:
        known = _of_failure(error.found, source)
        found = [entry for entry in found if entry["code"] != "types" or _place(entry) != _place(known)]
        found.append(known)
    found = sorted(found, key=lambda entry: (entry["severity"] != "error", *_place(entry)))
    is_ok = all(entry["severity"] != "error" for entry in found)
    said = {"ok": is_ok, "functions": functions, "loads": loads, "api": API}
    return said | {"diagnostics": found[:MAX_DIAGNOSTICS]}


def _loads(tree: star.AstModule) -> list[str]:
    """Names of libraries, each once, in the order of the source."""
    named = (load.module_id for load in tree.loads())
    return list(dict.fromkeys(name.removeprefix(LIBRARY_PREFIX) for name in named if name.startswith(LIBRARY_PREFIX)))


def _entry(severity: str, code: str, message: str, line: int = 1, column: int = 1) -> Diagnostic:
    return {"severity": severity, "line": line, "column": column, "code": code, "message": message[:500]}


def _place(entry: Diagnostic) -> tuple[int, int]:
    return entry["line"], entry["column"]


def _of_failure(found: Failure, source: str) -> Diagnostic:
    if "module" in found:  # the place is in a library: here it is where that is loaded
        loads = re.search(rf"load\(\s*[\"']{re.escape(found['module'])}[\"']", source)
        line = source.count("\n", 0, loads.start()) + 1 if loads else 1
        return _entry("error", found["class"], f"{found['module']}, line {found['line']}: {found['message']}", line)
    return _entry("error", found["class"], found["message"], found.get("line", 1), found.get("column", 1))


def _characters(source: str) -> list[Diagnostic]:
    entries = []
    for match in _BIDI.finditer(source):
        name = unicodedata.name(match[0], "bidirectional control").lower()
        line = source.count("\n", 0, match.start()) + 1
        column = match.start() - source.rfind("\n", 0, match.start())
        entries.append(_entry("warning", "bidi", f"{name}: the text reads differently from how it runs", line, column))
    return entries


def _lint(tree: star.AstModule) -> list[Diagnostic]:
    entries = []
    for lint in tree.lint():
        if lint.severity == star.EvalSeverity.Disabled:
            continue
        begin = lint.resolved_location.span.begin
        entries.append(_entry("warning", lint.short_name, lint.problem, begin.line + 1, begin.column + 1))
    return entries


def _types(tree: star.AstModule) -> list[Diagnostic]:
    """The type checker's doubts as warnings; it does not know the host library's names, so those are left out."""
    entries = []
    for doubt in tree.typecheck(GLOBALS, {})[0]:
        found = explain(str(doubt), stage="types")
        unknown = _UNKNOWN_NAME.match(found["message"])
        if unknown is None or unknown[1] not in HOST_NAMES:
            entries.append(_of_failure(found, "") | {"severity": "warning", "code": "types"})
    return entries


def _names(source: str) -> list[Diagnostic]:
    entries = []
    for match in _LIKELY_EVENT.finditer(source):
        if match[1] not in FUNCTIONS:
            line = source.count("\n", 0, match.start()) + 1
            message = f"nothing calls {match[1]}; known are {', '.join(FUNCTIONS)}"
            entries.append(_entry("warning", "unknown-function", message, line))
    return entries
