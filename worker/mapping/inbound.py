"""From an account back to its person: which attributes a mapping lets in, and what they become.

A rule with the direction ``inbound`` or ``both`` takes the account's attribute ``target``, through its transforms, to
the person's attribute ``source``. What tells people apart, their active flag and secrets are never let in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from worker.domain.mapping import Direction, MappingRule, MappingVersion
from worker.mapping.paths import parse_path
from worker.mapping.spec import TransformError
from worker.mapping.transforms import compile_transform

#: What tells a person apart, and whether they are active, never comes from an account.
IDENTIFYING = frozenset({"id", "external_id", "user_name", "uid", "key", "active"})


class NoWord(Exception):
    """The account's value cannot be made into one of the person; what is known stays."""


@dataclass(frozen=True, slots=True)
class InboundRule:
    """The account's ``target`` comes back as the person's ``attribute``; ``is_both``: we write it as well."""

    target: str
    attribute: str
    is_both: bool
    _read: Callable[[Any], Any]

    def value(self, attributes: Mapping[str, Any]) -> Any:
        """The person's value as the account's attributes have it, None for none; raises NoWord."""
        return self._read(attributes.get(self.target))


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
            found[attribute] = InboundRule(rule.target, attribute, rule.direction is Direction.BOTH, read)
    return tuple(found.values())


def attribute_of(rule: MappingRule) -> str | None:
    """The person's attribute that a rule writes to; None for one that lets nothing in."""
    if rule.direction is Direction.OUTBOUND or rule.source is None or rule.secret:
        return None
    try:
        path = parse_path(rule.source)
    except ValueError:
        return None
    return None if path.place is not None or path.name in IDENTIFYING else path.name


def _reader(rule: MappingRule) -> Callable[[Any], Any]:
    transforms = tuple(compile_transform(text) for text in rule.transforms)

    def read(value: Any) -> Any:
        try:
            for transform in transforms:
                value = transform(value)
        except TransformError as error:
            raise NoWord(str(error)) from error
        kept = [one for one in (value if isinstance(value, list) else [value]) if one is not None and one != ""]
        if rule.multi_valued:
            return kept or None
        if len(kept) > 1:
            raise NoWord(f"{rule.target} has {len(kept)} values, and the person's attribute takes one")
        return kept[0] if kept else None

    return read
