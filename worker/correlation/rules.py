"""A rule set: what is compared, what agreement and disagreement are worth, and when that is enough.

Its JSON form is ``{"rules": [{...}], "auto_threshold": 0.995, ...}`` with the field names below; fields left out have
the defaults. ``source`` and ``target`` are paths: ``a+b | c`` reads a and b joined by a blank, and also c.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from functools import lru_cache
from typing import Any

from worker.correlation.normalize import NORMALISERS
from worker.correlation.similarity import Algorithm
from worker.domain.correlation import Side
from worker.domain.errors import InvalidRequest


class MatchKind(StrEnum):
    EXACT = "exact"
    FUZZY = "fuzzy"
    PHONETIC = "phonetic"
    EXPRESSION = "expression"


SERVICE_PATTERN = (
    r"^(svc|srv|service|adm|admin|root|test|tst|sys|system|bot|robot|demo|guest|no-?reply|backup)([-_.\d]|$)"
    r"|[-_.](svc|adm|admin|test)\d*$"
)
#: One of these is in whatever that pattern is found in.
SERVICE_WORDS = (
    *("svc", "srv", "service", "adm", "root", "test", "tst", "sys", "bot", "demo", "guest", "reply", "backup"),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One comparison. ``weight`` and ``disagreement`` are natural log odds, both given as positive numbers.

    ``threshold`` is where two texts are alike; down to ``neutral`` below it they speak neither for nor against.
    A ``definitive`` rule that agrees settles the pair, a ``veto`` rule that disagrees rules it out. An agreeing rule of
    tier 1 is at least worth a person's look. Rules of one ``group`` are derived from each other (a login from a name):
    of their likenesses, and of their disagreements, only the strongest counts in full. ``by_frequency``: agreement on
    a rare name is worth more. ``typos_in_digits`` lets other digits be a typo. ``expression`` is what a rule with
    ``match: expression`` asks of whoever can evaluate it. ``levels`` are learnt: (likeness at least, log odds), best
    first, in place of ``threshold`` and ``neutral``; below all of them ``disagreement`` counts. Names do not use them.
    """

    name: str
    source: str
    target: str
    match: MatchKind = MatchKind.EXACT
    algorithm: Algorithm | None = None
    threshold: float = 0.86
    neutral: float = 0.12
    weight: float = 4.0
    disagreement: float = 2.0
    tier: int = 2
    definitive: bool = False
    normalize: tuple[str, ...] = ("fold",)
    blocking: bool = True
    veto: bool = False
    group: str = ""
    by_frequency: bool = False
    typos_in_digits: bool = False
    expression: str = ""
    levels: tuple[tuple[float, float], ...] = ()

    @property
    def compares_names(self) -> bool:
        """Whether its values are compared as names of people, part by part."""
        return self.algorithm is Algorithm.TOKEN_SORT and self.normalize[-1:] == ("name",)

    def path(self, side: Side) -> str:
        return self.source if side is Side.IDENTITY else self.target


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of one connector at one version, and where the decisions are taken.

    ``base`` is the log odds of a candidate before any evidence, used when no name frequencies are given; ``slope`` and
    ``offset`` are the calibration of the sum. ``service_target`` (a path) matching ``service_pattern`` rules an account
    out, unless the identity's own values match it too. ``ended`` (identity) before ``created`` (account) rules out too.
    """

    rules: tuple[Rule, ...] = ()
    version: int = 1
    auto_threshold: float = 0.995
    review_threshold: float = 0.1
    min_gap: float = 3.0
    base: float = -8.5
    slope: float = 1.0
    offset: float = 0.0
    tuning_mode: bool = False
    service_source: str = ""
    service_target: str = ""
    service_pattern: str = SERVICE_PATTERN
    ended: str = ""
    created: str = ""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "RuleSet":
        """Read a rule set; InvalidRequest names every mistake in it at once."""
        listed = document.get("rules", [])
        mistakes = [] if isinstance(listed, list | tuple) else ["rules is not a list"]
        rules = [_rule(number, rule, mistakes) for number, rule in enumerate([] if mistakes else listed, 1)]
        settings = {name: value for name, value in document.items() if name != "rules"}
        mistakes += _type_mistakes("the rule set", cls, settings)
        mistakes += _rule_set_mistakes(settings, rules)
        if mistakes:
            raise InvalidRequest("; ".join(mistakes), mistakes=mistakes)
        return cls(rules=tuple(rule for rule in rules if rule is not None), **settings)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"rules": [asdict(rule) | {"normalize": list(rule.normalize)} for rule in self.rules]}


@lru_cache(maxsize=1024)
def alternatives(path: str) -> tuple[tuple[str, ...], ...]:
    """``a+b | c`` as ``(("a", "b"), ("c",))``."""
    options = (tuple(part.strip() for part in option.split("+")) for option in path.split("|"))
    return tuple(tuple(filter(None, option)) for option in options if any(option))


def _rule(number: int, document: Any, mistakes: list[str]) -> Rule | None:
    where = f"rule {number}"
    if not isinstance(document, Mapping):
        mistakes.append(f"{where} is not an object")
        return None
    found = _type_mistakes(where, Rule, document)
    found += [f"{where} lacks {name}" for name in ("name", "source", "target") if not document.get(name)]
    if found:
        mistakes += found
        return None
    try:
        match = MatchKind(document.get("match", MatchKind.EXACT))
        algorithm = Algorithm(document["algorithm"]) if document.get("algorithm") else None
    except ValueError as error:
        mistakes.append(f"{where}: {error}")
        return None
    normalize = tuple(document.get("normalize", ("fold",)))
    levels = _levels(document.get("levels", ()))
    if levels is None:
        mistakes.append(f"{where}: levels are pairs of a likeness (0 to 1, falling) and log odds")
        return None
    rule = Rule(**{**document, "match": match, "algorithm": algorithm, "normalize": normalize, "levels": levels})
    mistakes += [f"{where} ({rule.name}): {mistake}" for mistake in _rule_mistakes(rule)]
    return rule


def _levels(listed: Any) -> tuple[tuple[float, float], ...] | None:
    """The levels of a document; None when they are not what they have to be."""
    pairs = [tuple(each) if isinstance(each, list | tuple) else () for each in listed]
    if any(len(pair) != 2 or not all(type(number) in {int, float} for number in pair) for pair in pairs):
        return None
    found = tuple((float(least), float(points)) for least, points in pairs)
    limits = [1.0, *(least for least, _ in found), 0.0]
    return found if limits == sorted(limits, reverse=True) else None


def _rule_mistakes(rule: Rule) -> Iterable[str]:
    if rule.match in {MatchKind.FUZZY, MatchKind.PHONETIC} and rule.algorithm is None:
        yield f"a {rule.match} rule needs an algorithm"
    if rule.match is MatchKind.EXPRESSION and not rule.expression:
        yield "an expression rule needs an expression"
    for name in rule.normalize:
        if name not in NORMALISERS:
            yield f"there is no normaliser {name!r}, there are {', '.join(NORMALISERS)}"
    if not 0 < rule.threshold <= 1:
        yield "threshold is above 0 and at most 1"
    if rule.weight < 0 or rule.disagreement < 0 or rule.neutral < 0:
        yield "weight, disagreement and neutral are not negative"
    if not alternatives(rule.source) or not alternatives(rule.target):
        yield "source and target name attributes"


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "float": (int, float),
    "int": (int,),
    "bool": (bool,),
    "tuple[str, ...]": (list, tuple),
    "tuple[tuple[float, float], ...]": (list, tuple),
    "MatchKind": (str,),
    "Algorithm | None": (str, type(None)),
}


def _type_mistakes(where: str, kind: type, document: Mapping[str, Any]) -> list[str]:
    known = {field.name: _type_name(field.type) for field in fields(kind)}
    mistakes = [f"{where} has no field {name!r}" for name in document if name not in known]
    for name, value in document.items():
        allowed = _TYPES.get(known.get(name, ""), (object,))
        if not isinstance(value, allowed) or (
            isinstance(value, bool) and bool not in allowed and object not in allowed
        ):
            mistakes.append(f"{where}: {name} is not a {'/'.join(one.__name__ for one in allowed)}")
    return mistakes


def _type_name(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _rule_set_mistakes(settings: Mapping[str, Any], rules: list[Rule | None]) -> Iterable[str]:
    names = [rule.name for rule in rules if rule is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two rules are named {name!r}"
    for threshold in ("auto_threshold", "review_threshold"):
        value = settings.get(threshold, 0.5)
        if isinstance(value, int | float) and not 0 < value < 1:
            yield f"{threshold} is between 0 and 1"
    try:
        re.compile(str(settings.get("service_pattern", "")))
    except re.error as error:
        yield f"service_pattern: {error}"
