"""Names and values as LDAP writes them (RFC 4514), without I/O."""

import re
from collections.abc import Mapping
from typing import Any

from worker.domain.errors import InvalidAttributes

#: An attribute description (RFC 4512 2.5): what is not one gets nowhere near a request.
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*(;[A-Za-z0-9-]+)*")
_DN_SPECIAL = frozenset('",+<>;\\=')
_ESCAPED = re.compile(rb"\\(?:([0-9A-Fa-f]{2})|(.))", re.DOTALL)


def check_attribute(name: str) -> str:
    """The name, if LDAP could have it."""
    if not _ATTRIBUTE.fullmatch(name):
        raise InvalidAttributes("An attribute's name is not one of LDAP.", attribute=name)
    return name


def rdn(attribute: str, value: str) -> str:
    """One attribute and value as a relative distinguished name, with everything escaped that a DN would read."""
    escaped = "".join(f"\\{char}" if char in _DN_SPECIAL else _hex_if_control(char) for char in value)
    if escaped[:1] in {"#", " "}:
        escaped = f"\\{escaped}"
    if len(value) > 1 and value.endswith(" "):
        escaped = f"{escaped[:-1]}\\ "
    return f"{attribute}={escaped}"


def rdn_value(dn: str) -> str:
    """The first value of a DN's first part, with its escapes taken out."""
    first = dn[: _end_of_part(dn, ",+")].partition("=")[2]
    raw = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]) if found[1] else found[2], first.encode())
    return raw.decode(errors="replace")


def parent_of(dn: str) -> str:
    """The name of the entry above."""
    return dn[_end_of_part(dn, ",") + 1 :].lstrip()


def _end_of_part(dn: str, ends: str) -> int:
    is_escaped = False
    for place, char in enumerate(dn):
        if char in ends and not is_escaped:
            return place
        is_escaped = char == "\\" and not is_escaped
    return len(dn)


def _hex_if_control(char: str) -> str:
    return f"\\{ord(char):02x}" if char < " " or char == "\x7f" else char


def to_values(name: str, value: Any) -> list[bytes]:
    """The values of an attribute on the wire; None and the empty list are no values."""
    items = value if isinstance(value, list) else [value]
    return [_to_bytes(name, item) for item in items if item is not None]


def _to_bytes(name: str, value: Any) -> bytes:
    if isinstance(value, bool):
        return b"TRUE" if value else b"FALSE"
    if isinstance(value, str | int | float):
        return str(value).encode()
    raise InvalidAttributes(f"{name} takes text, numbers and booleans.", attribute=name)


def from_values(values: list[bytes], *, as_list: bool) -> Any:
    """What an attribute holds: one value as it is, several as a list; what is not text is left out (None)."""
    texts = []
    for value in values:
        try:
            texts.append(value.decode())
        except UnicodeDecodeError:
            return None
    return texts if as_list or len(texts) != 1 else texts[0]


def folded(attributes: Mapping[str, Any]) -> dict[str, str]:
    """The names of these attributes by their lower-case form: LDAP does not tell case apart in names."""
    return {name.lower(): name for name in attributes}
