"""Scripts as files: what is in them, what they are tested with, and what each is told when nobody says.

A file that cannot be a script is no reason to stop: it is one answer among many, with a class of its own.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from worker.domain.errors import HookError, InvalidRequest
from worker.domain.hook import HookClass, HookContext
from worker.domain.hook_trials import check_expected, trial_context
from worker.sandbox import FUNCTIONS, MAX_SOURCE

SUFFIX = ".star"
#: Where the libraries of a script are, beside it.
LIBRARIES = "lib"
#: Beside ``login.star``: a list of {name, function, context, expected}.
CASES = ".tests.json"
#: More than any context may have.
LONGEST_JSON = 1024 * 1024

SAMPLE = HookContext(
    event="before_create",
    object_class="user",
    now=datetime(2026, 1, 1, 8, tzinfo=UTC),
    resource={"id": "00000000-0000-0000-0000-000000000000", "name": "sample", "type": "sample"},
    actor={"id": None, "kind": "test"},
    identity={
        "external_id": "100001",
        "user_name": "ada.lovelace",
        "active": True,
        "given_name": "Ada",
        "family_name": "Lovelace",
        "mail": "ada.lovelace@example.org",
        "department": "Engineering",
    },
    attributes={"uid": "ada.lovelace", "mail": "ada.lovelace@example.org", "department": "Engineering"},
    dry_run=True,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One test of a script; ``expected`` is what its function must decide, or None to only run it."""

    name: str
    function: str | None
    context: dict[str, Any]
    expected: dict[str, Any] | None = None


def files_of(paths: Iterable[str]) -> list[Path]:
    """The files that were named, and every script below the folders; libraries are looked at with who loads them.

    Raises InvalidRequest where there is none.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        inside = _scripts_below(path) if path.is_dir() else [path]
        if not inside:
            raise InvalidRequest(f"There is no file {SUFFIX} in {path}.")
        found += inside
    return found


def is_library(path: Path) -> bool:
    """Whether a file is where libraries are: in a folder ``lib``, or from the working directory on below one."""
    full = path.resolve()
    is_here = full.is_relative_to(Path.cwd())
    return full.parent.name == LIBRARIES or (is_here and LIBRARIES in full.relative_to(Path.cwd()).parts[:-1])


def libraries_of(path: Path) -> Path:
    """Where what a file loads is: in the folder ``lib`` beside it, or that in which it is a library itself."""
    own = (each for each in path.parents if each.name == LIBRARIES)
    return next(own, path.parent / LIBRARIES) if is_library(path) else path.parent / LIBRARIES


def _scripts_below(folder: Path) -> list[Path]:
    # Only folders below this one count: itself it may well be somewhere in /var/lib. A link that leads out of it would
    # show, with the mistakes in it, what whoever wrote the scripts may not read.
    inside = folder.resolve()
    found = (path for path in folder.rglob(f"*{SUFFIX}") if path.is_file() and path.resolve().is_relative_to(inside))
    return sorted(path for path in found if LIBRARIES not in path.relative_to(folder).parts[:-1])


def source_of(path: Path) -> str:
    """What is written in a file. Raises OSError, and HookError for what cannot be a script."""
    with path.open("rb") as file:
        raw = file.read(MAX_SOURCE + len("\ufeff".encode()) + 1)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        if len(raw) > MAX_SOURCE:  # cut in the middle of a character, perhaps
            raise HookError("the source is larger than 64 KiB", hook_class=HookClass.LIMIT) from error
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise HookError("the source is not UTF-8", hook_class=HookClass.SYNTAX, line=line, column=column) from error


def library_source(folder: Path, name: str) -> str:
    """The source of the library ``name`` in a folder of libraries. Raises HookError where there is none."""
    path = folder / f"{name}{SUFFIX}"
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        raise HookError(f"the library {name} is missing: there is no {path}", hook_class=HookClass.COMPILE)
    return source_of(path)


def call_of(path: Path | None, *, function: str | None = None) -> Case:
    """One call: the context in a JSON file with whatever it leaves out, or a sample person where there is none.

    The function is the named one, else the ``event`` of that context, else whatever the script has.
    """
    if path is None:
        return _case_of("", function, {}, base=SAMPLE.as_dict())
    found = _json(path)
    if not isinstance(found, dict):
        raise InvalidRequest(f"{path}: a context is one JSON object.")
    return _case_of("", function, found)


def cases_of(script: Path) -> list[Case]:
    """The cases saved beside a script; none where there is no such file. Raises InvalidRequest for a misshapen one."""
    path = script.with_suffix(CASES)
    if not path.is_file():
        return []
    found = _json(path)
    if not isinstance(found, list):
        raise InvalidRequest(f"{path}: cases are a JSON list of objects with name, function, context and expected.")
    return [_saved(path, number, each) for number, each in enumerate(found, 1)]


def calls_of(path: Path) -> list[Case]:
    """Recorded calls, one JSON object with function, context and answer a line. Raises InvalidRequest."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_recorded(f"{path}:{number}", line) for number, line in enumerate(lines, 1) if line.strip()]


def _recorded(place: str, line: str) -> Case:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{place}: this line is not JSON: {error}") from error
    match found:
        case {"context": dict(context), "answer": dict(answer)}:
            function = found.get("function")
            if isinstance(function, str | None):
                return _case_of(place, function, context, expected=answer)
    raise InvalidRequest(f"{place}: a call is an object with context and answer, both objects, and maybe function.")


def _saved(path: Path, number: int, found: Any) -> Case:
    match found:
        case {"context": dict(context), "expected": dict() | None as expected}:
            function, name = found.get("function"), str(found.get("name") or f"case {number}")
            if isinstance(function, str | None):
                return _case_of(name, function, context, expected=check_expected(expected))
    raise InvalidRequest(f"{path}: case {number} needs context and expected, both objects, and may name its function.")


def _case_of(
    name: str,
    function: str | None,
    given: Mapping[str, Any],
    *,
    base: Mapping[str, Any] | None = None,
    expected: dict[str, Any] | None = None,
) -> Case:
    """A case whose context has every member: those that are not given are those of nobody in particular."""
    event = function if function is not None else given.get("event")
    if event is not None and event not in FUNCTIONS:
        raise InvalidRequest(f"{event} is no function of a hook; there are {', '.join(FUNCTIONS)}.")
    context = trial_context(event or FUNCTIONS[0], {**(base or {}), **given})
    return Case(name, event, context | ({"event": event} if event else {}), expected)


def _json(path: Path) -> Any:
    with path.open("rb") as file:
        raw = file.read(LONGEST_JSON + 1)
    if len(raw) > LONGEST_JSON:
        raise InvalidRequest(f"{path} is larger than {LONGEST_JSON // 1024} KiB.")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{path} is not JSON: {error}") from error
