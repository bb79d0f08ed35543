"""What a child sent back, believed only as far as it can be checked: shapes, sizes, characters. Pure."""

import json
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from worker.domain.errors import HookError
from worker.domain.hook import (
    Correlated,
    Diagnostic,
    ExpressionResult,
    HookClass,
    HookResult,
    Patch,
    Reject,
    Skip,
    Validation,
)
from worker.hooks.follow_ups import follow_ups_of

MAX_DEPTH = 16
MAX_LOGS = 50
MAX_LOG = 500
MAX_MESSAGE = 2048
MAX_NAME = 256

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
MAX_CANDIDATES = 250
MAX_CANDIDATE = 1024
MAX_KEYS = 100

_PATCH_KEYS = frozenset({"set", "unset", "tags", "unique"})
#: Where an expression is to blame as a whole.
_BEGINNING: dict[str, Any] = {"line": 1, "column": 1}
_TOO_LATE = "what happened has happened"
#: Failures that a later try may not meet again.
_RETRYABLE = frozenset({HookClass.BUSY})


def failed(found: dict[str, Any], *, logs: tuple[str, ...] = ()) -> HookError:
    """The error a child reported, its text made safe to show."""
    known = found.get("class")
    hook_class = HookClass(known) if known in set(HookClass) else HookClass.SCRIPT
    fields: dict[str, Any] = {name: found[name] for name in ("line", "column") if isinstance(found.get(name), int)}
    if isinstance(found.get("module"), str):
        fields["module"] = printable(found["module"], 120)
    if isinstance(found.get("snippet"), str):
        fields["snippet"] = printable(found["snippet"], MAX_LOG)
    if isinstance(found.get("frames"), list):
        fields["frames"] = tuple(printable(str(frame), 120) for frame in found["frames"][:10])
    if logs:
        fields["logs"] = logs
    message = printable(str(found.get("message", "")), MAX_MESSAGE)
    return HookError(message, hook_class=hook_class, retryable=hook_class in _RETRYABLE, **fields)


def hook_result(line: bytes) -> HookResult | HookError:
    """One line of a script's reply."""
    said = _read(line)
    if isinstance(said, HookError):
        return said
    logs = tuple(printable(str(text), MAX_LOG) for text in _list(said.get("logs"))[:MAX_LOGS])
    if isinstance(said.get("failure"), dict):
        return failed(said["failure"], logs=logs)
    function, took, result = said.get("function"), said.get("us"), said.get("result")
    if not isinstance(function, str | None) or not isinstance(took, int) or not isinstance(result, dict):
        return _nonsense()
    try:
        decision = decision_of(function or "", result)
    except ValueError as error:
        return failed({"class": HookClass.RESULT, "message": str(error)}, logs=logs)
    return HookResult(decision, function=function, logs=logs, duration_us=took)


def decision_of(function: str, result: dict[str, Any]) -> Patch | Reject | Skip | Correlated:
    """What ``function`` decided; ``result`` is ``{"value": ...}``, ``{"reject": ...}`` or ``{"skip": ...}``.

    Raises ValueError with a sentence for the author.
    """
    if function == "correlate":
        return _correlated(result)
    is_told = function.startswith(("after_", "on_error"))
    match result:
        case {"value": None}:
            return Patch()
        case {"value": dict(value)}:
            return _patch_after(function, value) if is_told else _patch(function, value)
        case {"value": value}:
            raise ValueError(f"{function} returned {_kind(value)}; return None, a dict, reject(...) or skip(...)")
        case {"reject": {"reason": str(reason), "code": str(code)}} if not is_told:
            return Reject(printable(reason, MAX_MESSAGE), code=printable(code, MAX_NAME))
        case {"skip": {"reason": str(reason)}} if not is_told:
            return Skip(printable(reason, MAX_MESSAGE))
        case _:
            raise ValueError(f"{function} cannot reject or skip: {_TOO_LATE}; return tags or None")


def expression_results(line: bytes, names: Sequence[str]) -> dict[str, ExpressionResult]:
    """One line of a mapping's reply; every name gets a value or an error."""
    said = _read(line)
    if isinstance(said, HookError):
        return dict.fromkeys(names, ExpressionResult(error=said))
    values, failures = said.get("values"), said.get("failures")
    if not isinstance(values, dict) or not isinstance(failures, dict):
        return dict.fromkeys(names, ExpressionResult(error=_nonsense()))
    return {name: _expression(values, failures, str(index)) for index, name in enumerate(names)}


def validation(report: Any) -> Validation:
    """The child's review of a source."""
    match report:
        case {
            "ok": bool(is_ok),
            "functions": list(functions),
            "diagnostics": list(found),
            "loads": list(loads),
            "api": int(api),
        }:
            diagnostics = tuple(_diagnostic(entry) for entry in found if isinstance(entry, dict))
            names, loaded = tuple(str(name) for name in functions), tuple(printable(str(name), 120) for name in loads)
            return Validation(is_ok, names, diagnostics, loads=loaded, api=api)
        case _:
            return refused(_nonsense())


def refused(error: HookError) -> Validation:
    """The validation of a source that could not even be looked at."""
    line, column = error.fields.get("line", 1), error.fields.get("column", 1)
    return Validation(False, diagnostics=(Diagnostic("error", line, column, error.hook_class, str(error)),))


def printable(text: str, limit: int) -> str:
    """``text`` cut to ``limit``, with control and direction characters and lone surrogates written as escapes."""
    shown = _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text[: limit + 1])
    shown = shown.encode("utf-8", "backslashreplace").decode()
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _patch(function: str, value: dict[str, Any]) -> Patch:
    if not value.keys() <= _PATCH_KEYS:
        if function != "transform":
            raise ValueError(_strange(function, value.keys() - _PATCH_KEYS))
        value = {"set": value}
    changes, unset, tags = value.get("set") or {}, value.get("unset") or [], value.get("tags") or {}
    if not isinstance(changes, dict) or not isinstance(tags, dict):
        raise ValueError("set and tags of a patch are dicts")  # noqa: TRY004 - one class for whatever an author returned
    if not isinstance(unset, list) or not all(isinstance(name, str) for name in unset):
        raise ValueError("unset of a patch is a list of attribute names")
    for name, wanted in changes.items():
        if wanted is None:
            raise ValueError(f"the patch sets {_name(name)!r} to None; name it in unset to clear it")
    unique = _unique(function, value.get("unique") or {})
    _refuse_twice(changes.keys(), set(unset), unique.keys())
    for name in (*changes, *unset, *tags, *unique):
        if not name.strip() or len(name) > MAX_NAME:
            raise ValueError(f"{_name(name)!r} is no name of an attribute")
    _check({"set": changes, "tags": tags, "unset": unset, "unique": unique})
    return Patch(set=changes, unset=tuple(dict.fromkeys(unset)), tags=tags, unique=unique)


def _strange(function: str, keys: AbstractSet[str]) -> str:
    strange = min(keys)
    if strange == "follow_up":
        return f"{function} returned follow_up: only after_* may, for nothing has happened yet that it could follow"
    return f"{function} returned the key {_name(strange)!r}; a patch has set, unset, unique and tags"


def _refuse_twice(changes: AbstractSet[str], unset: AbstractSet[str], unique: AbstractSet[str]) -> None:
    if both := changes & unset:
        raise ValueError(f"the patch both sets and unsets {_name(min(both))!r}")
    if both := (changes | unset) & unique:
        raise ValueError(f"the patch offers names for {_name(min(both))!r}, and also sets or unsets it")


