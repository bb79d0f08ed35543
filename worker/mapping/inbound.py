"""From an account back to its person: which attributes a mapping lets in, and what they become.

A rule with the direction ``inbound`` or ``both`` takes the account's attribute ``target``, through its transforms, to
the person's attribute ``source``. What tells people apart, their active flag and secrets are never let in.

One with the direction ``inbound`` may have an expression. Its variable ``account`` holds the attributes that the
expressions of the mapping name in quotes, and no others: so what it gives changes only when one of those does.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.domain.errors import HookError
from worker.domain.hook import ExpressionResult
from worker.domain.mapping import Direction, MappingRule, MappingVersion
from worker.domain.redaction import shown
from worker.mapping.engine import CHUNK, Computed, Evaluator, Unmappable, checked, tried
from worker.mapping.pacing import Steps, transformed
from worker.mapping.paths import parse_path
from worker.mapping.spec import TransformError
from worker.mapping.transforms import compile_transform

#: What tells a person apart, and whether they are active, never comes from an account.
IDENTIFYING = frozenset({"id", "external_id", "user_name", "uid", "key", "active"})
_QUOTED = re.compile(r"""(["'])((?:\\.|(?!\1)[^\\\n])*)\1""")


class NoWord(Exception):
    """The account's value cannot be made into one of the person; what is known stays. The text says why."""


@dataclass(frozen=True, slots=True)
class InboundRule:
    """The account's ``target`` comes back as the person's ``attribute``; ``is_both``: we write it as well.

    With an ``expression`` its value comes back instead. ``names`` are the account's attributes that are read.
    """

    target: str
    attribute: str
    is_both: bool
    _read: Callable[[Any], Steps[Any]]
    expression: str | None = None
    names: frozenset[str] = frozenset()

    def value(self, attributes: Mapping[str, Any], *, computed: Computed) -> Steps[Any]:
        """The person's value as the account's attributes have it, None for none; raises NoWord.

        ``computed`` has what expressions gave, by the person's attribute.
        """
        if self.expression is None:
            return (yield from self._read(attributes.get(self.target)))
        try:
            return (yield from self._read(checked(computed[self.attribute])))
        except Unmappable as error:
            raise NoWord(str(error)) from error


def inbound_rules(mapping: MappingVersion | None) -> tuple[InboundRule, ...]:
    """The rules that let something in, without those that cannot be read; of several for one attribute the first."""
    found: dict[str, InboundRule] = {}
    for rule in mapping.rules if mapping else ():
        attribute = attribute_of(rule)
        if attribute is not None and attribute not in found:
            try:
                read = _reader(rule)
            except ValueError:  # planning says so, where people look
                continue
            is_both = rule.direction is Direction.BOTH
            found[attribute] = InboundRule(rule.target, attribute, is_both, read, rule.expression, names_read(rule))
    return tuple(found.values())


def names_read(rule: MappingRule) -> frozenset[str]:
    """The account's attributes that a rule reads: its target, or whatever its expression has in quotes."""
    if rule.expression is None:
        return frozenset({rule.target})
    return frozenset(text for _, text in _QUOTED.findall(rule.expression) if text)


async def compute(
    rules: Sequence[InboundRule],
    accounts: Sequence[Mapping[str, Any]],
    *,
    evaluator: Evaluator | None,
    secrets: Collection[str] = (),
) -> list[Computed]:
    """What the expressions of rules give for each account, by the person's attribute; errors are values.

    Secrets, those of ``secrets`` and what is called like one, are ``{"secret": True}`` to an expression. Raises
    HookError, to be retried, where an expression could not be tried: that says nothing about its account.
    """
    texts = {rule.attribute: rule.expression for rule in rules if rule.expression is not None}
    if not texts or evaluator is None:
        missing = ExpressionResult(error=HookError("there is no sandbox here to evaluate expressions"))
        return [dict.fromkeys(texts, missing)] * len(accounts)
    names = sorted(frozenset().union(*(rule.names for rule in rules if rule.expression is not None)))
    found: list[Computed] = []
    for start in range(0, len(accounts), CHUNK):
        seen = ({name: one[name] for name in names if name in one} for one in accounts[start : start + CHUNK])
        found += await tried(evaluator, texts, [{"account": shown(one, secrets=secrets)} for one in seen])
    return found


def attribute_of(rule: MappingRule) -> str | None:
    """The person's attribute that a rule writes to; None for one that lets nothing in."""
    if rule.direction is Direction.OUTBOUND or rule.source is None or rule.secret:
        return None
    try:
        path = parse_path(rule.source)
    except ValueError:
        return None
    return None if path.place is not None or path.name in IDENTIFYING else path.name


def _reader(rule: MappingRule) -> Callable[[Any], Steps[Any]]:
    transforms = tuple(compile_transform(text) for text in rule.transforms)

    def read(value: Any) -> Steps[Any]:
        try:
            value = yield from transformed(value, transforms)
        except TransformError as error:
            raise NoWord(str(error)) from error
        kept = [one for one in (value if isinstance(value, list) else [value]) if one is not None and one != ""]
        if rule.multi_valued:
            return kept or None
        if len(kept) > 1:
            raise NoWord(f"{rule.target} has {len(kept)} values, and the person's attribute takes one")
        return kept[0] if kept else None

    return read
