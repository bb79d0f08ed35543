"""What a pair looked like when a person decided about it, and what of that has changed since.

Kept rule by rule, so that a person who is asked again is told why, and so that other rules are no other evidence: a
rule that reads something else than it did then says nothing about the pair.
"""

from collections.abc import Mapping
from typing import Any

import xxhash

from worker.correlation.prepare import Value, prepare_subject
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.domain.correlation import NOBODY, Side, Subject

Evidence = Mapping[str, Mapping[str, Any]]


def evidence(
    identity: Mapping[str, Any] | None, account: Mapping[str, Any], rule_set: RuleSet
) -> dict[str, dict[str, Any]]:
    """By rule, numbers of what it reads of both sides, None where that is nothing; JSON, kept with a decision.

    Without an identity only the account's side: a person said that it belongs to nobody.
    """
    mine = prepare_subject(Subject(NOBODY, Side.IDENTITY, identity or {}), rule_set).values
    theirs = prepare_subject(Subject(NOBODY, Side.ACCOUNT, account), rule_set).values
    return {
        rule.name: {"reads": _reads(rule), "identity": _number(source), "account": _number(target)}
        for rule, source, target in zip(rule_set.rules, mine, theirs, strict=True)
        if rule.match is not MatchKind.EXPRESSION
    }


def changed(
    known: Evidence, identity: Mapping[str, Any] | None, account: Mapping[str, Any], rule_set: RuleSet
) -> tuple[str, ...]:
    """The rules that read something else of the pair now than when the decision was made.

    What an account lacks counts for nothing: who looks at it live sees more of it than what was recorded.
    """
    now = evidence(identity, account, rule_set)
    return tuple(name for name, each in now.items() if name in known and _differs(known[name], each, identity))


def _differs(then: Mapping[str, Any], now: Mapping[str, Any], identity: Mapping[str, Any] | None) -> bool:
    if then.get("reads") != now["reads"]:
        return False
    if identity is not None and then.get("identity") != now["identity"]:
        return True
    return None not in {then.get("account"), now["account"]} and then.get("account") != now["account"]


def _reads(rule: Rule) -> str:
    return _hash(f"{rule.source}\0{rule.target}\0{','.join(rule.normalize)}")


def _number(values: tuple[Value, ...]) -> str | None:
    return _hash("\0".join(sorted(value.normal for value in values))) if values else None


def _hash(text: str) -> str:
    return xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))
