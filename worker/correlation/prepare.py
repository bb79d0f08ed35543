"""One side of a comparison made ready once: per rule its values, as written and as normalised."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from worker.correlation.normalize import NORMALISERS
from worker.correlation.rules import Rule, RuleSet, alternatives
from worker.domain.comparison import instant
from worker.domain.correlation import Candidate, Side, Subject

_MAX_SHOWN = 80
MAX_VALUES = 32
#: Patterns are tried on so many characters of a login; an account may have a text of any length there.
LONGEST_LOGIN = 256


class Value(NamedTuple):
    shown: str
    normal: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """``values`` are in the order of the rules; ``service`` is a value that looks like a service account's."""

    ref_id: UUID
    side: Side
    attributes: Mapping[str, Any]
    values: tuple[tuple[Value, ...], ...]
    service: str | None = None
    moment: str | None = None
    uid: str | None = None
    name: str = ""
    is_taken: bool = False


def prepare_subject(subject: Subject, rule_set: RuleSet) -> Prepared:
    """Read a subject; what its account would have (``wanted``) counts beside what the identity itself says."""
    values = tuple(_subject_values(rule, subject) for rule in rule_set.rules)
    service, moment = _service_and_moment(subject.attributes, subject.side, rule_set)
    return Prepared(subject.ref_id, subject.side, subject.attributes, values, service, moment, subject.uid)


def prepare_candidate(candidate: Candidate, rule_set: RuleSet, *, side: Side) -> Prepared:
    values = tuple(_values(rule, rule.path(side), candidate.attributes) for rule in rule_set.rules)
    service, moment = _service_and_moment(candidate.attributes, side, rule_set)
    return Prepared(
        candidate.ref_id, side, candidate.attributes, values, service, moment,
        candidate.uid, candidate.name, candidate.is_taken,
    )  # fmt: skip


def read(path: str, attributes: Mapping[str, Any]) -> list[str]:
    """The texts that a path finds, multi-values one by one; a joined alternative needs all its parts."""
    found: list[str] = []
    for parts in alternatives(path):
        if len(parts) == 1:
            if (value := attributes.get(parts[0])) is not None:
                found += texts_of(value)
            continue
        lists = [texts_of(attributes.get(part)) for part in parts]
        if all(lists):
            found.append(" ".join([texts[0] for texts in lists]))
    return found


def name_of(person: Mapping[str, Any], rule_set: RuleSet) -> str:
    """What a person is called where a rule asks how common that is; empty where none does."""
    for rule in rule_set.rules:
        if rule.by_frequency and "name" in rule.normalize:
            return next(iter(read(rule.source, person)), "")
    return ""


def _subject_values(rule: Rule, subject: Subject) -> tuple[Value, ...]:
    own = _values(rule, rule.path(subject.side), subject.attributes)
    wanted = _values(rule, rule.target, subject.wanted) if subject.wanted else ()
    if not wanted or wanted == own:  # what an account would have is mostly what its person has
        return own
    return tuple({value.normal: value for value in (*wanted, *own)}.values())


def _values(rule: Rule, path: str, attributes: Mapping[str, Any]) -> tuple[Value, ...]:
    texts = read(path, attributes)
    if not texts:
        return ()
    found: dict[str, Value] = {}
    normalisers = _normalisers(rule.normalize)
    for text in texts:
        normal = text
        for normalise in normalisers:
            normal = normalise(normal)
        if normal and normal not in found and len(found) < MAX_VALUES:
            found[normal] = Value(text[:_MAX_SHOWN], normal)
    return tuple(found.values())


@lru_cache(maxsize=256)
def _normalisers(names: tuple[str, ...]) -> tuple[Callable[[str], str], ...]:
    return tuple(NORMALISERS[name] for name in names)


def texts_of(value: Any) -> list[str]:
    """The texts in a value, blanks stripped, none of them empty."""
    if isinstance(value, str):
        return [text] if (text := value.strip()) else []
    if isinstance(value, list | tuple | set | frozenset):
        return [text for one in value for text in texts_of(one)]
    if value is None or isinstance(value, dict | bytes):
        return []
    text = str(value).strip()
    return [text] if text else []


def _service_and_moment(attributes: Mapping[str, Any], side: Side, rule_set: RuleSet) -> tuple[str | None, str | None]:
    """A value that matches the service pattern, and when the identity ended or the account was created."""
    of_identity = side is Side.IDENTITY
    pattern = re.compile(rule_set.service_pattern, re.IGNORECASE)
    paths = rule_set.service_source if of_identity else rule_set.service_target
    logins = map(login_of, read(paths, attributes))
    service = next((text for text in logins if pattern.search(text)), None)
    moments = map(instant, read(rule_set.ended if of_identity else rule_set.created, attributes))
    return service, next((moment.isoformat() for moment in moments if moment), None)


def login_of(text: str) -> str:
    """What the service pattern is matched with: neither Windows domain nor realm, and no more than a login may have."""
    return text.rpartition("\\")[2].partition("@")[0][:LONGEST_LOGIN]
