"""Everything that is wrong with a rule set as somebody wrote it, by rule and field; pure.

What can be told from the document and from the names of attributes is told here; whether an expression can be computed,
only the sandbox knows (``expressions_of`` says which to ask it about).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from worker.correlation.rules import MatchKind, Rule, RuleSet, alternatives
from worker.correlation.similarity import Algorithm
from worker.domain.errors import InvalidRequest

#: Beyond these a rule set is no rule set: every rule is compared for every pair.
MOST_RULES = 50
LONGEST_NAME, LONGEST_PATH, LONGEST_PATTERN, LONGEST_EXPRESSION = 100, 1_000, 500, 4_000
#: What every identity has, beside its attributes.
FIXED = frozenset({"id", "external_id", "user_name", "active"})

#: (lowest, highest) that make sense; log odds beyond 50 are certainty, which ``definitive`` and ``veto`` are for.
_RULE_RANGES = {
    "threshold": (0.01, 1.0),
    "neutral": (0.0, 1.0),
    "weight": (0.0, 50.0),
    "disagreement": (0.0, 50.0),
    "tier": (1, 9),
}
_SET_RANGES = {
    "auto_threshold": (0.5, 0.999999),
    "review_threshold": (0.000001, 0.999999),
    "min_gap": (0.0, 100.0),
    "base": (-100.0, 100.0),
    "slope": (0.01, 100.0),
    "offset": (-100.0, 100.0),
}
_PHONETIC = frozenset({Algorithm.SOUNDEX, Algorithm.METAPHONE})
_NESTED = re.compile(r"\((?:[^()\\]|\\.)*[+*}](?:[^()\\]|\\.)*\)(?:[+*]|\{\d*,)")
_NO_FIELD = re.compile(r"has no field '(.*?)'")
_WORD = re.compile(r"\w+")
_OF_RULE = re.compile(r"rule (?P<number>\d+)(?: \(.*?\))?:? (?P<words>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One mistake. ``rule`` counts from 0, None for the rule set itself; ``severity`` is error or warning."""

    rule: int | None
    field: str
    message: str
    severity: str = "error"

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    def __str__(self) -> str:
        where = "" if self.rule is None else f"rule {self.rule + 1}, "
        return f"{where}{self.field}: {self.message}"


@dataclass(frozen=True, slots=True)
class Attributes:
    """Names that rules may read: of identities, and of the target's accounts. Empty: they are not known.

    ``may_be_new``: identities may have attributes that nobody has yet, however alike they are to known ones.
    """

    of_identities: frozenset[str] = frozenset()
    of_accounts: frozenset[str] = frozenset()
    may_be_new: bool = False


def review_rule_set(document: Any, *, attributes: Attributes) -> tuple[RuleProblem, ...]:
    """Every mistake of a rule set's JSON form, those of the set first, then by rule."""
    if not isinstance(document, Mapping):
        return (RuleProblem(None, "rules", "a rule set is an object with rules"),)
    rules = document.get("rules", [])
    if not isinstance(rules, list | tuple):
        return (RuleProblem(None, "rules", "is a list of rules"),)
    if len(rules) > MOST_RULES:
        return (RuleProblem(None, "rules", f"are at most {MOST_RULES}, these are {len(rules)}"),)
    found = [*_of_set(document, attributes)]
    for at, rule in enumerate(rules):
        if isinstance(rule, Mapping):
            found += _of_rule(at, rule, attributes)
    said = {(each.rule, each.field) for each in found if each.is_error}
    found += [each for each in _of_reader(document) if (each.rule, each.field) not in said]
    return tuple(sorted(found, key=lambda each: -1 if each.rule is None else each.rule))


def expressions_of(document: Any) -> dict[int, str]:
    """The expressions to build in the sandbox, by the place of their rule."""
    rules = document.get("rules", []) if isinstance(document, Mapping) else []
    return {
        at: rule["expression"]
        for at, rule in enumerate(rules if isinstance(rules, list | tuple) else [])
        if isinstance(rule, Mapping) and isinstance(rule.get("expression"), str) and rule["expression"].strip()
    }


def _of_set(document: Mapping[str, Any], attributes: Attributes) -> Iterator[RuleProblem]:
    yield from _out_of_range(None, document, _SET_RANGES)
    auto, least = document.get("auto_threshold", 0.995), document.get("review_threshold", 0.1)
    if _is_number(auto) and _is_number(least) and least >= auto:
        yield RuleProblem(None, "review_threshold", "is below auto_threshold: what is surer is linked")
    pattern = document.get("service_pattern", "")
    if isinstance(pattern, str):
        if len(pattern) > LONGEST_PATTERN:
            yield RuleProblem(None, "service_pattern", f"has at most {LONGEST_PATTERN} characters")
        elif _NESTED.search(pattern):
            yield RuleProblem(
                None,
                "service_pattern",
                "repeats a group that repeats something itself: a long value would take for ever",
            )
    for name, known in (
        ("service_source", attributes.of_identities), ("ended", attributes.of_identities),
        ("service_target", attributes.of_accounts), ("created", attributes.of_accounts),
    ):  # fmt: skip
        is_source = name in {"service_source", "ended"}
        yield from _of_path(None, name, document.get(name, ""), known, attributes, is_source=is_source)


