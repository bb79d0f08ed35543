"""Text in plain letters: what transforms, and whoever makes names of names, mean by it."""

import re
import unicodedata

#: Letters that Unicode does not take apart, or whose usual spelling is not the bare letter; as text.ascii of scripts.
_LETTERS = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "œ": "oe", "ǿ": "oe", "ǽ": "ae",
    "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ŀ": "l", "ı": "i", "ħ": "h", "ŋ": "ng", "ŧ": "t", "ĸ": "k", "ə": "e",
    "ſ": "s", "ŉ": "n",
}  # fmt: skip
_CAPITALS = {letter.upper(): plain.capitalize() for letter, plain in _LETTERS.items() if len(letter.upper()) == 1}
_PLAIN = str.maketrans(
    {**_CAPITALS, **_LETTERS, "ẞ": "SS", "İ": "I"} | dict.fromkeys("’‘‚´`", "'") | dict.fromkeys("‐‑‒–—―−", "-")
)
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def to_ascii(text: str) -> str:
    """Plain letters for those of Latin script: ü is ue, ł is l, ß is ss; what has no plain letter is dropped."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text).translate(_PLAIN)
    # The second pass is for letters that only appear once an accent is taken off.
    return unicodedata.normalize("NFKD", composed).translate(_PLAIN).encode("ascii", "ignore").decode("ascii")


def to_bare_ascii(text: str) -> str:
    """Letters without their marks: ü is u, where ``to_ascii`` writes ue."""
    parts = unicodedata.normalize("NFKD", text)
    return to_ascii("".join(char for char in parts if not unicodedata.combining(char)))


def slug(text: str) -> str:
    """Lower-case letters, digits and single hyphens between them."""
    return _NOT_SLUG.sub("-", to_ascii(text).lower()).strip("-")