def _unique(function: str, offered: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(offered, dict):
        raise ValueError("unique of a patch is a dict of lists")  # noqa: TRY004 - one class for what an author returned
    if offered and function not in {"before_create", "transform"}:
        raise ValueError(f"{function} offers unique names; an account gets its name when it is created")
    return {name: _candidates(name, texts) for name, texts in offered.items()}


def _candidates(name: str, texts: Any) -> tuple[str, ...]:
    if not isinstance(texts, list) or not texts or len(texts) > MAX_CANDIDATES:
        raise ValueError(f"unique of {_name(name)!r} is a list of 1 to {MAX_CANDIDATES} texts")
    for text in texts:
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_CANDIDATE:
            raise ValueError(f"a candidate for {_name(name)!r} is a text of 1 to {MAX_CANDIDATE} characters")
    return tuple(dict.fromkeys(texts))


def _patch_after(function: str, value: dict[str, Any]) -> Patch:
    may_follow = function.startswith("after_")
    strange = value.keys() - ({"tags", "follow_up"} if may_follow else {"tags"})
    if strange:
        if "follow_up" in strange:
            raise ValueError(f"{function} returned follow_up: only after_* may; it would follow each failed try")
        allowed = "tags and follow_up" if may_follow else "tags"
        raise ValueError(f"{function} can only return {allowed}: {_TOO_LATE}")
    tags = value.get("tags") or {}
    if not isinstance(tags, dict):
        raise ValueError("tags are a dict")  # noqa: TRY004 - one class for whatever an author returned
    _check(value)
    said = value.get("follow_up")
    return Patch(tags=tags, follow_up=follow_ups_of(said) if said is not None else ())


def _correlated(result: dict[str, Any]) -> Correlated:
    match result:
        case {"value": None}:
            return Correlated()
        case {"value": list(keys)}:
            if len(keys) > MAX_KEYS or not all(isinstance(key, str) and key.strip() for key in keys):
                raise ValueError(f"the keys of correlate are at most {MAX_KEYS} texts")
            _check(keys)
            return Correlated(keys=tuple(dict.fromkeys(keys)))
        case {"value": {"match": dict(wanted), **rest}} if wanted and not rest:
            _check(wanted)
            return Correlated(match=wanted)
        case {"value": {"score": dict(scores), **rest}} if not rest:
            return Correlated(score={name: _score(name, score) for name, score in scores.items()})
        case _:
            raise ValueError("correlate returns None, a list of keys, a dict with match, or one with score")


def _score(name: str, score: Any) -> float:
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ValueError(f"the score of {_name(name)!r} is a number from 0 to 1")
    _check(name)
    return float(score)


def _check(value: Any, depth: int = 0) -> None:
    """Raises ValueError for what a row of the database could not hold."""
    if depth > MAX_DEPTH:
        raise ValueError("the result is nested deeper than 16 levels")
    match value:
        case str():
            if _UNSTORABLE.search(value):
                raise ValueError("the result holds a text with a NUL or half a character")
        case int() if not -(1 << 63) <= value < 1 << 63:
            raise ValueError("a number in the result does not fit 64 bits")
        case float() if value - value != 0:
            raise ValueError("a number in the result is not finite")
        case list() | tuple():
            for item in value:
                _check(item, depth + 1)
        case dict():
            for key, item in value.items():
                _check(key, depth + 1)
                _check(item, depth + 1)
        case _:
            pass


def _expression(values: dict[str, Any], failures: dict[str, Any], place: str) -> ExpressionResult:
    found = failures.get(place)
    if isinstance(found, dict):
        return ExpressionResult(error=failed(_BEGINNING | found))
    if place not in values:
        return ExpressionResult(error=_nonsense())
    try:
        _check(values[place])
    except ValueError as error:
        return ExpressionResult(error=HookError(str(error), hook_class=HookClass.RESULT, **_BEGINNING))
    return ExpressionResult(value=values[place])


def _diagnostic(entry: dict[str, Any]) -> Diagnostic:
    line, column = entry.get("line"), entry.get("column")
    return Diagnostic(
        severity="error" if entry.get("severity") == "error" else "warning",
        line=line if isinstance(line, int) else 1,
        column=column if isinstance(column, int) else 1,
        code=printable(str(entry.get("code")), 64),
        message=printable(str(entry.get("message")), MAX_MESSAGE),
    )


def _read(line: bytes) -> dict[str, Any] | HookError:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):  # a number of thousands of digits is a ValueError as well
        return _nonsense()
    return said if isinstance(said, dict) else _nonsense()


def _nonsense() -> HookError:
    return HookError("the sandbox answered nonsense", hook_class=HookClass.CRASH)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(value: str) -> str:
    return printable(value, 60)


def _kind(value: Any) -> str:
    return {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list"}[type(value)]
