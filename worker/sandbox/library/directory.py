"""Distinguished names (RFC 4514) and search filters (RFC 4515) of LDAP directories."""

import re
from typing import Any, Final

from worker.sandbox.library.arguments import bounded, list_of, text_of

_ATTRIBUTE_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+")
#: One character of a value: a pair, an escaped byte, or any that needs no escape. A type ends at its equals sign.
_PART: Final = re.compile(r" *([A-Za-z0-9.-]{1,128}) *= *")
_SPECIAL: Final = frozenset('"+,;<>\\')
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_MOST_PARTS: Final = 32
_PAIR: Final = 'a part is a pair such as ["ou", "People"]'
_NO_NAME: Final = "this is no distinguished name"


def escape(value: str) -> str:
    r"""An attribute value, escaped for its place inside a distinguished name (RFC 4514, section 2.4).

    >>> dn.escape("Müller, Jörg")
    "Müller\\, Jörg"
    >>> dn.escape(" #1")
    "\\ #1"
    """
    last = len(text_of(value)) - 1

    def escaped(index: int, char: str) -> str:
        if char == "\x00":
            return "\\00"
        is_special = char in '\\,+"<>;=' or (index == 0 and char in " #") or (index == last and char == " ")
        return "\\" + char if is_special else char

    return bounded("".join(escaped(index, char) for index, char in enumerate(value)))


def build(parts: list[list[str]], base: str = "") -> str:
    r"""A distinguished name of ``[type, value]`` pairs, leftmost first, under ``base`` (taken as it is).

    Values are escaped. A longer list, ``[type, value, type, value]``, is a part of several values, joined by +. At most
    32 parts.

    >>> dn.build([["cn", "Müller, Jörg"], ["ou", "R+D"]], base = "dc=example,dc=org")
    "cn=Müller\\, Jörg,ou=R\\+D,dc=example,dc=org"
    """
    names = []
    for part in list_of(parts, _MOST_PARTS):
        if not isinstance(part, list) or len(part) % 2 or not 2 <= len(part) <= 8:
            raise ValueError(_PAIR)
        names.append("+".join(_assertion(kind, value) for kind, value in zip(part[::2], part[1::2], strict=True)))
    return bounded(",".join([*names, text_of(base)] if base else names))


def parse(name: str) -> list[list[str]]:
    r"""The parts of a distinguished name, leftmost first, as ``dn.build`` takes them: types as written, values
    unescaped.

    A part of several values (joined by +) is one longer list: type, value, type, value. Values in hexadecimal form
    (#04...) cannot be read; that, and text that is no distinguished name, is an error.

    >>> dn.parse("cn=Müller\\, Jörg,ou=People,dc=example")
    [["cn", "Müller, Jörg"], ["ou", "People"], ["dc", "example"]]
    >>> dn.parse("")
    []
    """
    text = text_of(name)
    if not text.strip():
        return []
    return [part for part, _ in _read(text)]


def parent(name: str) -> str:
    r"""The distinguished name above this one, as it is written; empty above a name of one part.

    >>> dn.parent("cn=Müller\\, Jörg,ou=People,dc=example")
    "ou=People,dc=example"
    """
    text = text_of(name)
    parts = _read(text)
    if len(parts) < 2:
        return ""
    rest = text[parts[1][1] :].lstrip(" ")
    bare = rest.rstrip(" ")
    escapes = len(bare) - len(bare.rstrip("\\"))
    return rest[: len(bare) + escapes % 2]  # an escaped blank at the end is the value's


def filter_escape(value: str) -> str:
    r"""A value, escaped for its place inside an LDAP search filter (RFC 4515, section 3).

    >>> "(cn=" + ldap.filter_escape("a*(b)") + ")"
    "(cn=a\\2a\\28b\\29)"
    """
    return bounded("".join(f"\\{ord(char):02x}" if char in "*()\\\x00" else char for char in text_of(value)))


def _assertion(kind: Any, value: Any) -> str:
    if not isinstance(kind, str) or not _ATTRIBUTE_TYPE.fullmatch(kind) or not isinstance(value, str):
        raise ValueError(_PAIR)
    return f"{kind}={escape(value)}"


def _read(text: str) -> list[tuple[list[str], int]]:
    """Each part and where it starts."""
    parts: list[tuple[list[str], int]] = []
    place, follows = 0, ","
    while follows:
        found = _PART.match(text, place)
        if found is None or not _ATTRIBUTE_TYPE.fullmatch(found[1]):
            raise ValueError(_NO_NAME)
        if follows == ",":
            if len(parts) == _MOST_PARTS:
                raise ValueError(f"a distinguished name has at most {_MOST_PARTS} parts")
            parts.append(([], place))
        value, end = _value(text, found.end())
        parts[-1][0].extend((found[1], value))
        follows, place = text[end : end + 1], end + 1
    return parts


def _value(text: str, place: int) -> tuple[str, int]:
    """A value from ``place`` on, unescaped, and where the comma or plus sign after it stands (or the text ends)."""
    if text[place : place + 1] == "#":
        raise ValueError("a value in hexadecimal form cannot be read")
    raw = bytearray()
    kept = 0  # bytes up to which no blank is trimmed: escaped ones belong to the value
    while place < len(text) and text[place] not in ",+":
        char = text[place]
        if char == "\\":
            taken, place = _pair(text, place)
            raw += taken
            kept = len(raw)
        elif char in _SPECIAL or char == "\x00":
            raise ValueError(_NO_NAME)
        else:
            raw += char.encode()
            place += 1
    while len(raw) > kept and raw.endswith(b" "):
        raw.pop()
    try:
        return raw.decode(), place
    except UnicodeDecodeError:
        raise ValueError("a value is not UTF-8") from None


def _pair(text: str, place: int) -> tuple[bytes, int]:
    """What an escape at ``place`` stands for, and the place after it."""
    digits = text[place + 1 : place + 3]
    if len(digits) == 2 and set(digits) <= _HEX:
        return bytes.fromhex(digits), place + 3
    if digits[:1] and (digits[0] in _SPECIAL or digits[0] in " #="):
        return digits[0].encode(), place + 2
    raise ValueError(_NO_NAME)
