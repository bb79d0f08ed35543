"""Text: comparing, shortening, filling, and writing it in ASCII."""

import re
from typing import Any, Final

from worker.sandbox.library.arguments import MAX_TEXT, bounded, dict_of, kind_of, number_of, text_of
from worker.sandbox.library.transliteration import normalized, scripts_of, to_ascii

_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")
_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)(?::([0-9]{1,3}))?\}")
_MOST_COMPARED: Final = 256


def norm(value: str) -> str:
    """Text for comparing: compatibility form (NFKC), case folded, spaces collapsed.

    >>> text.norm("  STRASSE  8 ") == text.norm("Straße 8")
    true
    """
    return collapse_space(normalized(text_of(value), form="NFKC").casefold())


def ascii(value: str, language: str = "", strict: bool = False) -> str:  # noqa: A001 - names that scripts see
    """Text in ASCII, as a name would be spelled in a passport or a mail address.

    Without a ``language`` ä is ae, ø is oe, å is aa, ß is ss, ł is l; Russian, Greek, Turkish and Vietnamese letters
    and Korean syllables have a spelling too (ICAO 9303 and the national rules). ``language`` (de, sv, tr, uk, bg, ...;
    also sv-SE) takes that language's spelling: Swedish ä is a, Ukrainian г is h, Bulgarian щ is sht; one that is not
    known is an error. Letters of other scripts are spelled letter by letter, which is a guess: Han characters by their
    Mandarin reading, Arabic and Hebrew without vowels. ``strict`` makes such a letter an error that names the script,
    and so does the language ja for Han characters, since only its owner knows how a Japanese name is read: take a
    romanised attribute then. What is no letter and no digit (emoji, symbols) is left out.

    >>> text.ascii("Jörg Müßig")
    "Joerg Muessig"
    >>> text.ascii("Åsa Öberg", language = "sv")
    "Asa Oberg"
    >>> text.ascii("Nguyễn Văn Đức")
    "Nguyen Van Duc"
    >>> text.ascii("李小龙")
    "LiXiaoLong"
    >>> text.ascii("李小龙", strict = True)
    error: no spelling of Han letters is certain; use a romanised attribute, or leave strict out
    """
    return bounded(to_ascii(text_of(value), language=text_of(language, limit=35), is_strict=strict is True))


def slug(value: str, sep: str = "-", language: str = "") -> str:
    """Lower-case ASCII letters and digits, all between them one ``sep`` (at most 8 characters), none at the ends.

    ``language`` as for ``text.ascii``. A text without letters and digits becomes empty.

    >>> text.slug("Müller & Söhne GmbH")
    "mueller-soehne-gmbh"
    >>> text.slug("Anna Lena", sep = ".")
    "anna.lena"
    """
    return _SEPARATORS.sub(" ", ascii(value, language).lower()).strip().replace(" ", text_of(sep)[:8])


def scripts(value: str) -> list[str]:
    """The scripts a text is written in, sorted: Latin, Cyrillic, Greek, Han, Hangul, Hiragana, Katakana, Arabic, ...

    Only letters count.

    >>> text.scripts("李 Bruce-7")
    ["Han", "Latin"]
    """
    return scripts_of(text_of(value))


def truncate(value: str, length: int, suffix: str = "") -> str:
    """At most ``length`` characters; when cut, trailing spaces go and ``suffix`` (counted) is put at the end.

    >>> text.truncate("Research and Development", 11, suffix = "…")
    "Research a…"
    """
    text, limit, end = text_of(value), number_of(length, 0, MAX_TEXT), text_of(suffix)
    if len(text) <= limit:
        return text
    return (text[: max(limit - len(end), 0)].rstrip() + end)[:limit]


def collapse_space(value: str) -> str:
    """Every run of white space one space, none at the ends.

    >>> text.collapse_space("  Anna   Lena ")
    "Anna Lena"
    """
    return " ".join(text_of(value).split())


