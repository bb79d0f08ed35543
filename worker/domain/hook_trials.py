"""Trying a script: the context of a trial, what it answered in JSON, and how that differs from what was expected. Pure.

An answer is one of

    {}                                                    no change (null means the same)
    {"set": {...}, "unset": [...], "tags": {...}, ...}    a patch, without the parts that are empty
    {"keys": [...]}, {"match": {...}}, {"score": {...}}   what correlate says
    {"reject": {"reason", "code"}}, {"skip": {"reason"}}  the operation would end
    {"error": {"class", "message"}}                       the script failed

What is expected says as much of ``reject``, ``skip`` and ``error`` as it cares about, and all of the rest.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from worker.domain.errors import HookError, InvalidRequest
from worker.domain.hook import Correlated, HookContext, HookResult, Patch, Reject, Skip

#: The moment of a trial that names none: the same each time, so that a saved test means the same tomorrow.
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MAX_DIFFERENCES = 10
MAX_SHOWN = 200

_PARTS = tuple(each.name for kind in (Patch, Correlated) for each in fields(kind))
_LISTS = frozenset({"unset", "keys", "follow_up"})
_ENDS = {"reject": {"reason", "code"}, "skip": {"reason"}, "error": {"class", "message"}}
_FAILURE = ("line", "column", "module", "snippet", "frames", "logs")


def trial_context(function: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A whole ``ctx`` from the parts that a test gives; what it leaves out is empty, and there."""
    is_told = function.startswith(("after_", "on_error"))
    empty = HookContext(
        function,
        "user",
        NOW,
        dry_run=True,
        resource={"id": "", "name": "", "type": ""},
        actor={"id": None, "kind": ""},
        result={"status": "completed", "uid": None, "error": None} if is_told else None,
    )
    return {**empty.as_dict(), "now": NOW.isoformat(), **given}


def answer_of(said: HookResult | HookError) -> dict[str, Any]:
    """An answer in the words above."""
    if isinstance(said, HookError):
        return {"error": {"class": said.hook_class, "message": str(said)}}
    decision = said.decision
    if isinstance(decision, Reject):
        return {"reject": asdict(decision)}
    if isinstance(decision, Skip):
        return {"skip": asdict(decision)}
    found = {name: _plain(value) for name, value in asdict(decision).items() if value}
    if "follow_up" in found:
        found["follow_up"] = [{name: value for name, value in each.items() if value} for each in found["follow_up"]]
    return found


def failure_of(error: HookError) -> dict[str, Any]:
    """A failure as people and programs see it: class, message and, where known, the place and what was printed."""
    return {"class": error.hook_class, "message": str(error)} | {
        name: error.fields[name] for name in _FAILURE if name in error.fields
    }


def check_expected(expected: Any) -> dict[str, Any]:
    """What a saved test expects, as it is stored. Raises InvalidRequest for what no script can answer."""
    if expected is None:
        return {}
    if not isinstance(expected, dict):
        raise InvalidRequest("What a test expects is null or an object.")
    [end, *others] = sorted(expected.keys() & _ENDS) or [None]
    if end is None:
        strange = sorted(expected.keys() - set(_PARTS))
        if strange:
            raise InvalidRequest(f"No script answers {strange[0]}; there are {', '.join((*_PARTS, *_ENDS))}.")
        _check_parts(expected)
        return expected
    said = expected[end]
    if others or len(expected) > 1 or not isinstance(said, dict) or not said.keys() <= _ENDS[end]:
        raise InvalidRequest(f"{end} stands alone, and may hold {', '.join(sorted(_ENDS[end]))}.")
    return expected


def _check_parts(expected: Mapping[str, Any]) -> None:
    for name, value in expected.items():
        kind: type = list if name in _LISTS else dict
        if not isinstance(value, kind):
            raise InvalidRequest(f"{name} is {'a list' if kind is list else 'an object'}.")


def differences(expected: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
    """What of an answer is not as expected, in sentences; empty when all of it is."""
    end = next(iter(expected.keys() & _ENDS), None)
    if end is not None:
        if end not in answer:
            return [f"expected {end}, got {_kind(answer)}"]
        return _of_parts(f"{end}.", expected[end], {name: answer[end].get(name) for name in expected[end]})
    if answer.keys() & _ENDS:
        return [f"expected {_kind(expected)}, got {_kind(answer)}"]
    found: list[str] = []
    for name in _PARTS:
        left, right = expected.get(name) or {}, answer.get(name) or {}
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            found += _of_parts(f"{name}.", left, right)
        elif list(left) != list(right) and (name != "unset" or set(left) != set(right)):
            found.append(f"{name} is {_shown(right)}, expected {_shown(left)}")
    return found[:MAX_DIFFERENCES]


def _of_parts(where: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    missing = object()
    return [
        f"{where}{name} is {_shown(found.get(name, missing))}, expected {_shown(expected.get(name, missing))}"
        for name in sorted(expected.keys() | found.keys())
        if not _is_same(found.get(name, missing), expected.get(name, missing))
    ][:MAX_DIFFERENCES]


def _plain(value: Any) -> Any:
    """As it is after a way through JSON: what it is compared with has gone it."""
    return json.loads(json.dumps(value))


def _is_same(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same; true is not 1."""
    return bool(left == right) and (isinstance(left, bool) is isinstance(right, bool))


def _kind(answer: Mapping[str, Any]) -> str:
    if "error" in answer:
        return f"the error {answer['error'].get('class', '')}: {answer['error'].get('message', '')}".rstrip(": ")
    return next(iter(answer.keys() & _ENDS), "a patch" if answer else "no change")


def _shown(value: Any) -> str:
    if type(value) is object:
        return "absent"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
