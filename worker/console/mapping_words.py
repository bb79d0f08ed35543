"""Mappings in words: rules as people read them, mistakes with their places, what a version would do. Pure."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.console import words
from worker.console.views import (
    AttributeChange,
    DryRunView,
    MappingCheck,
    MappingMistake,
    MappingRuleChange,
    MappingTrialRow,
    MappingVersionRow,
    MappingView,
    ScopeCheck,
)
from worker.domain.redaction import MARK
from worker.mapping import DocumentError, read_document


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule as it is read: where its value comes from, what is done to it, and its line in the document."""

    line: int
    target: str
    origin: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """What would become of accounts: colours, icon, a word, and what is said of one and of many."""

    family: str
    icon: str
    word: str
    one: str
    many: str


KINDS: dict[str, Kind] = {
    "create": Kind("green", "completed", "Create", "account would be created", "accounts would be created"),
    "update": Kind("blue", "compare", "Update", "account would be changed", "accounts would be changed"),
    "enable": Kind("teal", "completed", "Enable", "account would be enabled", "accounts would be enabled"),
    "disable": Kind("amber", "cancelled", "Disable", "account would be disabled", "accounts would be disabled"),
    "delete": Kind("red", "deleted", "Delete", "account would be deleted", "accounts would be deleted"),
    "error": Kind("red", "failed", "Cannot be mapped", "person cannot be mapped", "people cannot be mapped"),
    "protected": Kind("purple", "shield", "Protected", "account is protected", "accounts are protected"),
    "none": Kind("gray", "pending", "No change", "account stays as it is", "accounts stay as they are"),
}

DRY_RUN_STATES: dict[str, tuple[str, str, str]] = {
    "pending": ("gray", "pending", "Waiting"),
    "running": ("blue", "in_progress", "Counting"),
    "completed": ("green", "completed", "Counted"),
    "failed": ("red", "failed", "Failed"),
    "cancelled": ("muted", "cancelled", "Stopped"),
}

#: What a message begins with that goes on with the name of its part as a sentence; others stand behind a colon.
_VERBS = frozenset(
    {"is", "are", "was", "were", "has", "have", "must", "may", "can", "cannot", "needs", "takes", "does"}
)
_FLAGS = {"required": "required", "multi_valued": "several values", "secret": "secret"}


def rules_of(document: str) -> tuple[RuleLine, ...] | None:
    """The rules of a document, whatever is wrong with them; None when it is no list of rules."""
    try:
        found = read_document(document)
    except DocumentError:
        return None
    base = ("rules",) if isinstance(found.value, dict) else ()
    rules = found.value.get("rules") if isinstance(found.value, dict) else found.value
    if not isinstance(rules, list):
        return None
    return tuple(
        RuleLine(found.place((*base, n)).line, str(rule.get("target", "")), origin(rule), notes(rule))
        for n, rule in enumerate(rules)
        if isinstance(rule, dict)
    )


def origin(rule: dict[str, Any]) -> str:
    """Where the value of a rule comes from: a name, an expression, or a constant as JSON."""
    for name in ("source", "expression"):
        if rule.get(name) is not None:
            return str(rule[name])
    return json.dumps(rule.get("constant"), ensure_ascii=False)


def notes(rule: dict[str, Any]) -> tuple[str, ...]:
    """What else a rule says: its transforms in their order, then what holds of it."""
    transforms = rule.get("transforms") or ()
    told = [str(each) for each in transforms] if isinstance(transforms, list | tuple) else [str(transforms)]
    told += [word for name, word in _FLAGS.items() if rule.get(name) is True]
    if rule.get("case_sensitive") is False:
        told.append("whatever its case")
    phases = rule.get("on")
    if isinstance(phases, list | tuple) and len(phases) == 1:
        told.append(f"on {phases[0]} only")
    return (*told, *({"inbound": ("inbound",), "both": ("both ways",)}.get(str(rule.get("direction")), ())))


def rule_text(rule: dict[str, Any]) -> str:
    """A whole rule in a line: "from mail, lower, required"."""
    return ", ".join([f"from {origin(rule)}", *notes(rule)])


def starter(view: MappingView) -> str:
    """What the first version begins with: a rule for each attribute that the target requires."""
    needed = [each.name for each in view.attributes if each.is_required and each.is_writable]
    rules = [{"target": name, "source": name if name in view.sources else "user_name"} for name in needed]
    lines = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in rules)
    return f"[\n{lines}\n]\n" if rules else '[\n  {"target": "mail", "source": "mail", "transforms": ["lower"]}\n]\n'


