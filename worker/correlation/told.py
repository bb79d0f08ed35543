"""What hooks and expressions said about an account and its candidates, and what that is worth. Pure.

A hook is one voice beside the rules. What it says is log odds like theirs, all hooks together at most ``MOST`` for or
against a candidate; keys name somebody, scores speak for and against, ``match`` rules out whoever lacks a value. How
far that may move a decision is in ``decide``: by itself it links nobody, whatever the thresholds are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log
from typing import Any
from uuid import UUID

from worker.correlation.normalize import fold
from worker.correlation.prepare import Prepared, texts_of
from worker.correlation.rules import MatchKind, RuleSet, alternatives
from worker.domain.correlation import Contribution, Side
from worker.domain.errors import HookError
from worker.domain.hook import Correlated, FailurePolicy

#: What all hooks together count for or against one candidate at most: one in 150.
MOST = 5.0
#: What it counts that a hook names somebody by a key of theirs: as much as a rule of the usual weight.
FOR_KEY = 4.0
#: The attributes by which ``match`` does not only rule out, but names somebody: nobody else has the value.
NAMING = ("external_id", "user_name")
#: In place of what a hook said that may see secrets.
UNTOLD = "what it says is not kept, for it may see secrets"
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Word:
    """What one hook said about one account. ``hook`` is its name and version as people read it.

    Where one failed that is needed, a person has to say, for nothing may be decided without it. ``is_discreet``: it
    may see secrets, so no text of its answer is told.
    """

    hook: str
    said: Correlated | HookError
    on_error: FailurePolicy = FailurePolicy.FAIL
    is_discreet: bool = False

    @property
    def is_needed(self) -> bool:
        return self.on_error is not FailurePolicy.SKIP_HOOK


@dataclass(frozen=True, slots=True)
class Held:
    """Whether an expression holds for a pair; None: it says nothing, and ``why``."""

    value: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What was said beyond the rules: ``words`` by account, ``held`` by (rule, identity, account).

    ``named`` are candidates that nothing leads to but a key of a hook.
    """

    words: Mapping[UUID, tuple[Word, ...]] = field(default_factory=dict)
    held: Mapping[tuple[str, UUID, UUID], Held] = field(default_factory=dict)
    named: frozenset[UUID] = frozenset()

    def failures(self, account_id: UUID) -> list[Word]:
        """The hooks that failed when they were asked about an account."""
        return [word for word in self.words.get(account_id, ()) if isinstance(word.said, HookError)]


