"""What became of a script, as a record for machines, as lines for people, and as an exit code.

Exit codes of ``provisiond hooks``: 0 every script answered; 1 one is wrong, or decided otherwise than expected; 5 one
ran into a limit of the sandbox (time, memory) or broke its process; the worst of all files counts.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, assert_never

from worker.domain.errors import HookError
from worker.domain.hook import Correlated, HookClass, HookResult, Patch, Reject, Skip, Validation
from worker.domain.hook_trials import answer_of, differences
from worker.hooks import printable

SKIP = "hook.skip"
#: Of a case that was decided otherwise.
UNEXPECTED = "hook.unexpected"
FINE, WRONG, STOPPED = 0, 1, 5
_LIMITS = frozenset(
    {HookClass.DEADLINE, HookClass.TIMEOUT, HookClass.MEMORY, HookClass.CRASH, HookClass.SUSPENDED, HookClass.BUSY}
)
_ROOM_OF_NUMBER = 4
MAX_LOG = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one file came to. ``hook_class`` is None for a plain answer; ``line`` and ``column`` count from one."""

    file: str
    ok: bool
    hook_class: str | None = None
    message: str | None = None
    line: int | None = None
    column: int | None = None
    patch: dict[str, Any] | None = None
    logs: tuple[str, ...] = ()
    duration_us: int = 0
    function: str | None = None
    snippet: str = ""
    frames: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """The record of one file, for machines."""
        return {
            "file": self.file,
            "ok": self.ok,
            "class": self.hook_class,
            "message": self.message,
            "line": self.line,
            "column": self.column,
            "patch": self.patch,
            "logs": list(self.logs),
            "duration_us": self.duration_us,
        }

    @property
    def exit_code(self) -> int:
        if self.ok:
            return FINE
        return STOPPED if self.hook_class in _LIMITS else WRONG


def of_answer(file: str, answer: HookResult | HookError, *, took_us: int) -> Verdict:
    """The verdict of one call."""
    if isinstance(answer, HookError):
        return of_failure(file, answer, took_us=took_us)
    made = Verdict(file, True, logs=answer.logs, duration_us=answer.duration_us, function=answer.function)
    match answer.decision:
        case Patch() as patch:
            return replace(made, patch=patch_of(patch))
        case Reject(reason):
            return replace(made, hook_class=HookClass.REJECT.value, message=reason)
        case Skip(reason):
            return replace(made, hook_class=SKIP, message=reason)
        case Correlated():
            return replace(made, patch=answer_of(answer))
        case _:
            assert_never(answer.decision)


def of_failure(file: str, error: HookError, *, took_us: int = 0) -> Verdict:
    """The verdict of a script that failed, with its place where that is known."""
    known = error.fields
    return Verdict(
        file,
        ok=False,
        hook_class=str(error.hook_class),
        message=error.detail,
        line=known.get("line"),
        column=known.get("column"),
        logs=tuple(known.get("logs", ())),
        duration_us=took_us,
        frames=tuple(known.get("frames", ())),
    )


def of_case(made: Verdict, *, name: str, expected: dict[str, Any] | None, answer: HookResult | HookError) -> Verdict:
    """The verdict of a saved case: what was decided must be what is expected, be it a failure."""
    if expected is None:
        return made
    found = differences(expected, answer_of(answer))
    if not found:
        return replace(made, ok=True, hook_class=None, message=None)
    if not made.ok:
        return replace(made, message=f"{name}: {made.message}")
    return replace(made, ok=False, hook_class=UNEXPECTED, message=f"{name}: {'; '.join(found)}")


def patch_of(patch: Patch) -> dict[str, Any]:
    """A patch as JSON; ``unique`` and ``follow_up`` only where there is something in them."""
    unique = {name: list(candidates) for name, candidates in patch.unique.items()}
    plain = {"set": patch.set, "unset": list(patch.unset), "tags": patch.tags}
    follow_up = answer_of(HookResult(patch)).get("follow_up")
    return plain | ({"unique": unique} if unique else {}) | ({"follow_up": follow_up} if follow_up else {})


