"""Digests and names made of them. Nothing here is random, and nothing here keeps a password safe."""

import base64 as b64
import hashlib
import hmac
from typing import Final

from worker.sandbox.library.arguments import bounded, text_of

#: RFC 9562, section 6.6.
_NAMESPACES: Final = {
    "dns": "6ba7b8109dad11d180b400c04fd430c8",
    "url": "6ba7b8119dad11d180b400c04fd430c8",
    "oid": "6ba7b8129dad11d180b400c04fd430c8",
    "x500": "6ba7b8149dad11d180b400c04fd430c8",
}


def sha256(value: str) -> str:
    """SHA-256 of the text's UTF-8, 64 hexadecimal digits.

    >>> hash.sha256("anna")[:12]
    "55579b557896"
    """
    return hashlib.sha256(text_of(value).encode()).hexdigest()


def hmac_sha256(key: str, value: str) -> str:
    """HMAC-SHA256 (RFC 2104) of the text's UTF-8 under a ``key``, 64 hexadecimal digits.

    The way to a pseudonym that only who knows the key can make: keep the key in the hook's params.

    >>> hash.hmac_sha256("key", "anna")[:12]
    "d27d461c645c"
    """
    return hmac.digest(text_of(key).encode(), text_of(value).encode(), "sha256").hex()


def uuid5(namespace: str, name: str) -> str:
    """The name-based UUID (RFC 9562, version 5): the same for the same name, always.

    ``namespace`` is a UUID, or dns, url, oid or x500 for the ones that the RFC names.

    >>> hash.uuid5("dns", "www.example.com")
    "2ed6657d-e927-568b-95e1-2665a8aea6a2"
    """
    space = text_of(namespace, limit=64).strip().lower()
    digits = _NAMESPACES.get(space, space.replace("-", ""))
    try:
        base = bytes.fromhex(digits)
    except ValueError:
        base = b""
    if len(base) != 16:
        raise ValueError("the namespace is a UUID, or one of dns, url, oid, x500")
    raw = bytearray(hashlib.sha1(base + text_of(name).encode(), usedforsecurity=False).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x50
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def base64(value: str) -> str:
    """Base64 (RFC 4648, section 4) of the text's UTF-8.

    >>> hash.base64("anna")
    "YW5uYQ=="
    """
    return bounded(b64.b64encode(text_of(value).encode()).decode())