def pad_left(value: str, length: int, fill: str = " ") -> str:
    """Filled up on the left to ``length`` characters with the one character ``fill``.

    >>> text.pad_left("42", 6, fill = "0")
    "000042"
    """
    return text_of(value).rjust(number_of(length, 0, MAX_TEXT), _one(fill))


def pad_right(value: str, length: int, fill: str = " ") -> str:
    """Filled up on the right to ``length`` characters with the one character ``fill``.

    >>> text.pad_right("ab", 4, fill = ".")
    "ab.."
    """
    return text_of(value).ljust(number_of(length, 0, MAX_TEXT), _one(fill))


def template(pattern: str, values: dict[str, Any]) -> str:
    """``pattern`` with every ``{name}`` replaced by that value, ``{name:3}`` by its first 3 characters.

    Numbers and booleans are written as text, None as nothing; ``{{`` and ``}}`` are braces. A name that is not among
    the values, and a value that is a list or dict, is an error.

    >>> text.template("{family}, {given:1}. ({room})", {"family": "Ek", "given": "Anna", "room": 7})
    "Ek, A. (7)"
    >>> text.template("{nick}", {"given": "Anna"})
    error: the pattern names 'nick', which is not among the values
    """
    given = dict_of(values)
    room = MAX_TEXT

    def fill(match: re.Match[str]) -> str:
        nonlocal room
        if not match[1]:
            return match[0][0]
        if match[1] not in given:
            raise ValueError(f"the pattern names {match[1][:40]!r}, which is not among the values")
        filled = as_text(given[match[1]])[: int(match[2]) if match[2] else None]
        room -= len(filled)  # checked on the way: a short pattern could name a long value thousands of times
        if room < 0:
            raise ValueError("the result is longer than 64 KiB")
        return filled

    return bounded(_PLACEHOLDER.sub(fill, text_of(pattern)))


def similarity(first: str, second: str) -> float:
    """How alike two names are, from 0.0 to 1.0 (Jaro-Winkler, after ``text.norm``); each at most 256 characters.

    >>> text.similarity("Martha", "MARHTA")
    0.9611
    >>> text.similarity("Jon", "Pia")
    0.0
    """
    one, other = norm(text_of(first, limit=_MOST_COMPARED)), norm(text_of(second, limit=_MOST_COMPARED))
    score = _jaro(one, other)
    prefix = 0
    for a, b in zip(one[:4], other[:4], strict=False):
        if a != b:
            break
        prefix += 1
    return round(score + prefix * 0.1 * (1 - score), 4)


def as_text(value: Any) -> str:
    """How a value reads within a text: None is empty. Raises ValueError for lists and dicts."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _digits(value)
        case _:
            raise ValueError(f"a value within a text is a text or a number, not {kind_of(value)}")


def _digits(value: float) -> str:
    if isinstance(value, int) and value.bit_length() > 64:
        raise ValueError("the number does not fit 64 bits")
    return str(value)


def _one(value: str) -> str:
    if len(text_of(value)) != 1:
        raise ValueError("the fill is one character")
    return value


def _jaro(one: str, other: str) -> float:
    """Jaro's share of letters that both have at nearly the same place, less those that changed places."""
    if one == other:
        return 1.0
    reach = max(max(len(one), len(other)) // 2 - 1, 0)
    taken = [False] * len(other)
    matched = []
    for place, char in enumerate(one):
        for near in range(max(place - reach, 0), min(place + reach + 1, len(other))):
            if not taken[near] and other[near] == char:
                taken[near] = True
                matched.append(char)
                break
    if not matched:
        return 0.0
    facing = [char for char, is_taken in zip(other, taken, strict=True) if is_taken]
    moved = sum(a != b for a, b in zip(matched, facing, strict=True)) / 2
    count = len(matched)
    return (count / len(one) + count / len(other) + (count - moved) / count) / 3
