"""Rules of correlation as a form, and in words: pure."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from worker.console.views import AttributeChange, RuleDifference, RuleMistake
from worker.domain.errors import InvalidRequest

Form = Mapping[str, Sequence[str]]

#: What the form has for each rule; a flag is there when it is ticked.
TEXTS = ("name", "source", "target", "group", "expression")
NUMBERS = ("threshold", "neutral", "weight", "disagreement", "tier")
FLAGS = {
    "definitive": "agreement settles it",
    "veto": "disagreement rules it out",
    "blocking": "finds candidates",
    "by_frequency": "rare names count more",
    "typos_in_digits": "digits may be mistyped",
}
SET_NUMBERS = {
    "auto_threshold": "Linked by itself from",
    "review_threshold": "Asked about from",
    "min_gap": "Lead over the next candidate",
    "base": "Log odds before any evidence",
    "slope": "Calibration: slope",
    "offset": "Calibration: offset",
}
SET_TEXTS = {
    "service_source": "People’s attributes for services",
    "service_target": "Accounts’ attributes for services",
    "service_pattern": "What looks like a service (pattern)",
    "ended": "When people left (attribute)",
    "created": "When accounts were made (attribute)",
}
MATCHES = {"exact": "the same", "fuzzy": "alike", "phonetic": "sounds alike", "expression": "by an expression"}
ALGORITHMS = {
    "jaro_winkler": "Jaro-Winkler",
    "levenshtein": "Levenshtein",
    "osa": "OSA (swapped letters)",
    "token_sort": "words in any order",
    "trigram": "trigrams",
    "soundex": "Soundex",
    "metaphone": "Metaphone",
}
NEW_RULE: dict[str, Any] = {
    "name": "", "source": "", "target": "", "match": "exact", "algorithm": None, "threshold": 0.86, "neutral": 0.12,
    "weight": 4.0, "disagreement": 2.0, "tier": 2, "normalize": ["fold"], "blocking": True,
}  # fmt: skip
#: What a rule of the form has where nothing was said.
_BLANK: dict[str, Any] = dict.fromkeys((*TEXTS, *NUMBERS), "") | dict.fromkeys(FLAGS, False) | {"levels": []}
_BLANK_SET: dict[str, Any] = dict.fromkeys((*SET_NUMBERS, *SET_TEXTS), "") | {"tuning_mode": False}
#: What a back-test counts by: from what to what.
DECISIONS = {"auto": "linked", "review": "asked about", "none": "nobody’s", "another": "linked to somebody else"}
SAID = {
    "is": "people said whose it is",
    "is_not": "people said whose it is not",
    "nobody": "people said nobody’s",
    "linked": "linked by the rules",
}
STATES: dict[str, tuple[str, str, str]] = {
    "pending": ("gray", "pending", "Waiting"),
    "running": ("blue", "in_progress", "Trying"),
    "completed": ("green", "completed", "Tried"),
    "failed": ("red", "failed", "Failed"),
    "cancelled": ("muted", "cancelled", "Stopped"),
}
_NAME = re.compile(r"r(\d{1,3})\.name")
_LINE = re.compile(r"\s*([^:=\s][^:=]*?)\s*[:=]\s*(.*)")


def document_of(form: Form) -> dict[str, Any]:
    """The rule set that a form says. What is no number stays a text, so that the review can say so."""
    found: dict[str, Any] = {name: _first(form, name) for name in SET_TEXTS}
    found |= _numbers(form, "", tuple(SET_NUMBERS))
    found["tuning_mode"] = bool(_first(form, "tuning_mode"))
    places = sorted(int(match[1]) for name in form if (match := _NAME.fullmatch(name)))
    return {**found, "rules": [_rule(form, f"r{at}.") for at in places]}


def filled(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with every field of the form, blank where nothing was said."""
    return {**_BLANK_SET, **document, "rules": [_BLANK | rule for rule in document.get("rules", ())]}


def attributes_of(text: str) -> dict[str, Any]:
    """Attributes as a JSON object, or one on a line as ``mail: anna@example.org``; a name twice has two values."""
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InvalidRequest(f"The attributes are no JSON: {error}.") from error
        return found if isinstance(found, dict) else {}
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise InvalidRequest(f"Line {number} is no attribute: write it as name: value.")
        name, value = match[1], match[2].strip()
        known = found.get(name)
        found[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    return found


def mistake_text(mistake: RuleMistake) -> str:
    """A mistake as a sentence; its place stands beside it."""
    is_sentence = mistake.message.partition(" ")[0] in {"is", "are", "has", "have", "was", "were", "lacks", "reads"}
    return f"{mistake.field}{' ' if is_sentence else ': '}{mistake.message}"


def anchor(mistake: RuleMistake) -> str:
    """The id of the field that a mistake is about."""
    return f"f-{mistake.field}" if mistake.rule is None else f"r{mistake.rule}"


def flip_text(kind: str) -> str:
    """``auto_to_review`` as "linked, then asked about"."""
    before, _, after = kind.partition("_to_")
    return f"{DECISIONS.get(before, before)}, then {DECISIONS.get(after, after)}"


def version_name(number: int) -> str:
    return f"version {number}" if number else "the shipped rules"


def differences(found: Sequence[RuleDifference]) -> tuple[AttributeChange, ...]:
    """A whole rule that came or went, else each of its parts that is another; the set's own settings by name."""
    told: list[AttributeChange] = []
    for each in found:
        before, after = each.before, each.after
        if before is None or after is None:
            told.append(AttributeChange(each.name, before and rule_text(before), after and rule_text(after)))
            continue
        part = f"{each.name}, " if each.name else ""
        told += [AttributeChange(f"{part}{name}", before.get(name), after.get(name)) for name in each.fields]
    return tuple(told)


def rule_text(rule: Mapping[str, Any]) -> str:
    """A rule in a line: "mail and email the same, +10 or −2.5"."""
    how = MATCHES.get(str(rule.get("match", "exact")), str(rule.get("match")))
    weights = f"+{rule.get('weight', 4.0):g} or −{rule.get('disagreement', 2.0):g}"
    return f"{rule.get('source')} with {rule.get('target')} {how}, {weights}"


def _rule(form: Form, before: str) -> dict[str, Any]:
    found: dict[str, Any] = {name: _first(form, before + name) for name in TEXTS}
    found |= {
        "match": _first(form, f"{before}match") or "exact",
        "algorithm": _first(form, f"{before}algorithm") or None,
    }
    found |= _numbers(form, before, NUMBERS)
    found |= {name: bool(_first(form, before + name)) for name in FLAGS}
    found["normalize"] = [each for each in re.split(r"[,\s]+", _first(form, f"{before}normalize")) if each]
    found["levels"] = _levels(_first(form, f"{before}levels"))
    return found


def _levels(text: str) -> Any:
    try:
        return json.loads(text) if text else []
    except ValueError:
        return [text]


def _numbers(form: Form, before: str, names: Sequence[str]) -> dict[str, Any]:
    said = {name: _first(form, before + name) for name in names}
    return {name: _number(text) for name, text in said.items() if text}


def _number(text: str) -> float | int | str:
    """A number as people write one, with a point or a comma."""
    plain = text.replace(",", ".")
    try:
        found = float(plain)
    except ValueError:
        return text
    if not math.isfinite(found):
        return text
    return int(found) if found.is_integer() and "." not in plain else found


def _first(form: Form, name: str) -> str:
    return (form.get(name) or [""])[0].strip()
