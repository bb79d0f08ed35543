"""What an error text may quote: only what its author wrote. Values of people stay out of errors, which are stored.

Starlark puts the value that it could not use into its message. Such a message is known by its shape, or else whatever
it has between quotes is taken for a value.
"""

import re
from typing import Final

HIDDEN: Final = "…"

_QUOTES: Final = "`\"'"
#: Shapes in which the last words are fixed, so that a value may hold quotes itself: ``v`` are values, ``w`` are not.
_SHAPES: Final = tuple(
    re.compile(shape, re.DOTALL)
    for shape in (
        r"(?P<w1>Value `)(?P<v1>.*)(?P<w2>` of type `[^`]*` does not match the type annotation `[^`]*` for [\w `]*)",
        r"(?P<w1>Cannot parse `)(?P<v1>.*)(?P<w2>` as an integer in base -?\d+)",
        r"(?P<w1>Key `)(?P<v1>.*)(?P<w2>` was not found)",
        r"(?P<w1>Key `)(?P<v1>.*)(?P<w2>` not found in dictionary `)(?P<v2>.*)(?P<w3>`)",
        r"(?P<w1>Substring ')(?P<v1>.*)(?P<w2>' not found in ')(?P<v2>.*)(?P<w3>')",
        r"(?P<w1>Element ')(?P<v1>.*)(?P<w2>' not found in list ')(?P<v2>.*)(?P<w3>')",
        r"(?P<w1>\w+\(\): )(?P<v1>\".*\")(?P<w2> is not a [\w ]+)",
        r"(?P<w1>)(?P<v1>\".*\")(?P<w2> is not a valid number: [\w ]+)",
        r"(?P<w1>[^(]*actual `\w+ \(repr: )(?P<v1>.*)(?P<w2>\)`)",
        r"(?P<w1>Operation `\.)(?P<v1>.*)(?P<w2>` not supported on type `[^`]*`)",
    )
)
#: Shapes whose words are the language's and the author's own.
_HARMLESS: Final = re.compile(
    r"Operation `[^\w`.]+|Operation `(?:cmp|call|\(?iter)|Object of type `\w+` has no attribute `"
    r"|Value of type `\w+` is not|Missing parameter `\w+` for call|Unpacked \d+ values|Starlark call stack|Immutable"
)
#: What an author has quoted in full is not longer.
_MAX_WORDS: Final = 512
_OWN_PREFIX: Final = re.compile(r"^(?:script|host|wrapper|lib/[^.]*|expression [^.]*)\.")
_APOSTROPHE: Final = re.compile(r"[a-z]'[st]\b")
_NUMBER: Final = re.compile(r"\d{3,}")


def discreet(message: str, source: str, *, is_ours: bool = False) -> str:
    """``message`` without what it quotes, but for what ``source`` holds word for word.

    Messages of our own library (``is_ours``) have values between quotes only, and numbers that are limits.
    """
    for shape in _SHAPES:
        if (found := shape.fullmatch(message)) is not None:
            return "".join(text if name[0] == "w" else _shown(text, source) for name, text in found.groupdict().items())
    if _HARMLESS.match(message):
        return message
    bare = _unquoted(message, source)
    return bare if is_ours else _NUMBER.sub(lambda number: _shown(number[0], source), bare)


def _unquoted(message: str, source: str) -> str:
    """Every quoted text that is the author's stays; from the first that is not to the last quote nothing does."""
    place = 0
    while (start := _first_quote(message, place)) >= 0:
        end = message.find(message[start], start + 1)
        if end < 0 or not _is_written(message[start + 1 : end], source):
            last = max(message.rfind(quote) for quote in _QUOTES)
            return message[:start] + HIDDEN + (message[last + 1 :] if last > start else "")
        place = end + 1
    return message


def _first_quote(message: str, place: int) -> int:
    """Where the next quote is that opens something: an apostrophe within a word does not."""
    for start in range(place, len(message)):
        if message[start] in _QUOTES and not _APOSTROPHE.match(message, max(start - 1, 0)):
            return start
    return -1


def _shown(text: str, source: str) -> str:
    return text if _is_written(text, source) else HIDDEN


def _is_written(text: str, source: str) -> bool:
    bare = _OWN_PREFIX.sub("", text.strip(_QUOTES))
    if not re.search(r"\w", bare) or len(bare) > _MAX_WORDS:
        return False
    return re.search(rf"(?<!\w){re.escape(bare)}(?!\w)", source) is not None
