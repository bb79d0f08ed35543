"""Which attributes of an account are ours to keep, and how each is compared.

Managed are the outbound attributes that the mapping writes on update, and those that hooks are declared to compute
(``settings["hook_attributes"]`` of the connector). Secrets and create-only attributes are one-way: never compared.
What only comes back from the account is watched: a change shows in the hash, and is no difference.
Planning, execution and reconciliation use this one comparator, so their hashes agree.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from worker.connectors import ObjectSchema
from worker.domain.account import TargetAccount
from worker.domain.comparison import AttributeRule, Comparator
from worker.domain.connector import Connector
from worker.domain.mapping import Direction, MappingVersion
from worker.mapping.inbound import attribute_of, names_read


def comparator_of(connector: Connector, mapping: MappingVersion | None, schema: ObjectSchema) -> Comparator:
    """The comparator of one connector and object class; it watches what comes back to people."""
    rules = managed_rules(mapping, schema, hooked=connector.settings.get("hook_attributes", ()))
    watched = _returned(mapping) - secret_names(mapping, schema)
    return Comparator(rules, watched=[AttributeRule(name) for name in sorted(watched)])


def managed_rules(
    mapping: MappingVersion | None, schema: ObjectSchema, *, hooked: Iterable[str] = ()
) -> list[AttributeRule]:
    """One rule per managed attribute, by name; an attribute that the schema does not know is compared exactly."""
    known = {attribute.name: attribute for attribute in schema.attributes}
    case_blind: set[str] = set()
    names = set(hooked)
    for rule in mapping.rules if mapping else ():
        if rule.direction is Direction.INBOUND or rule.secret or "update" not in rule.on:
            continue
        names.add(rule.target)
        if not rule.case_sensitive:
            case_blind.add(rule.target)
    rules = []
    for name in sorted(names - secret_names(mapping, schema)):
        found = known.get(name)
        comparison = found.comparison if found else "exact"
        if comparison == "exact" and name in case_blind:
            comparison = "ignore_case"
        rules.append(
            AttributeRule(
                name,
                multi_valued=found.multi_valued if found else False,
                comparison=comparison,
                readable=found.readable if found else True,
            )
        )
    return rules


def _returned(mapping: MappingVersion | None) -> frozenset[str]:
    rules = mapping.rules if mapping else ()
    return frozenset().union(*(names_read(rule) for rule in rules if attribute_of(rule) is not None))


def secret_names(mapping: MappingVersion | None, schema: ObjectSchema) -> frozenset[str]:
    """The attributes of an account that are secrets: what the mapping marks so, and what the target's schema does."""
    marked = {rule.target for rule in mapping.rules if rule.secret} if mapping else set()
    return frozenset(marked | {attribute.name for attribute in schema.attributes if attribute.secret})


def secret_sources(mapping: MappingVersion | None) -> frozenset[str]:
    """The attributes of people that become secrets of their accounts."""
    rules = mapping.rules if mapping is not None else ()
    return frozenset(rule.source for rule in rules if rule.secret and rule.source is not None)


def account_hash(comparator: Comparator, attributes: dict[str, object], *, active: bool | None) -> int:
    """The content hash of an account: its managed attributes and whether it is active (None counts as active).

    The active flag is folded in as the lowest bit, so that one number tells whether anything managed has changed.
    """
    return (comparator.hash(attributes) & ~1) | (0 if active is False else 1)


def account_hashes(comparator: Comparator, accounts: Sequence[TargetAccount]) -> npt.NDArray[np.int64]:
    """``account_hash`` of each, at the cost of many."""
    digests = comparator.digests([each.attributes for each in accounts])
    is_active = np.fromiter((each.active is not False for each in accounts), dtype=np.int64, count=len(accounts))
    return (np.frombuffer(digests, dtype=">i8").astype(np.int64) & ~np.int64(1)) | is_active
