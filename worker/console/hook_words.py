"""Hooks in words: what state one is in, what a trial of it said, and where a script begins. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker.console import words
from worker.console.views import HookNumbers, HookRow, TrialView
from worker.domain.hook import FailurePolicy, HookPhase

#: What a new hook and a new library begin with.
STARTERS = {
    "hook": '''"""Say here in a sentence what this hook is for."""


def before_create(ctx):
    # ctx["identity"] is the person, ctx["attributes"] what will be sent to the target.
    name = text.ascii(ctx["identity"].get("family_name", ""))
    return {"set": {"displayName": name}} if name else None
''',
    "library": '''"""Say here in a sentence what this library is for."""


def login(given, family):
    return text.ascii(given[:1] + family).lower()
''',
}

PHASE_WORDS = {
    HookPhase.BEFORE: "before the change",
    HookPhase.AFTER: "after the change",
    HookPhase.ON_ERROR: "when it failed",
    HookPhase.CORRELATE: "to say whose an account is",
}

POLICY_WORDS = {
    FailurePolicy.FAIL: "the operation fails",
    FailurePolicy.SKIP_HOOK: "it goes on without the hook",
    FailurePolicy.QUARANTINE: "it becomes a dead letter",
}


@dataclass(frozen=True, slots=True)
class State:
    """How a hook is: family of colours, icon, a word, and a sentence that says what follows."""

    family: str
    icon: str
    word: str
    sentence: str


def state(row: HookRow) -> State:
    """The state of a hook, the worst that is true of it."""
    if row.suspended_at is not None:
        return State("red", "failed", "Suspended", row.suspended_reason or "It did harm several times in a row.")
    if row.latest_version is None:
        return State("gray", "pending", "No script", "Write its script.")
    if row.active_version is None:
        return State("gray", "pending", "Not active", "Activate a version, and it runs where it is bound.")
    if row.kind == "library":
        return State("green", "completed", "Active", "Hooks load it.")
    if not row.bindings:
        return State("muted", "cancelled", "Not bound", "Bind it to a connector, and it runs there.")
    if row.numbers.errors:
        return State("amber", "warn", "Runs, with errors", f"{errors(row.numbers)} within 24 hours.")
    return State("green", "completed", "Runs", "No error within 24 hours.")


def errors(numbers: HookNumbers) -> str:
    """The errors by class, the most frequent first: "3 × a hook failed, 1 × a hook ran too long"."""
    ordered = sorted(numbers.errors.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{words.number(n)} × {words.cause_of(kind).title.lower()}" for kind, n in ordered)


def error_count(numbers: HookNumbers) -> int:
    """How many calls went wrong."""
    return sum(numbers.errors.values())


def said(trial: TrialView) -> State:
    """What a trial said, as a headline."""
    if trial.refused is not None:
        return State("amber", "warn", "Not tried", trial.refused)
    if trial.failure is not None:
        return State("red", "failed", words.cause_of(trial.failure.hook_class).title, trial.failure.message)
    for end, word in (("reject", "It rejects the operation"), ("skip", "It skips the operation")):
        if trial.result and end in trial.result:
            return State("amber", "warn", word, str(trial.result[end].get("reason", "")))
    if trial.ends is not None:
        return State("amber", "warn", "Nothing would be sent", trial.ends)
    if trial.changes:
        return State("green", "completed", f"It changes {words.count(len(trial.changes), 'attribute')}", "")
    if trial.result:
        return State("green", "completed", "It answers", "No attribute changes.")
    return State("gray", "pending", "No change", "The function returned nothing to change.")


def diff_lines(text: str) -> tuple[tuple[str, str], ...]:
    """The lines of a unified diff, each with its kind: add, del, at, or same; the file names are left out."""
    kinds = {"+": "add", "-": "del", "@": "at"}
    return tuple(
        (kinds.get(line[:1], "same"), line) for line in text.splitlines() if not line.startswith(("--- ", "+++ "))
    )


def test_title(result: dict[str, Any] | None) -> str:
    """What a test that expects this would be called."""
    if not result:
        return "no change"
    return "sets " + ", ".join(sorted(result["set"])) if "set" in result else ", ".join(sorted(result))


def sandbox(missing: Sequence[str]) -> str:
    """How much of its hardening the sandbox of this daemon has."""
    if not missing:
        return "Scripts run in a process that the kernel has locked in."
    lacking = f"Scripts run in a process of their own, without {' and '.join(missing)}, which this kernel has not."
    return f"{lacking} Let only people whom you trust write them."