def report_of(file: str, found: Validation) -> dict[str, Any]:
    """What is known about a file without running it, for machines."""
    return {
        "file": file,
        "ok": found.ok,
        "functions": list(found.functions),
        "diagnostics": [asdict(each) for each in found.diagnostics],
    }


def review_lines(file: str, source: str, found: Validation) -> list[str]:
    """The same for people: each remark with its line of the source and a mark below the place."""
    lines = []
    for each in found.diagnostics:
        lines.append(f"{file}:{each.line}:{each.column}: {each.severity}: {each.code}: {each.message}")
        row = row_of(source, each.line)
        lines += pointer_of(row, line=each.line, column=each.column) if row else []
    if found.ok:
        lines.append(f"{file}: ok, {', '.join(found.functions) or 'a library'}")
    return lines


def replay_lines(file: str, *, calls: int, changed: Sequence[dict[str, Any]]) -> list[str]:
    """What a script decides otherwise than before, call by call."""
    lines = []
    for each in changed:
        lines.append(f"{each['call']}: {each['function'] or 'its function'}")
        lines += [f"    before {_short(each['before'])}", f"    after  {_short(each['after'])}"]
    return [*lines, f"{file}: {len(changed)} of {calls} calls are decided otherwise."]


def write_line(record: dict[str, Any]) -> None:
    """A record on one line of standard output, at once."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def lines_of(verdict: Verdict) -> list[str]:
    """A verdict for people: where, what, the line of the source with a mark below the place."""
    if verdict.ok:
        return _answer_lines(verdict)
    place = "".join(f":{number}" for number in (verdict.line, verdict.column) if number is not None)
    lines = [f"{verdict.file}{place}: {verdict.hook_class}: {verdict.message}"]
    if verdict.snippet and verdict.line is not None:
        lines += pointer_of(verdict.snippet, line=verdict.line, column=verdict.column or 1)
    lines += [f"    called from {frame}" for frame in verdict.frames[:-1]]
    return lines + _log_lines(verdict)


def row_of(source: str, line: int | None) -> str:
    """A line of a source, counted from one, fit to be shown; empty where there is none."""
    rows = source.removeprefix("\ufeff").split("\n")
    return printable(rows[line - 1], MAX_LOG) if line is not None and 0 < line <= len(rows) else ""


def pointer_of(snippet: str, *, line: int, column: int) -> list[str]:
    """A line of a source and a mark below one of its columns."""
    shown = snippet.replace("\t", " ")
    return [f"{line:>{_ROOM_OF_NUMBER}} | {shown}", f"{' ' * _ROOM_OF_NUMBER} | {' ' * (column - 1)}^"]


def _answer_lines(verdict: Verdict) -> list[str]:
    lines = [f"{verdict.file}: ok, {verdict.function} in {verdict.duration_us} µs"]
    if verdict.hook_class is not None:
        word = "rejects" if verdict.hook_class == HookClass.REJECT else "skips"
        lines = [f"{verdict.file}: ok, {verdict.function} {word} in {verdict.duration_us} µs: {verdict.message}"]
    patch = verdict.patch or {}
    lines += [f"    set    {name} = {_short(value)}" for name, value in patch.get("set", {}).items()]
    lines += [f"    unset  {name}" for name in patch.get("unset", ())]
    lines += [f"    first  {name} of {_short(value)}" for name, value in patch.get("unique", {}).items()]
    lines += [f"    {name:5}  {_short(patch[name])}" for name in ("keys", "match", "score") if name in patch]
    lines += [f"    tag    {name} = {_short(value)}" for name, value in patch.get("tags", {}).items()]
    return lines + _log_lines(verdict)


def _log_lines(verdict: Verdict) -> list[str]:
    return [f"    log    {line}" for text in verdict.logs for line in text.splitlines()]


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