NOTHING = Told()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What all hooks say of one pair: one contribution each. ``barred``: why it cannot be, in words."""

    points: float = 0.0
    contributions: tuple[Contribution, ...] = ()
    barred: str | None = None


SILENT = Opinion()


def opinion_of(words: Sequence[Word], identity: Prepared, account: Prepared, rule_set: RuleSet) -> Opinion:
    """What hooks said of this pair; a hook that failed, or has nothing to say, counts for nothing."""
    found = [each for word in words for each in _of_word(word, identity, account, rule_set)]
    if not found:
        return SILENT
    total = sum(one.points for one in found)
    points = max(-MOST, min(MOST, total))
    share = points / total if total else 1.0
    contributions = tuple(replace(one, points=one.points * share) for one in found)
    barred = next((bar for word in words if (bar := _bar(word, identity)) is not None), None)
    return Opinion(points, contributions, barred)


def keys_of_words(words: Iterable[Word]) -> frozenset[str]:
    """The texts by which hooks want people to be found, as they wrote them."""
    found: set[str] = set()
    for word in words:
        if isinstance(word.said, Correlated):
            found.update(text.strip() for text in word.said.keys)
            found.update(text for wanted in word.said.match.values() for text in texts_of(wanted))
    return frozenset(found)


def folded(texts: Iterable[str]) -> frozenset[str]:
    """Texts as they are compared; what is nothing then is left out."""
    return frozenset(map(fold, texts)) - {""}


def texts_of_person(identity: Mapping[str, Any], rule_set: RuleSet) -> frozenset[str]:
    """The folded texts by which a person is found: ``external_id``, ``user_name``, and all that a rule reads."""
    names = {*NAMING} | {part for rule in rule_set.rules for parts in alternatives(rule.source) for part in parts}
    return folded(text for name in names for text in texts_of(identity.get(name)))


def has_expressions(rule_set: RuleSet) -> bool:
    return any(rule.match is MatchKind.EXPRESSION for rule in rule_set.rules)


def _of_word(word: Word, identity: Prepared, account: Prepared, rule_set: RuleSet) -> Iterable[Contribution]:
    said = word.said
    if not isinstance(said, Correlated):
        return
    if said.score:
        score = said.score.get(str(identity.ref_id))
        if score is not None:
            yield _contribution(word, points_of_score(score), f"a score of {score:.2g}")
    elif said.keys:
        key = _key_held(said.keys, identity, rule_set)
        if key is not None:
            yield _named(word, key, account, rule_set)
    elif said.match and (lack := lacking(said.match, identity.attributes)) is not None:
        yield _contribution(word, 0.0, lack)
    elif said.match:
        key = next((text for attribute in NAMING for text in texts_of(said.match.get(attribute))), None)
        met = ", ".join(f"{attribute} is {_shown(wanted)}" for attribute, wanted in said.match.items())
        yield _contribution(word, 0.0, f"{met}, as wanted") if key is None else _named(word, key, account, rule_set)


def _contribution(word: Word, points: float, words: str) -> Contribution:
    return Contribution(f"hook {word.hook}", points, f"hook {word.hook}: {UNTOLD if word.is_discreet else words}")


def _named(word: Word, key: str, account: Prepared, rule_set: RuleSet) -> Contribution:
    """Somebody has the key. Where a rule reads that very text of the account, it has counted already."""
    paths = {part for rule in rule_set.rules for parts in alternatives(rule.target) for part in parts}
    is_read = any(fold(key) == fold(text) for path in paths for text in texts_of(account.attributes.get(path)))
    words = f"named by {_shown(key)}"
    return _contribution(word, 0.0, f"{words}, as the rules know") if is_read else _contribution(word, FOR_KEY, words)


def points_of_score(score: float) -> float:
    """The log odds of a score from 0 to 1, at most ``MOST`` either way; 0.5 is nothing."""
    if score <= 0 or score >= 1:
        return MOST if score >= 1 else -MOST
    return max(-MOST, min(MOST, log(score / (1 - score))))


def _bar(word: Word, identity: Prepared) -> str | None:
    if not isinstance(word.said, Correlated) or not word.said.match:
        return None
    lack = lacking(word.said.match, identity.attributes)
    return None if lack is None else f"hook {word.hook}: {UNTOLD if word.is_discreet else lack}"


def lacking(wanted: Mapping[str, Any], attributes: Mapping[str, Any]) -> str | None:
    """What a person lacks of what a hook wants of the owner, in words; None: nothing.

    Texts are compared folded; of several values one has to be there. None wants no value at all.
    """
    for attribute, value in wanted.items():
        texts, has = folded(texts_of(value)), folded(texts_of(attributes.get(attribute)))
        if not texts and has:
            return f"{attribute} is to have no value"
        if texts and texts.isdisjoint(has):
            return f"{attribute} is to be {_shown(value)}"
    return None


def _key_held(keys: Sequence[str], identity: Prepared, rule_set: RuleSet) -> str | None:
    texts = texts_of_person(identity.attributes, rule_set)
    return next((key for key in keys if fold(key) in texts), None)


def sides(subject: Prepared, other: Prepared) -> tuple[Prepared, Prepared]:
    """The two as (identity, account)."""
    return (subject, other) if subject.side is Side.IDENTITY else (other, subject)


def _shown(value: Any) -> str:
    text = ", ".join(texts_of(value)) or "nothing"
    return f"'{text[:_LONGEST]}'"
