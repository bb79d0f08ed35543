"""Mail addresses, the plain kind that directories hold."""

import re
from typing import Any, Final

from worker.sandbox.library.arguments import text_of
from worker.sandbox.library.texts import ascii as ascii_of

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)


def valid(value: Any) -> bool:
    """Whether this is one plain mail address (RFC 5321 sizes, dot-atom local part, host name with a dot).

    Anything that is no text is no address.

    >>> email.valid("anna.ek@example.org")
    true
    >>> email.valid("Anna Ek <anna@example.org>")
    false
    """
    if not isinstance(value, str) or len(value) > 254:
        return False
    local_part, at, host = value.rpartition("@")
    return (
        bool(at) and len(local_part) <= 64 and bool(_LOCAL_PART.fullmatch(local_part)) and bool(_DOMAIN.fullmatch(host))
    )


def local(value: str) -> str:
    """What stands before the last @ (all of it when there is none).

    >>> email.local("anna@example.org")
    "anna"
    """
    text = text_of(value)
    return text.rpartition("@")[0] if "@" in text else text


def domain(value: str) -> str:
    """What stands after the last @, in lower case (empty when there is none).

    >>> email.domain("anna@Example.ORG")
    "example.org"
    """
    text = text_of(value)
    return text.rpartition("@")[2].lower() if "@" in text else ""


def build(local: str, domain: str, language: str = "") -> str:
    """A valid address: ASCII letters, digits, single dots, hyphens and underscores of ``local`` @ ``domain``.

    Spaces become dots; ``language`` as for ``text.ascii``; the local part is cut to 64 characters. When no valid
    address can be made of it, this is an error.

    >>> email.build("Jörg Müller-Lüdenscheidt", "Example.org")
    "joerg.mueller-luedenscheidt@example.org"
    >>> email.build("!", "example.org")
    error: no valid mail address can be built from this
    """
    plain = ".".join(ascii_of(local, language).lower().split())
    plain = re.sub(r"[^a-z0-9._-]+", "", plain)
    plain = re.sub(r"([._-])[._-]+", r"\1", plain)[:64].strip("._-")
    address = f"{plain}@{text_of(domain).strip().lower()}"
    if not valid(address):
        raise ValueError("no valid mail address can be built from this")
    return address
