"""Normalisers for many texts in one go: equal to those of ``normalize`` text by text, in a fraction of the time.

Texts are joined by line ends, rewritten as one and taken apart again, so that the work per sign is done by the
interpreter's own loops. A text with any but usual Latin letters goes the way of single texts.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from worker.correlation import normalize
from worker.correlation.normalize import NORMALISERS, TITLES
from worker.correlation.rules import SERVICE_PATTERN, SERVICE_WORDS

_USUAL = re.compile("[ -~\u00c0-\u024f]*")
_ALL_USUAL = re.compile("[\n -~\u00c0-\u024f]*")
#: All that usual letters leave beside themselves when taken apart.
_MARKS = re.compile("[\u0300-\u036f]+")
_NOT_NAME = re.compile(r"(?:(?!\n)[\W\d_])+")
_IN_BRACKETS = re.compile(r"\([^)\n]*\)|\[[^\]\n]*\]")
_NUMBER_PREFIX = re.compile(r"^[^0-9\n]*0*(?=[0-9])", re.MULTILINE)
_NOT_ALNUM = re.compile(r"(?:(?!\n)[\W_])+")
_NOT_DIGIT = re.compile(r"[^\d\n]+")

Many = Callable[[list[str]], list[str]]


def normalise_many(names: Sequence[str], texts: list[str]) -> list[str]:
    """What the normalisers of these names make of each text, one after the other."""
    for name in names:
        many = _MANY.get(name)
        texts = list(map(NORMALISERS[name], texts)) if many is None else _with_unusual(many, NORMALISERS[name], texts)
    return texts


def _with_unusual(many: Many, single: Callable[[str], str], texts: list[str]) -> list[str]:
    joined = "\n".join(texts)
    if joined.count("\n") == len(texts) - 1 and _ALL_USUAL.fullmatch(joined):
        return many(texts)
    unusual = {at: single(text) for at, text in enumerate(texts) if not _USUAL.fullmatch(text)}
    found = many(["" if at in unusual else text for at, text in enumerate(texts)])
    for at, text in unusual.items():
        found[at] = text
    return found


def each_line(rewrite: Callable[[str], str], texts: Sequence[str]) -> list[str]:
    """Each text rewritten; all as one, unless one of them has a line end itself (which ``rewrite`` keeps)."""
    joined = "\n".join(texts)
    if joined.count("\n") == len(texts) - 1:
        return rewrite(joined).split("\n")
    return [rewrite(text.replace("\n", " ")) for text in texts]


def matches_each(pattern: str, texts: Sequence[str]) -> list[bool]:
    """Which texts a pattern is found in, case ignored. The shipped pattern is looked for in all of them as one."""
    search = re.compile(pattern, re.IGNORECASE).search
    if pattern != SERVICE_PATTERN:
        return [search(text) is not None for text in texts]
    plain = [text if text.isascii() else "" for text in texts]
    ends = np.cumsum(np.fromiter(map(len, plain), dtype=np.int64, count=len(plain)) + 1)
    likely = np.searchsorted(ends, _places_of(SERVICE_WORDS, "\n".join(plain).lower()), side="right")
    chosen = {*likely.tolist(), *(place for place, text in enumerate(texts) if not text.isascii())}
    return [place in chosen and search(text) is not None for place, text in enumerate(texts)]


def _places_of(words: Iterable[str], text: str) -> list[int]:
    """Where any of these words is in a text."""
    found = []
    for word in words:
        at = text.find(word)
        while at >= 0:
            found.append(at)
            at = text.find(word, at + 1)
    return found


def _rewritten(rewrite: Callable[[str], str], texts: list[str]) -> list[str]:
    return rewrite("\n".join(texts)).split("\n") if texts else []


def _fold(texts: list[str]) -> list[str]:
    return [" ".join(text.split()) if " " in text else text for text in _folded_each(texts)]


def _folded_each(texts: list[str]) -> list[str]:
    """Few have accents, and taking letters apart costs ten times the rest."""
    accented = {at: text for at, text in enumerate(texts) if not text.isascii()}
    found = _rewritten(
        _folded, ["" if at in accented else text for at, text in enumerate(texts)] if accented else texts
    )
    for at, text in zip(accented, _rewritten(_folded, list(accented.values())), strict=True):
        found[at] = text
    return found


def _folded(joined: str) -> str:
    if joined.isascii():
        lowered = joined.lower()
    else:  # fold_case, for letters that have few marks
        lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFD", joined).casefold())
        for sign, plain in normalize.LETTERS.items():
            lowered = lowered.replace(chr(sign), str(plain))
        lowered = _MARKS.sub("", unicodedata.normalize("NFKD", lowered))
    return normalize.DIGRAPHS.sub(lambda found: found[0][0], lowered)


def _name(texts: list[str]) -> list[str]:
    bracketed = [at for at, text in enumerate(texts) if "(" in text or "[" in text]
    if bracketed:
        texts = texts.copy()
        without = _rewritten(lambda joined: _IN_BRACKETS.sub(" ", joined), [texts[at] for at in bracketed])
        for at, text in zip(bracketed, without, strict=True):
            texts[at] = text
    folded = _folded_each(_rewritten(lambda joined: normalize.APOSTROPHES.sub("", joined), texts))
    return list(map(_in_order, _rewritten(lambda joined: _NOT_NAME.sub(" ", joined), folded)))


def _in_order(text: str) -> str:
    tokens = text.split()
    if len(tokens) == 2 and tokens[0] != tokens[1] and not (tokens[0] in TITLES or tokens[1] in TITLES):
        return f"{tokens[0]} {tokens[1]}" if tokens[0] < tokens[1] else f"{tokens[1]} {tokens[0]}"
    found = set(tokens)
    return " ".join(sorted(found - TITLES or found))


def _login(texts: list[str]) -> list[str]:
    return _fold([text.rpartition("\\")[2].partition("@")[0] for text in texts])


def _email(texts: list[str]) -> list[str]:
    parts = [text.strip().lower().removeprefix("smtp:").rpartition("@") for text in texts]
    locals_ = _fold([normalize.PLUS_TAG.sub("", local) if "+" in local else local for local, _, _ in parts])
    return [
        f"{folded}@{domain}" if at and local and domain else ""
        for folded, (local, at, domain) in zip(locals_, parts, strict=True)
    ]


def _employee_number(texts: list[str]) -> list[str]:
    return _rewritten(lambda joined: _NOT_ALNUM.sub("", _NUMBER_PREFIX.sub("", joined)), _fold(texts))


def _digits(texts: list[str]) -> list[str]:
    found = _rewritten(lambda joined: _NOT_DIGIT.sub("", joined), texts)
    return [text[-normalize.PHONE_TAIL :] if len(text) >= normalize.MIN_PHONE else "" for text in found]


_MANY: dict[str, Many] = {
    "fold": _fold,
    "name": _name,
    "login": _login,
    "email": _email,
    "employee_number": _employee_number,
    "digits": _digits,
}
