"""Text in plain letters: what transforms, and whoever makes names of names, mean by it."""

import re
import unicodedata

from worker.sandbox import normalized
from worker.sandbox import to_ascii as spelled

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def to_ascii(text: str) -> str:
    """Plain letters, as ``text.ascii`` of scripts spells them: ü is ue, ł is l, Ж is Zh; what is none is dropped."""
    return spelled(text)


def to_bare_ascii(text: str) -> str:
    """Letters without their marks: ü is u, where ``to_ascii`` writes ue."""
    parts = normalized(text, form="NFKD")
    return to_ascii("".join(char for char in parts if not unicodedata.combining(char)))


def slug(text: str) -> str:
    """Lower-case letters, digits and single hyphens between them."""
    return _NOT_SLUG.sub("-", to_ascii(text).lower()).strip("-")
