"""The host library: pure functions with bounded input that scripts find under short names, such as ``text.slug``.

Every message raised here reaches the author of a script, so none carries more than what the script handed in.
"""

import base64
import hashlib
import re
import unicodedata
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from worker.sandbox import dates, randomness
from worker.sandbox.transliteration import to_ascii

MAX_TEXT: Final = 64 * 1024

_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")
_SPACE: Final = re.compile(r"\s+")
_WORD: Final = re.compile(r"[^\s\-']+")
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([0-9]{1,2}))?\}")
_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_ATTRIBUTE_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+")
_PARTICLES: Final = frozenset(
    re.split(" ", "af al av bin da de del den der di du el ibn la le ten ter van von y zu zum zur")
)


def norm(value: str) -> str:
    """Text for comparing: compatibility form, case folded, spaces collapsed."""
    return collapse_space(unicodedata.normalize("NFKC", _text(value)).casefold())


def ascii_text(value: str, language: str = "") -> str:
    """Text in ASCII: ä is ae, ø is oe, ł is l; ``language`` (such as tr, sv) where ö is o."""
    return to_ascii(_text(value), language=_text(language))


def slug(value: str, sep: str = "-", language: str = "") -> str:
    """Lower-case ASCII letters and digits, everything between them one ``sep``."""
    return _SEPARATORS.sub(" ", ascii_text(value, language).lower()).strip().replace(" ", _text(sep)[:8])


def truncate(value: str, length: int, suffix: str = "") -> str:
    """At most ``length`` characters; when cut, trailing spaces go and ``suffix`` (counted) is put at the end."""
    text, limit = _text(value), _number(length, 0, MAX_TEXT)
    if len(text) <= limit:
        return text
    return (text[: max(limit - len(suffix), 0)].rstrip() + suffix)[:limit]


def collapse_space(value: str) -> str:
    """Every run of white space one space, none at the ends."""
    return _SPACE.sub(" ", _text(value)).strip()


def title_name(value: str) -> str:
    """A person's name with capitals where names have them; words of mixed case and particles stay as they are."""
    text = collapse_space(value)

    def recase(match: re.Match[str]) -> str:
        word = match[0]
        if match.start() and word.lower() in _PARTICLES:
            return word.lower()
        return word.capitalize() if word.islower() or word.isupper() else word

    return _WORD.sub(recase, text)


def pad_left(value: str, length: int, fill: str = " ") -> str:
    """Filled up on the left to ``length`` characters."""
    return _text(value).rjust(_number(length, 0, MAX_TEXT), _one(fill))


def pad_right(value: str, length: int, fill: str = " ") -> str:
    """Filled up on the right to ``length`` characters."""
    return _text(value).ljust(_number(length, 0, MAX_TEXT), _one(fill))


def email_valid(value: Any) -> bool:
    """Whether this is one plain mail address (RFC 5321 sizes, dot-atom local part, host name with a dot)."""
    if not isinstance(value, str) or len(value) > 254:
        return False
    local, at, domain = value.rpartition("@")
    return bool(at) and len(local) <= 64 and bool(_LOCAL_PART.fullmatch(local)) and bool(_DOMAIN.fullmatch(domain))


def email_local(value: str) -> str:
    """What stands before the last @ (all of it when there is none)."""
    text = _text(value)
    return text.rpartition("@")[0] if "@" in text else text


def email_domain(value: str) -> str:
    """What stands after the last @, in lower case (empty when there is none)."""
    return _text(value).rpartition("@")[2].lower() if "@" in value else ""


def email_build(local: str, domain: str, language: str = "") -> str:
    """A valid address of ASCII letters, digits, single dots, hyphens and underscores; an error when nothing is left."""
    plain = re.sub(r"[^a-z0-9._-]+", "", re.sub(r"\s+", ".", ascii_text(local, language).strip().lower()))
    plain = re.sub(r"([._-])[._-]+", r"\1", plain)[:64].strip("._-")
    address = f"{plain}@{_text(domain).strip().lower()}"
    if not email_valid(address):
        raise ValueError("no valid mail address can be built from this")
    return address


def dn_escape(value: str) -> str:
    """An attribute value inside a distinguished name (RFC 4514, section 2.4)."""
    last = len(_text(value)) - 1

    def escape(index: int, char: str) -> str:
        if char == "\x00":
            return "\\00"
        is_special = char in '\\,+"<>;=' or (index == 0 and char in " #") or (index == last and char == " ")
        return "\\" + char if is_special else char

    return "".join(escape(index, char) for index, char in enumerate(value))


def dn_build(parts: Sequence[Sequence[str]], base: str = "") -> str:
    """A distinguished name of ``[type, value]`` pairs, leftmost first, under ``base`` (taken as it is)."""
    names = []
    for part in _few(parts, 32):
        kind, value = part if isinstance(part, list) and len(part) == 2 else ("", "")
        if not isinstance(kind, str) or not _ATTRIBUTE_TYPE.fullmatch(kind):
            raise ValueError('a part is a pair such as ["ou", "People"]')
        names.append(f"{kind}={dn_escape(value)}")
    return ",".join([*names, _text(base)] if base else names)


def filter_escape(value: str) -> str:
    """A value inside an LDAP search filter (RFC 4515, section 3)."""
    return "".join(f"\\{ord(char):02x}" if char in "*()\\\x00" else char for char in _text(value))


def sha256(value: str) -> str:
    """Hexadecimal SHA-256 of the text's UTF-8."""
    return hashlib.sha256(_text(value).encode()).hexdigest()


def uuid5(namespace: str, name: str) -> str:
    """The name-based UUID (RFC 9562, version 5) of ``name`` in the UUID ``namespace``."""
    return str(uuid.uuid5(uuid.UUID(_text(namespace)), _text(name)))


def base64_encode(value: str) -> str:
    """Base64 of the text's UTF-8."""
    return base64.b64encode(_text(value).encode()).decode()


def uuid4() -> str:
    """A random UUID (RFC 9562, version 4), the same in every try of an operation."""
    return str(uuid.UUID(bytes=randomness.draw(16), version=4))


def candidates(
    pattern: str, values: dict[str, Any], count: int = 20, length: int = 20, language: str = ""
) -> list[str]:
    """User names to try in turn: ``{given:1}{family}`` filled, then with 2, 3, ... at the end, each at most ``length``.

    Values are reduced to lower-case ASCII letters and digits; ``{name:n}`` takes the first n. Nothing left is an error.
    """
    limit = _number(length, 2, 256)

    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise ValueError(f"the pattern names {match[1][:40]!r}, which is not among the values")
        plain = slug(str(values[match[1]] or ""), "", language)
        return plain[: int(match[2])] if match[2] else plain

    first = _PLACEHOLDER.sub(fill, _text(pattern)).strip("._-")
    if not first:
        raise ValueError("the pattern leaves nothing of these values")
    numbers = [str(number) for number in range(2, _number(count, 1, 200) + 1)]
    return [first[:limit], *(first[: limit - len(number)] + number for number in numbers)]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"this takes a text, not {_KINDS.get(type(value), type(value).__name__)}")  # noqa: TRY004 - one class of message for authors
    if len(value) > MAX_TEXT:
        raise ValueError("the text is longer than 64 KiB")
    return value


_KINDS: Final = {
    type(None): "None",
    list: "a list",
    dict: "a dict",
    int: "a number",
    float: "a number",
    bool: "a boolean",
}


def _number(value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"the number must be between {low} and {high}")
    return value


def _one(value: str) -> str:
    if len(_text(value)) != 1:
        raise ValueError("the fill is one character")
    return value


def _few(values: Any, limit: int) -> list[Any]:
    if not isinstance(values, list) or len(values) > limit:
        raise ValueError(f"this takes a list of at most {limit}")
    return values


#: What scripts see: group (empty: no group) -> name -> function.
LIBRARY: Final[dict[str, dict[str, Callable[..., Any]]]] = {
    "text": {
        "norm": norm,
        "ascii": ascii_text,
        "slug": slug,
        "truncate": truncate,
        "collapse_space": collapse_space,
        "title_name": title_name,
        "pad_left": pad_left,
        "pad_right": pad_right,
    },
    "email": {"valid": email_valid, "local": email_local, "domain": email_domain, "build": email_build},
    "dn": {"escape": dn_escape, "build": dn_build},
    "ldap": {"filter_escape": filter_escape},
    "hash": {"sha256": sha256, "uuid5": uuid5, "base64": base64_encode},
    "rand": {"uuid4": uuid4},
    "username": {"candidates": candidates},
    "date": {
        "parse": dates.parse,
        "format": dates.form,
        "add": dates.add,
        "diff": dates.diff,
        "before": dates.before,
        "epoch": dates.epoch,
        "to_ad_filetime": dates.to_ad_filetime,
        "from_ad_filetime": dates.from_ad_filetime,
    },
}
#: Defined in prelude.star.
PRELUDE_NAMES: Final = ("print", "reject", "skip", "coalesce", "first_valid", "pick", "omit", "merge")
