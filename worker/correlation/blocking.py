"""Blocking keys: which records are compared at all. Records that are one typo apart share at least one.

- the normalised value itself, for every blocking rule;
- for fuzzy user names and addresses, the value with any one sign left out: two texts that one insertion, deletion,
  substitution or transposition parts have such a form in common;
- for names, the set of tokens, and for each two of them one exactly with the beginning, the end or the sound of the
  other, so that a typo in one of them leaves a key;
- for dates, the date with each token of the name (a surname changes, both at once do not).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import xxhash

from worker.correlation.normalize import local_part
from worker.correlation.phonetics import metaphone, soundex
from worker.correlation.prepare import Prepared, Value, prepare_subject
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.similarity import Algorithm
from worker.domain.correlation import BY_HOOK, NOBODY, MatchKey, Side, Subject

MIN_TYPO = 3
MAX_TYPO = 32
MAX_TOKENS = 4
LAST_SIGNS = 2


def match_keys(attributes: Mapping[str, Any], rule_set: RuleSet, *, side: Side) -> list[MatchKey]:
    """The keys under which a record is stored, or looked for; the same on both sides for the same value.

    They depend on the rules' names, paths and normalisers: a changed rule set means new keys for what is stored.
    """
    return keys_of(prepare_subject(Subject(NOBODY, side, attributes), rule_set), rule_set)


def reading_of(rule_set: RuleSet) -> int:
    """The number of all that rules read of people to find them by: with the same number, people have the same keys."""
    reading = [
        f"{each.name}|{each.source}|{','.join(each.normalize)}|{each.match.value}|{each.algorithm or ''}"
        for each in rule_set.rules
        if (each.blocking and each.match is not MatchKind.EXPRESSION) or "name" in each.normalize
    ]
    return _hash("reading", "\n".join(sorted(reading)))


def keys_of(prepared: Prepared, rule_set: RuleSet, *, among: frozenset[int] | None = None) -> list[MatchKey]:
    """``match_keys`` of a record that is prepared already, without those whose hash is not ``among`` them."""
    names = _name_tokens(prepared, rule_set)
    texts: set[tuple[str, str]] = set()
    for rule, values in zip(rule_set.rules, prepared.values, strict=True):
        if rule.blocking and rule.match is not MatchKind.EXPRESSION:
            for value in values:
                texts.update(_texts(rule, value, names))
    hashed = [(kind, _hash(kind, text)) for kind, text in texts]
    return sorted([MatchKey(*each) for each in hashed if among is None or each[1] in among])


def keys_of_texts(texts: Iterable[str], *, among: frozenset[int] | None = None) -> list[MatchKey]:
    """The keys of folded texts by which hooks name people: kept with an account, looked for by its person."""
    hashed = [_hash(BY_HOOK, text) for text in texts]
    return sorted([MatchKey(BY_HOOK, each) for each in hashed if among is None or each in among])


def _texts(rule: Rule, value: Value, names: set[str]) -> list[tuple[str, str]]:
    normal = value.normal
    if "date" in rule.normalize:  # far too many share a day alone
        return [(f"{rule.name}+name", f"{normal} {token}") for token in names]
    if "name" in rule.normalize:
        return [(rule.name, normal), *_of_name(rule.name, normal.split())]
    if rule.match is MatchKind.FUZZY:
        return [(rule.name, normal), *_without_one(local_part(normal) if "email" in rule.normalize else normal)]
    if rule.match is MatchKind.PHONETIC:
        code = metaphone if rule.algorithm is Algorithm.METAPHONE else soundex
        return [(rule.name, normal), (f"{rule.name}~", " ".join(sorted(map(code, normal.split()))))]
    return [(rule.name, normal)]


def _without_one(text: str) -> list[tuple[str, str]]:
    # One kind for user names and local parts: mostly the same text, so mostly the same keys.
    if not MIN_TYPO <= len(text) <= MAX_TYPO:
        return []
    if len(text) == MIN_TYPO:
        return [("typo", text)]
    return [("typo", text), *(("typo", text[:at] + text[at + 1 :]) for at in range(len(text)))]


def _of_name(kind: str, tokens: list[str]) -> list[tuple[str, str]]:
    some = tokens[:MAX_TOKENS]
    beginning, end, sound = f"{kind}^", f"{kind}$", f"{kind}~"
    found = []
    for whole in some:
        coded = soundex(whole)
        for part in some:
            if whole != part:
                found.append((beginning, f"{whole} {part[0]}"))
                found.append((end, f"{whole} {part[-LAST_SIGNS:]}"))
                found.append((sound, f"{coded} {part[0]}"))
    return found


def _name_tokens(prepared: Prepared, rule_set: RuleSet) -> set[str]:
    return {
        token
        for rule, values in zip(rule_set.rules, prepared.values, strict=True)
        if "name" in rule.normalize
        for value in values
        for token in value.normal.split()
    }


def _hash(kind: str, text: str) -> int:
    unsigned: int = xxhash.xxh3_64_intdigest(f"{kind}\0{text}".encode("utf-8", "surrogatepass"))
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned
