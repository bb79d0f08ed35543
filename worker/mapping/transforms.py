"""The transforms of mapping rules: small pure functions named in a rule as ``name`` or ``name:argument``.

A transform of text works on each value of a list; a transform of lists sees all of them. No value (None) passes
through untouched, except where the table says otherwise. Text transforms see numbers and booleans as their text.
In an argument ``\\:`` stands for a colon and ``\\,`` for a comma.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

Apply = Callable[[Any], Any]

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
_SPACES = re.compile(r"\s+")
_NOT_DIGIT = re.compile(r"[^0-9]+")
_DAY_FORMS = ("%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d/%m/%Y")
_FILE_TIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_LONGEST = 10_000


class TransformError(ValueError):
    """A value that a transform cannot read. The message names no value: it is shown and stored."""


@dataclass(frozen=True, slots=True)
class Transform:
    """One row of the table: how the argument is called (None: takes none), and what is made of it."""

    make: Callable[[str], Apply]
    help: str
    argument: str | None = None
    on_list: bool = False
    on_none: bool = False


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


def as_text(value: Any) -> str:
    """How a number or a boolean reads as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _plain(function: Callable[[str], Any]) -> Callable[[str], Apply]:
    return lambda _argument: function


def _number(argument: str, *, least: int = 0) -> int:
    if not (argument.isascii() and argument.isdigit()) or not least <= int(argument) <= _LONGEST:
        raise ValueError(f"needs a whole number from {least} to {_LONGEST}")
    return int(argument)


def _parts(argument: str, separator: str) -> list[str]:
    """Split at the separators that no backslash stands before."""
    found = re.split(rf"(?<!\\){re.escape(separator)}", argument)
    return [part.replace(rf"\{separator}", separator) for part in found]


def _some(argument: str) -> str:
    if not argument:
        raise ValueError("needs a text behind the colon")
    return argument


def _replace(argument: str) -> Apply:
    parts = _parts(argument, ":")
    if len(parts) != 2 or not parts[0]:
        raise ValueError("needs the old and the new text: replace:OLD:NEW")
    old, new = parts
    return lambda text: text.replace(old, new)


def _pad(argument: str) -> Apply:
    width, _, char = argument.partition(":")
    size = _number(width, least=1)
    if len(char or "0") != 1:
        raise ValueError("needs a width and one character: pad_left:8:0")
    return lambda text: text.rjust(size, char or "0")


def _lookup(argument: str) -> Apply:
    pairs = [_parts(part, "=") for part in _parts(argument, ",")]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("needs pairs: map:OLD=NEW,OLD=NEW; a pair *=NEW is for all others")
    table = {old.strip(): new for old, new in pairs}
    other = table.pop("*", None)
    return lambda text: table.get(text, text if other is None else other)


def _substring(argument: str) -> Apply:
    start, separator, end = argument.partition(":")
    begin = _number(start)
    stop = _number(end) if separator else None
    return lambda text: text[begin:stop]


def _moment(text: str) -> tuple[datetime, bool]:
    """The moment a text names, and whether it names a day only. A time without offset is UTC."""
    stripped = text.strip()
    for form in _DAY_FORMS:
        try:
            return datetime.strptime(stripped, form).replace(tzinfo=UTC), True
        except ValueError:
            continue
    try:
        if re.fullmatch(r"\d{14}(\.\d+)?Z", stripped):
            return datetime.strptime(stripped[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC), False
        found = datetime.fromisoformat(stripped)
    except ValueError as error:
        raise TransformError("is not a date") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC), False


def _iso(moment: datetime, *, is_day: bool) -> str:
    return moment.date().isoformat() if is_day else moment.isoformat().replace("+00:00", "Z")


_DATE_FORMS: Mapping[str, Callable[[datetime, bool], Any]] = MappingProxyType(
    {
        "iso": lambda moment, is_day: _iso(moment, is_day=is_day),
        "day": lambda moment, _: moment.date().isoformat(),
        "german": lambda moment, _: moment.strftime("%d.%m.%Y"),
        "us": lambda moment, _: moment.strftime("%m/%d/%Y"),
        "compact": lambda moment, _: moment.strftime("%Y%m%d"),
        "generalized": lambda moment, _: moment.strftime("%Y%m%d%H%M%SZ"),
        "epoch": lambda moment, _: int(moment.timestamp()),
        "ad_filetime": lambda moment, _: (moment - _FILE_TIME_EPOCH) // timedelta(microseconds=1) * 10,
        "year": lambda moment, _: moment.year,
    }
)


def _date(argument: str) -> Apply:
    form = _DATE_FORMS.get(argument)
    if form is None:
        raise ValueError(f"knows the formats {', '.join(_DATE_FORMS)}{_suggest(argument, _DATE_FORMS)}")
    return lambda text: form(*_moment(text))


def _add_days(argument: str) -> Apply:
    count = _number(argument.removeprefix("-")) * (-1 if argument.startswith("-") else 1)

    def add(text: str) -> str:
        moment, is_day = _moment(text)
        try:
            return _iso(moment + timedelta(days=count), is_day=is_day)
        except OverflowError as error:
            raise TransformError("is a date out of range") from error

    return add


def _whole_number(text: str) -> int:
    try:
        return int(text.strip())
    except ValueError as error:
        raise TransformError("is not a whole number") from error


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in {"true", "yes", "y", "1", "on"}:
        return True
    if word in {"false", "no", "n", "0", "off", ""}:
        return False
    raise TransformError("is neither yes nor no")


def _title(text: str) -> str:
    """Capitals at the start of each word; unlike ``str.title`` not after an apostrophe (Anne's), but after O'."""
    return re.sub(r"(?:(?<=\bo['’])|(?<![\w'’]))\w", lambda found: found[0].upper(), text.lower())


def _with_text(combine: Callable[[str, Any], Any]) -> Callable[[str], Apply]:
    return lambda argument: partial(combine, _some(argument))


def _truncate(argument: str) -> Apply:
    size = _number(argument, least=1)
    return lambda text: text[:size]


def _text_of_list(separator: str) -> Apply:
    return lambda values: separator.join(as_text(value) for value in values)


def _items(argument: str) -> Apply:
    separator = _some(argument)
    return lambda text: [part.strip() for part in text.split(separator) if part.strip()]


_TRANSFORMS: dict[str, Transform] = {
    "lower": Transform(_plain(str.lower), "Lower case."),
    "upper": Transform(_plain(str.upper), "Upper case."),
    "title": Transform(_plain(_title), "Capitals at the start of words."),
    "trim": Transform(_plain(str.strip), "No blanks at either end."),
    "collapse_space": Transform(_plain(lambda text: _SPACES.sub(" ", text).strip()), "One blank between words."),
    "ascii": Transform(_plain(to_ascii), "Plain letters for accented ones: ü becomes ue, as text.ascii in scripts."),
    "ascii_bare": Transform(_plain(to_bare_ascii), "Plain letters without their marks: ü becomes u."),
    "slug": Transform(_plain(slug), "Lower-case letters, digits and hyphens."),
    "digits": Transform(_plain(lambda text: _NOT_DIGIT.sub("", text)), "Digits only."),
    "local_part": Transform(_plain(lambda text: text.partition("@")[0]), "What stands before the @."),
    "domain": Transform(_plain(lambda text: text.rpartition("@")[2] if "@" in text else None), "What stands behind @."),
    "number": Transform(_plain(_whole_number), "A whole number instead of its text."),
    "boolean": Transform(_plain(_boolean), "True or false for yes and no, 1 and 0, true and false."),
    "text": Transform(_plain(str), "Text instead of a number or a boolean."),
    "truncate": Transform(_truncate, "At most N characters.", "N"),
    "substring": Transform(_substring, "Characters from START, counted from 0, to before END.", "START:END"),
    "pad_left": Transform(_pad, "Filled up at the left to a width.", "WIDTH:CHARACTER"),
    "prefix": Transform(_with_text(lambda head, text: head + text), "TEXT before the value.", "TEXT"),
    "suffix": Transform(_with_text(lambda tail, text: text + tail), "TEXT behind the value.", "TEXT"),
    "strip_prefix": Transform(_with_text(lambda head, text: text.removeprefix(head)), "No TEXT at the start.", "TEXT"),
    "strip_suffix": Transform(_with_text(lambda tail, text: text.removesuffix(tail)), "No TEXT at the end.", "TEXT"),
    "replace": Transform(_replace, "Every OLD replaced by NEW.", "OLD:NEW"),
    "map": Transform(_lookup, "A value of a small table; *=NEW is for all others.", "OLD=NEW,OLD=NEW"),
    "date": Transform(_date, f"A date written as {', '.join(_DATE_FORMS)}.", "FORMAT"),
    "add_days": Transform(_add_days, "A date some days later, or earlier with a minus.", "N"),
    "split": Transform(_items, "The parts of a text as several values.", "SEPARATOR"),
    "default": Transform(
        _with_text(lambda other, value: other if value in (None, "", []) else value),
        "TEXT where there is no value.",
        "TEXT",
        on_none=True,
    ),
    "first": Transform(_plain(lambda values: values[0] if values else None), "The first of several.", on_list=True),
    "last": Transform(_plain(lambda values: values[-1] if values else None), "The last of several.", on_list=True),
    "sort": Transform(_plain(lambda values: sorted(values, key=as_text)), "Several values in order.", on_list=True),
    "unique": Transform(_plain(lambda values: list(dict.fromkeys(values))), "Each value once.", on_list=True),
    "join": Transform(_text_of_list, "Several values as one text.", "SEPARATOR", on_list=True),
}

TRANSFORMS: Mapping[str, Transform] = MappingProxyType(_TRANSFORMS)


@lru_cache(maxsize=4_096)
def compile_transform(text: str) -> Apply:
    """The function behind ``name`` or ``name:argument``. Raises ValueError that says what is wrong with the text.

    The function raises TransformError for a value it cannot read.
    """
    name, colon, argument = text.partition(":")
    spec = TRANSFORMS.get(name)
    if spec is None:
        raise ValueError(f"there is no transform {name!r}{_suggest(name, TRANSFORMS)}")
    if colon and spec.argument is None:
        raise ValueError(f"{name} takes no argument")
    if not colon and spec.argument is not None:
        raise ValueError(f"{name} needs an argument: {name}:{spec.argument}")
    try:
        apply = spec.make(argument)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
    return _lifted(apply, spec)


def _lifted(apply: Apply, spec: Transform) -> Apply:
    """The transform of one text as one of whatever a rule may hold."""
    if spec.on_list:
        return lambda value: None if value is None else apply(value if isinstance(value, list) else [value])
    if spec.on_none:
        return apply

    def on_each(value: Any) -> Any:
        if value.__class__ is str:
            return apply(value)
        if isinstance(value, list):
            return [apply(as_text(item)) for item in value if item is not None]
        return None if value is None else apply(as_text(value))

    return on_each


def _suggest(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
