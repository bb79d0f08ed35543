"""Whether rules fit their target: its schema on one side, the attributes that people have on the other."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any

from worker.connectors import AttributeSchema, ObjectSchema
from worker.domain.comparison import instant
from worker.domain.mapping import Direction, MappingRule
from worker.mapping.mistakes import RuleMistake, Severity
from worker.mapping.paths import parse_path, unknown_name
from worker.mapping.spec import suggest

#: What some transforms always give, by the name before their colon.
_GIVES = {
    "number": "integer",
    "count": "integer",
    "decimal": "number",
    "boolean": "boolean",
    "not": "boolean",
    "present": "boolean",
    "one_of": "boolean",
}
_GIVES_LISTS = frozenset({"split", "sort", "unique", "only", "without", "containing", "take"})
_WORDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "date": "a date"}


def check_fit(
    rules: Sequence[MappingRule], schema: ObjectSchema, *, hooked: Iterable[str] = (), opened: Collection[str] = ()
) -> tuple[RuleMistake, ...]:
    """What keeps these rules, sound in themselves, from fitting the target's schema.

    ``hooked`` are attributes that before-hooks make, ``opened`` as for ``check_secrets``. A schema without attributes
    says nothing.
    """
    if not schema.attributes:
        return ()
    known = {attribute.name: attribute for attribute in schema.attributes}
    outbound = [(at, rule) for at, rule in enumerate(rules) if rule.direction is not Direction.INBOUND]
    of_rules = (_check_rule(at, rule, known, schema) for at, rule in outbound)
    required = _check_required([rule for _, rule in outbound], schema, set(hooked))
    return (*chain.from_iterable(of_rules), *check_secrets(rules, schema, opened=opened), *required)


def check_secrets(
    rules: Sequence[MappingRule], schema: ObjectSchema, *, opened: Collection[str] = ()
) -> tuple[RuleMistake, ...]:
    """Rules that would fill secrets of the target in the open, or bring them back.

    It is an error, but for ``opened``, the targets that the active version fills in the open already: a warning there.
    """
    secrets = {attribute.name for attribute in schema.attributes if attribute.secret}
    found = []
    for at, rule in enumerate(rules):
        if rule.target not in secrets:
            continue
        if rule.direction is Direction.INBOUND and rule.expression is None:
            found.append(RuleMistake(at, "target", f"{rule.target!r} is secret at the target, and never comes back"))
        elif rule.direction is not Direction.INBOUND and not rule.secret:
            message = f"{rule.target!r} is secret at the target: mark the rule as secret, too"
            severity = Severity.WARNING if rule.target in opened else Severity.ERROR
            found.append(RuleMistake(at, "secret", message, severity))
    return tuple(found)


def check_sources(rules: Sequence[MappingRule], known: frozenset[str]) -> tuple[RuleMistake, ...]:
    """Sources that nobody among the people has: an error where a known name is so alike that it is misspelt."""
    if not known:
        return ()
    found = []
    for at, rule in enumerate(rules):
        if rule.source is None or rule.direction is Direction.INBOUND:
            continue
        told = unknown_name(parse_path(rule.source), known)
        if told is not None:
            severity = Severity.ERROR if "did you mean" in told else Severity.WARNING
            found.append(RuleMistake(at, "source", told, severity))
    return tuple(found)


def _check_rule(
    at: int, rule: MappingRule, known: dict[str, AttributeSchema], schema: ObjectSchema
) -> list[RuleMistake]:
    name = rule.target.partition(";")[0] if schema.has_options else rule.target
    attribute = known.get(name) or schema.family_of(name)
    if attribute is None:
        return [_unknown(at, rule.target, known, schema)]
    if not attribute.writable:
        return [RuleMistake(at, "target", f"{rule.target!r} is read-only at the target")]
    return [*_check_number(at, rule, attribute), *_check_type(at, rule, attribute)]


def _unknown(at: int, name: str, known: dict[str, AttributeSchema], schema: ObjectSchema) -> RuleMistake:
    by_folded = {each.casefold(): each for each in known}
    alike = by_folded.get(name.casefold())
    hint = f"; did you mean {alike}?" if alike else suggest(name, known)
    if schema.is_complete:
        return RuleMistake(at, "target", f"the target has no attribute {name!r}{hint}")
    why = f" ({schema.incomplete_because})" if schema.incomplete_because else ""
    message = f"the target does not tell of an attribute {name!r}{why}{hint}"
    return RuleMistake(at, "target", message, Severity.WARNING)


def _check_number(at: int, rule: MappingRule, attribute: AttributeSchema) -> list[RuleMistake]:
    """Whether one value or several are made, as far as the rule tells."""
    if attribute.multi_valued:
        return []
    if rule.multi_valued:
        return [RuleMistake(at, "multi_valued", f"{rule.target!r} takes a single value")]
    if isinstance(rule.constant, list) and len(rule.constant) > 1 and not rule.transforms:
        return [RuleMistake(at, "constant", f"{rule.target!r} takes a single value, these are {len(rule.constant)}")]
    last = _last_of(rule)
    if last in _GIVES_LISTS:
        field = f"transforms[{len(rule.transforms) - 1}]"
        message = f"{last} gives several values, {rule.target!r} takes one; add first, item or join"
        return [RuleMistake(at, field, message, Severity.WARNING)]
    return []


def _check_type(at: int, rule: MappingRule, attribute: AttributeSchema) -> list[RuleMistake]:
    wanted = attribute.type
    if wanted not in _WORDS:
        return []
    given = _GIVES.get(_last_of(rule) or "")
    if given is not None and not _fits(given, wanted):
        field = f"transforms[{len(rule.transforms) - 1}]"
        return [RuleMistake(at, field, f"gives {_WORDS[given]}, and {rule.target!r} is {_WORDS[wanted]}")]
    if rule.constant is None or rule.transforms:
        return []
    constants = rule.constant if isinstance(rule.constant, list) else [rule.constant]
    if all(_is_of(one, wanted) for one in constants if one is not None):
        return []
    return [RuleMistake(at, "constant", f"does not fit: {rule.target!r} is {_WORDS[wanted]}")]


def _check_required(rules: Sequence[MappingRule], schema: ObjectSchema, hooked: set[str]) -> list[RuleMistake]:
    made = {rule.target for rule in rules if "create" in rule.on} | hooked
    return [
        RuleMistake(
            None, "rules", f"nothing makes {each.name!r}, which the target requires of a new {schema.object_class}"
        )
        for each in schema.attributes
        if each.required and each.writable and each.name not in made
    ]


def _last_of(rule: MappingRule) -> str | None:
    return rule.transforms[-1].partition(":")[0] if rule.transforms else None


def _fits(given: str, wanted: str) -> bool:
    return given == wanted or (given, wanted) == ("integer", "number")


def _is_of(value: Any, wanted: str) -> bool:
    """Whether a constant is of a type, or text that reads as one."""
    if wanted == "boolean":
        return isinstance(value, bool) or (isinstance(value, str) and value.lower() in {"true", "false"})
    if isinstance(value, bool):
        return False
    if wanted == "date":
        return isinstance(value, str) and instant(value) is not None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return wanted == "number" or number.is_integer()
