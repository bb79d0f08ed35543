"""What of a payload people and records may see."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from worker.domain import sealing

_SECRET = re.compile(
    r"pass(word|wd|phrase|code)?$|(^|[._-])(pwd|pin)$|secret|token|credential|(private|api)_?key|unicodepwd",
    re.IGNORECASE,
)
MARK = {"secret": True}


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether an attribute of this name holds a secret."""
    return _SECRET.search(name) is not None


def shown(attributes: Mapping[str, Any], *, secrets: Collection[str] = ()) -> dict[str, Any]:
    """The attributes with every secret replaced by its mark; which are secret shows in their names.

    ``secrets`` are further names of secrets.
    """
    return {
        name: MARK if value is not None and (name in secrets or is_secret(name)) else value
        for name, value in attributes.items()
    }


def shown_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """An operation's payload as people may see it: its sealed values are marks among the attributes."""
    attributes = payload.get("attributes")
    marks = dict.fromkeys(sorted(sealing.names_of(payload)), MARK)
    found = shown(attributes) if isinstance(attributes, Mapping) else {}
    kept = {key: value for key, value in payload.items() if key not in {sealing.SEALED, sealing.NAMES}}
    return {**kept, "attributes": found | marks}


def unmarked(payload: dict[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """A payload that was shown and came back, with the secrets that were behind its marks.

    ``stored`` is that of the operation, with what is sealed of it; a secret that did not come back is not wanted.
    """
    attributes, known = payload.get("attributes"), stored.get("attributes") or {}
    if not isinstance(attributes, dict):
        return payload
    sealed = {name: text for name, text in sealing.sealed_of(stored).items() if attributes.get(name) == MARK}
    open_ones = {name: value for name, value in attributes.items() if name not in sealed}
    restored = {name: known[name] if value == MARK and name in known else value for name, value in open_ones.items()}
    return sealing.with_sealed({**payload, "attributes": restored}, sealed)


def shown_differences(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Differing attributes, ``{name: {"expected", "actual"}}``, with both sides of every secret replaced."""
    return {name: {"expected": MARK, "actual": MARK} if is_secret(name) else each for name, each in attributes.items()}
