"""Transforms of text."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from worker.mapping.letters import slug, to_ascii, to_bare_ascii
from worker.mapping.spec import (
    MOST_MADE,
    Apply,
    Example,
    Transform,
    TransformError,
    parts_of,
    plain,
    refuse_longer,
    signed_number,
    some_text,
    suggest,
    whole_number,
    with_text,
)
from worker.sandbox import alpha2, alpha3, country_name, e164, national

_SPACES = re.compile(r"\s+")
_NOT_DIGIT = re.compile(r"[^0-9]+")
_NOT_LETTER = re.compile(r"[\W\d_]+")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_WORD = re.compile(r"[^\s\-'’]+|[\s\-'’]+")
#: Words within a family name that are written small, unless they begin it.
_PARTICLES = frozenset(
    {
        *("af", "av", "da", "das", "de", "del", "della", "der", "des", "di", "do", "dos", "du", "el", "la", "le"),
        *("ten", "ter", "van", "vom", "von", "y", "zu", "zum", "zur"),
    }
)
_GAELIC = re.compile(r"(mc)([a-z]{2,})", re.IGNORECASE)
_SOME_NUMBER = "+4930901820"
_LONGEST_COUNTRY = 200
#: What RFC 4514 (2.4) wants escaped anywhere in a value of a distinguished name.
_DN_SPECIAL = re.compile(r'[",+;<>\\=\x00]')


def _replace(argument: str) -> Apply:
    parts = parts_of(argument, ":")
    if len(parts) != 2 or not parts[0]:
        raise ValueError("needs the old and the new text: replace:OLD:NEW")
    old, new = parts

    def replaced(text: str) -> str:
        refuse_longer(text.count(old) * len(new), MOST_MADE)
        return text.replace(old, new)

    return replaced


def _replace_all(argument: str) -> Apply:
    pairs = [parts_of(part, "=") for part in parts_of(argument, ",")]
    if any(len(pair) != 2 or not pair[0] for pair in pairs):
        raise ValueError("needs pairs: replace_all:OLD=NEW,OLD=NEW")
    table = dict(pairs)
    found = re.compile("|".join(re.escape(old) for old in sorted(table, key=len, reverse=True)))
    longest = max(map(len, table.values()))

    def replaced(text: str) -> str:
        if len(text) * longest > MOST_MADE:
            refuse_longer(sum(len(table[match[0]]) for match in found.finditer(text)), MOST_MADE)
        return found.sub(lambda match: table[match[0]], text)

    return replaced


def _padded(name: str, fill: Callable[[str, int, str], str]) -> Callable[[str], Apply]:
    def make(argument: str) -> Apply:
        width, _, char = argument.partition(":")
        size = whole_number(width, least=1)
        if len(char or "0") != 1:
            raise ValueError(f"needs a width and one character: {name}:8:0")
        return lambda text: fill(text, size, char or "0")

    return make


def _lookup(argument: str) -> Apply:
    pairs = [parts_of(part, "=") for part in parts_of(argument, ",")]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("needs pairs: map:OLD=NEW,OLD=NEW; a pair *=NEW is for all others")
    table = {old.strip(): new for old, new in pairs}
    other = table.pop("*", None)
    return lambda text: table.get(text, text if other is None else other)


def _substring(argument: str) -> Apply:
    start, separator, end = argument.partition(":")
    begin = signed_number(start)
    stop = signed_number(end) if separator and end else None
    return lambda text: text[begin:stop]


def _truncate(argument: str) -> Apply:
    size = whole_number(argument, least=1)
    return lambda text: text[:size]


def _part(argument: str) -> Apply:
    separator, _, place = argument.rpartition(":")
    if not separator:
        raise ValueError("needs the separator and a place: part:@:0, counted from 0 or, with a minus, from the end")
    index = signed_number(place)

    def part(text: str) -> str | None:
        found = text.split(separator)
        return found[index].strip() if -len(found) <= index < len(found) else None

    return part


def _items(argument: str) -> Apply:
    separator = some_text(argument)
    return lambda text: [part.strip() for part in text.split(separator) if part.strip()]


def _before(mark: str, text: str) -> str:
    return text.partition(mark)[0]


def _after(mark: str, text: str) -> str | None:
    _, found, rest = text.partition(mark)
    return rest if found else None


def _title(text: str) -> str:
    """Capitals at the start of each word; unlike ``str.title`` not after an apostrophe (Anne's), but after O'."""
    return re.sub(r"(?:(?<=\bo['’])|(?<![\w'’]))\w", lambda found: found[0].upper(), text.lower())


def _name(text: str) -> str:
    """A person's name as it is usually written."""
    words = _WORD.findall(_SPACES.sub(" ", text).strip().lower())
    shown = [
        word
        if at and word in _PARTICLES
        else _GAELIC.sub(lambda m: "Mc" + m[2].capitalize(), word[:1].upper() + word[1:])
        for at, word in enumerate(words)
    ]
    return "".join(shown)


def _initial(text: str) -> str | None:
    return text.strip()[:1] or None


def _initials(text: str) -> str | None:
    return "".join(word[0] for word in re.split(r"[\s\-]+", text.strip()) if word) or None


def _dn_value(text: str) -> str:
    """A text as a value within a distinguished name (RFC 4514, 2.4)."""
    escaped = _DN_SPECIAL.sub(lambda found: r"\00" if found[0] == "\0" else "\\" + found[0], text)
    if escaped.startswith(("#", " ")):
        escaped = "\\" + escaped
    return escaped[:-1] + r"\ " if escaped.endswith(" ") and len(text) > 1 else escaped


def _phone(write: Callable[[str, str], str]) -> Callable[[str], Apply]:
    """A transform by the library of phone numbers; its argument is the country of numbers without a plus."""

    def make(argument: str) -> Apply:
        if not re.fullmatch(r"[A-Za-z]{2}", argument):
            raise ValueError("needs the two-letter code of a country: phone:DE")
        region = argument.upper()
        write(_SOME_NUMBER, region)  # whether there is such a country

        def written(text: str) -> str:
            try:
                return write(text, region)
            except ValueError as error:
                raise TransformError("is not a phone number") from error

        return written

    return make


_COUNTRY_FORMS: Mapping[str, Callable[[Any], str | None]] = MappingProxyType(
    {"alpha2": alpha2, "alpha3": alpha3, "name": country_name}
)


def _country(argument: str) -> Apply:
    form = _COUNTRY_FORMS.get(argument)
    if form is None:
        raise ValueError(f"knows the forms {', '.join(_COUNTRY_FORMS)}{suggest(argument, _COUNTRY_FORMS)}")

    def written(text: str) -> str:
        found = form(text) if len(text) <= _LONGEST_COUNTRY else None
        if found is None:
            raise TransformError("is not a country")
        return found

    return written


def _to_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise TransformError("is not text in base64") from error


def _row(
    make: Callable[[str], Apply], help_: str, example: tuple[str, Any, Any], argument: str | None = None
) -> Transform:
    return Transform(make, help_, Example(*example), argument)


TEXT_TRANSFORMS = MappingProxyType(
    {
        "lower": _row(plain(str.lower), "Lower case.", ("lower", "Müller", "müller")),
        "upper": _row(plain(str.upper), "Upper case.", ("upper", "Müller", "MÜLLER")),
        "title": _row(plain(_title), "Capitals at the start of words.", ("title", "ANNE O'NEILL", "Anne O'Neill")),
        "name": _row(
            plain(_name),
            "A person's name as it is usually written: small particles, capitals behind hyphens, O' and Mc.",
            ("name", "LUDWIG VAN MCDONALD-O'NEILL", "Ludwig van McDonald-O'Neill"),
        ),
        "trim": _row(plain(str.strip), "No blanks at either end.", ("trim", " a b ", "a b")),
        "collapse_space": _row(
            plain(lambda text: _SPACES.sub(" ", text).strip()),
            "One blank between words.",
            ("collapse_space", "a \t b", "a b"),
        ),
        "ascii": _row(
            plain(to_ascii),
            "Plain letters for accented ones: ü becomes ue, as text.ascii in scripts.",
            ("ascii", "Müßig", "Muessig"),
        ),
        "ascii_bare": _row(
            plain(to_bare_ascii), "Plain letters without their marks: ü becomes u.", ("ascii_bare", "Jürgen", "Jurgen")
        ),
        "slug": _row(
            plain(slug), "Lower-case letters, digits and hyphens.", ("slug", "Forschung & Köln", "forschung-koeln")
        ),
        "digits": _row(
            plain(lambda text: _NOT_DIGIT.sub("", text)), "Digits only.", ("digits", "+49 (30) 12-3", "4930123")
        ),
        "letters": _row(
            plain(lambda text: _NOT_LETTER.sub("", text)), "Letters only.", ("letters", "O'Neill 2", "ONeill")
        ),
        "alphanumeric": _row(
            plain(lambda text: _NOT_ALPHANUMERIC.sub("", text)),
            "Letters and digits only.",
            ("alphanumeric", "AB-12 c", "AB12c"),
        ),
        "initial": _row(plain(_initial), "The first letter.", ("initial", "Anna", "A")),
        "initials": _row(plain(_initials), "The first letter of each word.", ("initials", "Anna-Lena Maria", "ALM")),
        "local_part": _row(
            plain(lambda text: text.partition("@")[0]), "What stands before the @.", ("local_part", "a.b@c.de", "a.b")
        ),
        "domain": _row(
            plain(lambda text: text.rpartition("@")[2] if "@" in text else None),
            "What stands behind the @.",
            ("domain", "a.b@c.de", "c.de"),
        ),
        "before": _row(
            with_text(_before), "What stands before the first TEXT.", ("before:-", "4711-7", "4711"), "TEXT"
        ),
        "after": _row(
            with_text(_after),
            "What stands behind the first TEXT; no value where it is not there.",
            ("after:-", "4711-7", "7"),
            "TEXT",
        ),
        "part": _row(
            _part,
            "One part of a text, counted from 0 or, with a minus, from the end; no value where there are fewer.",
            ("part:/:-1", "Europe/Germany/Köln", "Köln"),
            "SEPARATOR:PLACE",
        ),
        "truncate": _row(_truncate, "At most N characters.", ("truncate:3", "abcdef", "abc"), "N"),
        "substring": _row(
            _substring,
            "Characters from START, counted from 0, to before END; a minus counts from the end.",
            ("substring:1:-1", "abcd", "bc"),
            "START:END",
        ),
        "pad_left": _row(
            _padded("pad_left", str.rjust),
            "Filled up at the left to a width.",
            ("pad_left:6:0", "42", "000042"),
            "WIDTH:CHARACTER",
        ),
        "pad_right": _row(
            _padded("pad_right", str.ljust),
            "Filled up at the right to a width.",
            ("pad_right:4:x", "ab", "abxx"),
            "WIDTH:CHARACTER",
        ),
        "prefix": _row(
            with_text(lambda head, text: head + text), "TEXT before the value.", ("prefix:E-", "7", "E-7"), "TEXT"
        ),
        "suffix": _row(
            with_text(lambda tail, text: text + tail),
            "TEXT behind the value.",
            ("suffix:@x.de", "a", "a@x.de"),
            "TEXT",
        ),
        "strip_prefix": _row(
            with_text(lambda head, text: text.removeprefix(head)),
            "No TEXT at the start.",
            ("strip_prefix:E-", "E-7", "7"),
            "TEXT",
        ),
        "strip_suffix": _row(
            with_text(lambda tail, text: text.removesuffix(tail)),
            "No TEXT at the end.",
            ("strip_suffix:.old", "a.old", "a"),
            "TEXT",
        ),
        "replace": _row(_replace, "Every OLD replaced by NEW.", ("replace:a:b", "banana", "bbnbnb"), "OLD:NEW"),
        "replace_all": _row(
            _replace_all,
            "Every OLD of several replaced by its NEW, in one pass.",
            ("replace_all:a=b,b=a", "abba", "baab"),
            "OLD=NEW,OLD=NEW",
        ),
        "map": _row(
            _lookup,
            "A value of a small table; *=NEW is for all others, without it they stay.",
            ("map:A=active,*=gone", "L", "gone"),
            "OLD=NEW,OLD=NEW",
        ),
        "split": _row(
            _items, "The parts of a text as several values.", ("split:;", "a; b;;c", ["a", "b", "c"]), "SEPARATOR"
        ),
        "phone": _row(
            _phone(e164),
            "A phone number as + and digits (E.164); COUNTRY is that of numbers without a plus.",
            ("phone:DE", "030 / 901 82-0", "+4930901820"),
            "COUNTRY",
        ),
        "phone_national": _row(
            _phone(national),
            "A phone number as it is dialled within its country.",
            ("phone_national:DE", "+4930901820", "030 901820"),
            "COUNTRY",
        ),
        "country": _row(
            _country,
            f"A country, by code or name, as its {', '.join(_COUNTRY_FORMS)} (ISO 3166-1).",
            ("country:alpha2", "Deutschland", "DE"),
            "FORM",
        ),
        "dn_escape": _row(
            plain(_dn_value),
            "A text made fit to stand in a distinguished name (RFC 4514).",
            ("dn_escape", "Meier, Anna", r"Meier\, Anna"),
        ),
        "base64_encode": _row(plain(_to_base64), "Text as base64 (of UTF-8).", ("base64_encode", "ä", "w6Q=")),
        "base64_decode": _row(plain(_from_base64), "The text that base64 stands for.", ("base64_decode", "w6Q=", "ä")),
    }
)