def _of_rule(at: int, rule: Mapping[str, Any], attributes: Attributes) -> Iterator[RuleProblem]:
    yield from _out_of_range(at, rule, _RULE_RANGES)
    for name, most in (("name", LONGEST_NAME), ("group", LONGEST_NAME), ("expression", LONGEST_EXPRESSION)):
        if isinstance(rule.get(name), str) and len(rule[name]) > most:
            yield RuleProblem(at, name, f"has at most {most} characters")
    yield from _of_match(at, rule)
    if rule.get("match") != MatchKind.EXPRESSION:
        yield from _of_path(at, "source", rule.get("source"), attributes.of_identities, attributes, is_source=True)
        yield from _of_path(at, "target", rule.get("target"), attributes.of_accounts, attributes, is_source=False)


def _of_match(at: int, rule: Mapping[str, Any]) -> Iterator[RuleProblem]:
    match, algorithm = rule.get("match", MatchKind.EXACT), rule.get("algorithm")
    if not isinstance(match, str) or not isinstance(algorithm, str | None):
        return  # whoever reads it says so
    if match not in set(MatchKind):
        yield RuleProblem(at, "match", f"is one of {', '.join(MatchKind)}, not {match!r}")
    elif algorithm is not None and algorithm not in set(Algorithm):
        yield RuleProblem(at, "algorithm", f"is one of {', '.join(Algorithm)}, not {algorithm!r}")
    elif match == MatchKind.PHONETIC and algorithm not in _PHONETIC:
        yield RuleProblem(at, "algorithm", f"of a phonetic rule is one of {', '.join(sorted(_PHONETIC))}")
    elif match == MatchKind.FUZZY and (algorithm is None or algorithm in _PHONETIC):
        fuzzy = ", ".join(each for each in Algorithm if each not in _PHONETIC)
        yield RuleProblem(at, "algorithm", f"of a fuzzy rule is one of {fuzzy}")


def _out_of_range(
    at: int | None, values: Mapping[str, Any], ranges: Mapping[str, tuple[float, float]]
) -> Iterator[RuleProblem]:
    for name, (lowest, highest) in ranges.items():
        value = values.get(name, lowest)
        # comparisons with a nan are false, so it is not in any range
        if _is_number(value) and not lowest <= value <= highest:
            yield RuleProblem(at, name, f"is from {lowest:g} to {highest:g}, not {value}")


def _of_path(
    at: int | None, field: str, path: Any, known: frozenset[str], attributes: Attributes, *, is_source: bool
) -> Iterator[RuleProblem]:
    """Attributes that are not there. One that is misspelt is an error, and so is a path that reads nothing at all."""
    if not isinstance(path, str) or not path.strip():
        return
    if len(path) > LONGEST_PATH:
        yield RuleProblem(at, field, f"has at most {LONGEST_PATH} characters")
    if not known:
        return
    names = known | FIXED if is_source else known
    whose = "an identity" if is_source else "an account there"
    options = alternatives(path)
    unknown = [name for option in options for name in option if name not in names]
    reads = [option for option in options if all(name in names for name in option)]
    for name in dict.fromkeys(unknown):
        close = get_close_matches(name, names, n=1, cutoff=0.75)
        if close and not reads and not (is_source and attributes.may_be_new):
            yield RuleProblem(at, field, f"no attribute of {whose} is named {name!r}; did you mean {close[0]!r}?")
            return
    if unknown and not reads:
        severity = "warning" if is_source else "error"
        yield RuleProblem(at, field, f"{whose} has none of {', '.join(map(repr, dict.fromkeys(unknown)))}", severity)


def _of_reader(document: Mapping[str, Any]) -> Iterator[RuleProblem]:
    """What reading the rule set complains of, at its place."""
    try:
        RuleSet.from_json({name: value for name, value in document.items() if name != "version"})
    except InvalidRequest as error:
        for words in error.fields.get("mistakes", [str(error)]):
            yield _placed(words)


def _placed(words: str) -> RuleProblem:
    found = _OF_RULE.fullmatch(words)
    rest = found["words"] if found else words
    names = {**(Rule if found else RuleSet).__dataclass_fields__, "normaliser": None}
    unknown = _NO_FIELD.search(rest)
    field = unknown[1] if unknown else next((word for word in _WORD.findall(rest) if word in names), "rules")
    field = "normalize" if field == "normaliser" else field
    return RuleProblem(int(found["number"]) - 1 if found else None, field, rest)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def keys_differ(one: RuleSet, other: RuleSet) -> bool:
    """Whether accounts have other blocking keys under the one than under the other."""
    return _keyed(one) != _keyed(other)


def _keyed(rule_set: RuleSet) -> set[tuple[object, ...]]:
    return {
        (rule.name, rule.target, rule.match, rule.algorithm, rule.normalize)
        for rule in rule_set.rules
        if rule.blocking or "name" in rule.normalize
    }