def mistake_text(mistake: MappingMistake) -> str:
    """A mistake as a sentence, with its place within the expression where it is in one."""
    subject = mistake.field or ("the mapping" if mistake.rule is None else "this rule")
    is_said_of_it = mistake.message.partition(" ")[0] in _VERBS
    text = f"{subject}{'' if is_said_of_it else ':'} {mistake.message}"
    if mistake.expression_line is None:
        return text
    return f"{text} (line {mistake.expression_line}, column {mistake.expression_column or 1} of the expression)"


def places(check: MappingCheck) -> list[dict[str, Any]]:
    """The mistakes as an editor shows them; those of the whole document stand at its beginning."""
    return [
        {
            "line": each.line or 1,
            "column": each.column or 1,
            "severity": "error" if each.is_error else "warning",
            "message": mistake_text(each),
        }
        for each in check.mistakes
    ]


def changes_of(row: MappingTrialRow) -> tuple[AttributeChange, ...]:
    """What would become of one account, attribute by attribute, and whether it could be used."""
    found = [
        AttributeChange(name, before, after, is_secret=MARK in (before, after)) for name, before, after in row.changes
    ]
    if row.active_before is not None and row.active_after not in {None, row.active_before}:
        found.append(AttributeChange("enabled", row.active_before, row.active_after))
    return tuple(found)


def difference_of(changes: tuple[MappingRuleChange, ...]) -> tuple[AttributeChange, ...]:
    """Rules that differ between versions: a whole rule that came or went, else each part that is another."""
    found: list[AttributeChange] = []
    for each in changes:
        before, after = each.before, each.after
        if before is None or after is None:
            found.append(AttributeChange(each.target, before and rule_text(before), after and rule_text(after)))
            continue
        found += [AttributeChange(f"{each.target}, {name}", before.get(name), after.get(name)) for name in each.fields]
    return tuple(found)


def counts_of(counts: dict[str, int]) -> list[tuple[str, int, str]]:
    """Kind, number and words of what a dry run found, the graver things as the kinds are ordered."""
    return [
        (name, counts[name], kind.one if counts[name] == 1 else kind.many)
        for name, kind in KINDS.items()
        if counts.get(name)
    ]


def attributes_of(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Attributes by how many accounts would have them otherwise, the most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def safeguard_sentence(run: DryRunView) -> str | None:
    """What the safeguard would say to the removals; None while that is not known."""
    if run.removals is None:
        return None
    if not run.removals:
        return "Nobody would lose an account."
    told = words.count(run.removals, "removal")
    if not run.held:
        return f"The safeguard would let {told} through."
    return f"Of {told} the safeguard would hold {words.number(run.held)} until somebody approves."


def latest_count(view: MappingView, version: int) -> DryRunView | None:
    """The newest finished dry run of a version that was counted against what is active now."""
    return next(
        (
            each
            for each in view.dry_runs
            if each.version == version and each.status == "completed" and (each.base_version or 0) == view.active
        ),
        None,
    )


def consequences(run: DryRunView | None, *, now: datetime) -> list[str]:
    """What is told before a version is activated."""
    if run is None:
        return ["It was not counted what it would do: a dry run says how many accounts would change."]
    when = words.age(run.finished_at, now=now) if run.finished_at else "before"
    told = [f"{words.number(n)} {text}" for name, n, text in counts_of(run.operations) if name != "none"]
    found = [f"Counted {when}: {', '.join(told) if told else 'no account would change'}."]
    names = ", ".join(f"{name} ({words.number(n)})" for name, n in attributes_of(run.attributes)[:5])
    if names:
        found.append(f"Attributes that change most: {names}.")
    sentence = safeguard_sentence(run)
    return [*found, sentence] if sentence and run.removals else found


def before_this(view: MappingView) -> MappingVersionRow | None:
    """The version that going back leads to: of those that were active, the one that was so last."""
    earlier = [each for each in view.versions if not each.is_active and each.activated_at is not None]
    return max(earlier, key=lambda each: each.activated_at or each.created_at, default=None)


def scope_sentence(found: ScopeCheck) -> str:
    """How many a scope takes in, and how many more or fewer than now."""
    takes = f"It takes in {words.count(found.people, 'person', 'people')}"
    differ = found.people - found.now
    if not differ:
        return f"{takes}, as many as now."
    return f"{takes}, {words.number(abs(differ))} {'more' if differ > 0 else 'fewer'} than now."
