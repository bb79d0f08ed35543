"""Checking mapping rules as a person wrote them: every mistake at once, each with its rule and a suggestion."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from worker.domain.mapping import Direction, MappingRule
from worker.mapping.inbound import IDENTIFYING
from worker.mapping.mistakes import RuleMistake
from worker.mapping.paths import parse_path
from worker.mapping.spec import suggest
from worker.mapping.transforms import compile_transform

MAX_RULES = 500
MAX_NAME = 255
#: Transforms of one rule: each is work in the daemon itself, for everybody.
MAX_TRANSFORMS = 50
#: Transforms of all rules together.
MAX_ALL_TRANSFORMS = 2_000
#: Bytes of one expression, as of any script.
MAX_EXPRESSION = 64 * 1024
PHASES = ("create", "update")

_ONE_WAY = (
    "computes one way only, and this rule goes both ways: make it two rules, one outbound and one inbound with the "
    "expression"
)
_FIELDS = tuple(one.name for one in fields(MappingRule))
_TEXTS = ("target", "source", "expression")
_FLAGS = ("required", "multi_valued", "case_sensitive", "secret")
_TEXT_LISTS = ("transforms", "on")


def check_rules(rules: Sequence[MappingRule]) -> tuple[RuleMistake, ...]:
    """Every mistake in these rules. Whether an expression is valid Starlark only the sandbox can tell."""
    return _check(dict(enumerate(rules)))


def parse_rules(raw: object) -> tuple[tuple[MappingRule, ...], tuple[RuleMistake, ...]]:
    """Rules from JSON, and every mistake in them; the rules are of use only when there is none."""
    if not isinstance(raw, list):
        return (), (RuleMistake(None, "rules", "must be a list of rules"),)
    mistakes = [RuleMistake(index, *found) for index, one in enumerate(raw) for found in _check_shape(one)]
    misshapen = {mistake.rule for mistake in mistakes}
    rules = {index: _rule(one) for index, one in enumerate(raw) if index not in misshapen}
    return tuple(rules.values()), (*mistakes, *_check(rules))


def rule_to_json(rule: MappingRule) -> dict[str, Any]:
    """A rule as ``parse_rules`` reads it; fields at their default are left out."""
    default = MappingRule(target="")
    values = {name: getattr(rule, name) for name in _FIELDS if getattr(rule, name) != getattr(default, name)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


Found = list[tuple[str, str]]


def _check(rules: Mapping[int, MappingRule]) -> tuple[RuleMistake, ...]:
    mistakes = [] if len(rules) <= MAX_RULES else [RuleMistake(None, "rules", f"has more than {MAX_RULES} rules")]
    transforms = sum(len(rule.transforms) for rule in rules.values())
    if transforms > MAX_ALL_TRANSFORMS:
        told = f"have {transforms:,} transforms together, and may have {MAX_ALL_TRANSFORMS:,}: all run for everybody"
        mistakes.append(RuleMistake(None, "rules", told))
    for index, rule in rules.items():
        found = [*_check_target(rule), *_check_value(rule), *_check_transforms(rule), *_check_phases(rule)]
        mistakes += [RuleMistake(index, field, message) for field, message in found]
    return (*mistakes, *_check_duplicates(rules), *_check_inbound(rules))


def _check_target(rule: MappingRule) -> Found:
    if not rule.target.strip():
        return [("target", "is missing: name the attribute of the account")]
    if rule.target != rule.target.strip() or len(rule.target) > MAX_NAME or not rule.target.isprintable():
        return [("target", f"must be a printable name of at most {MAX_NAME} characters without blanks around it")]
    return []


def _check_value(rule: MappingRule) -> Found:
    given = [name for name in ("source", "constant", "expression") if getattr(rule, name) is not None]
    if rule.direction is Direction.INBOUND and given == ["source", "expression"]:
        return [*_check_source(rule.source or ""), *_check_expression(rule.expression or "")]
    if rule.direction is Direction.BOTH and given == ["source", "expression"]:
        return [("expression", _ONE_WAY)]
    if len(given) > 1:
        return [(given[1], f"a rule has one of source, constant and expression; this one has {' and '.join(given)}")]
    if not given:
        return [("source", "a rule needs one of source, constant and expression")]
    if rule.source is not None:
        return _check_source(rule.source)
    if rule.expression is not None:
        return _check_expression(rule.expression)
    return [] if _is_value(rule.constant) else [("constant", "must be text, a number, a boolean or a list of them")]


def _check_source(text: str) -> Found:
    if not text.strip():
        return [("source", "is empty: name an attribute of the identity")]
    try:
        parse_path(text)
    except ValueError as error:
        return [("source", str(error))]
    return []


def _check_expression(text: str) -> Found:
    if not text.strip():
        return [("expression", "is empty")]
    if len(text.encode("utf-8", "replace")) > MAX_EXPRESSION:
        return [("expression", f"is longer than {MAX_EXPRESSION // 1024} KiB")]
    return []


def _is_value(value: Any) -> bool:
    scalars = value if isinstance(value, list) else [value]
    return all(
        isinstance(one, str | int | bool) or one is None or (isinstance(one, float) and math.isfinite(one))
        for one in scalars
    )


def _check_transforms(rule: MappingRule) -> Found:
    if len(rule.transforms) > MAX_TRANSFORMS:
        return [("transforms", f"are more than {MAX_TRANSFORMS}")]
    found: Found = []
    for number, text in enumerate(rule.transforms):
        try:
            compile_transform(text)
        except ValueError as error:
            found.append((f"transforms[{number}]", str(error)))
    return found


def _check_phases(rule: MappingRule) -> Found:
    unknown = [name for name in rule.on if name not in PHASES]
    if unknown:
        return [("on", f"{name!r} is neither create nor update{suggest(name, PHASES)}") for name in unknown]
    if not rule.on:
        return [("on", "is empty: the rule would never be used")]
    if rule.required and "create" not in rule.on:
        return [("required", "a rule that is not for create cannot be required")]
    return []


def _check_duplicates(rules: Mapping[int, MappingRule]) -> list[RuleMistake]:
    """Two outbound rules may name one target only when they are for different phases."""
    seen: dict[tuple[str, str], int] = {}
    mistakes = []
    for index, rule in rules.items():
        if rule.direction is Direction.INBOUND:
            continue
        keys = [(rule.target, phase) for phase in rule.on]
        earlier = [seen[key] for key in keys if key in seen]
        if earlier:
            mistakes.append(RuleMistake(index, "target", f"{rule.target!r} is already made by rule {earlier[0] + 1}"))
        for key in keys:
            seen.setdefault(key, index)
    return mistakes


def _check_inbound(rules: Mapping[int, MappingRule]) -> list[RuleMistake]:
    """What a rule that reads from the target writes: a whole attribute of the person, none that tells people apart."""
    found = []
    for index, rule in rules.items():
        message = _inbound_trouble(rule) if rule.direction is not Direction.OUTBOUND else None
        if message is not None:
            found.append(RuleMistake(index, "source", message))
    return found


def _inbound_trouble(rule: MappingRule) -> str | None:
    if rule.source is None:
        return "is missing: what comes back from the target goes into an attribute of the person"
    if rule.source.endswith("]"):
        return "must be a whole attribute, for what comes back from the target is written to it"
    if rule.source in IDENTIFYING:
        return f"{rule.source!r} tells who somebody is or whether they are active, and never comes from a target"
    return None


def _check_shape(raw: object) -> Found:
    if not isinstance(raw, Mapping):
        return [("", "a rule must be an object")]
    unknown = [key for key in raw if key not in _FIELDS]
    found: Found = [(str(key), f"there is no such field{suggest(str(key), _FIELDS)}") for key in unknown]
    found += [(name, "must be text") for name in _TEXTS if not isinstance(raw.get(name), str | None)]
    found += [(name, "must be true or false") for name in _FLAGS if not isinstance(raw.get(name, False), bool)]
    found += [(name, "must be a list of texts") for name in _TEXT_LISTS if not _is_text_list(raw.get(name, []))]
    direction = raw.get("direction", Direction.OUTBOUND)
    if direction not in list(Direction):
        found.append(("direction", f"must be outbound, inbound or both{suggest(str(direction), list(Direction))}"))
    return found


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _rule(raw: Mapping[str, Any]) -> MappingRule:
    values = dict(raw)
    for name in _TEXT_LISTS:
        if name in values:
            values[name] = tuple(values[name])
    return MappingRule(
        **{
            **values,
            "target": values.get("target") or "",
            "direction": Direction(values.get("direction", Direction.OUTBOUND)),
        }
    )
