"""What of a payload people and records may see."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_SECRET = re.compile(
    r"pass(word|wd|phrase|code)?$|(^|[._-])(pwd|pin)$|secret|token|credential|(private|api)_?key|unicodepwd",
    re.IGNORECASE,
)
MARK = {"secret": True}


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether an attribute of this name holds a secret."""
    return _SECRET.search(name) is not None


def shown(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes with every secret replaced by its mark; which are secret shows in their names."""
    return {name: MARK if is_secret(name) and value is not None else value for name, value in attributes.items()}


def shown_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """An operation's payload as people may see it."""
    attributes = payload.get("attributes")
    return {**payload, "attributes": shown(attributes) if isinstance(attributes, Mapping) else {}}


def unmarked(payload: dict[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """A payload that was shown and came back, with the secrets that were behind its marks."""
    attributes, known = payload.get("attributes"), stored.get("attributes")
    if not isinstance(attributes, dict) or not isinstance(known, Mapping):
        return payload
    restored = {name: known[name] if value == MARK and name in known else value for name, value in attributes.items()}
    return {**payload, "attributes": restored}


def shown_differences(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Differing attributes, ``{name: {"expected", "actual"}}``, with both sides of every secret replaced."""
    return {name: {"expected": MARK, "actual": MARK} if is_secret(name) else each for name, each in attributes.items()}
