"""What a pair looked like when a person decided about it."""

from collections.abc import Mapping
from typing import Any

import xxhash

from worker.correlation.prepare import Prepared, prepare_subject
from worker.correlation.rules import RuleSet
from worker.domain.correlation import NOBODY, Side, Subject


def evidence_hash(identity: Mapping[str, Any], account: Mapping[str, Any], rule_set: RuleSet) -> int:
    """A signed 64-bit number of all that the rules read of both; kept with a person's decision about the pair."""
    one = prepare_subject(Subject(NOBODY, Side.IDENTITY, identity), rule_set)
    return evidence_of(one, prepare_subject(Subject(NOBODY, Side.ACCOUNT, account), rule_set), rule_set)


def evidence_of(one: Prepared, other: Prepared, rule_set: RuleSet) -> int:
    """``evidence_hash`` of two who are prepared already, whichever comes first."""
    identity, account = (one, other) if one.side is Side.IDENTITY else (other, one)
    rows = [
        (rule.source, rule.target, sorted(value.normal for value in source), sorted(value.normal for value in target))
        for rule, source, target in zip(rule_set.rules, identity.values, account.values, strict=True)
    ]
    unsigned: int = xxhash.xxh3_64_intdigest(repr(sorted(rows)).encode("utf-8", "surrogatepass"))
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned
