"""How the same name gets written otherwise: transliteration, typos, logins."""

import random
import unicodedata

_GERMAN = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae"}
_LETTERS = {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "Ø": "O", "Ł": "L", "Đ": "D", "İ": "I"}
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def plain(text: str) -> str:
    """ASCII by leaving the marks away."""
    mapped = "".join(_LETTERS.get(sign, sign) for sign in text)
    return "".join(sign for sign in unicodedata.normalize("NFKD", mapped) if not unicodedata.combining(sign))


def german(text: str) -> str:
    """ASCII with ``ae`` for ``ä``."""
    return plain("".join(_GERMAN.get(sign, _GERMAN.get(sign.lower(), sign).title()) for sign in text))


def transliterated(text: str, rng: random.Random) -> str:
    found = rng.choice((plain, german))(text)
    return found.upper() if rng.random() < 0.3 else found


def typo(text: str, rng: random.Random) -> str:
    """One slip: a sign left out, doubled, swapped with the next, or a neighbour's key."""
    places = [at for at in range(1, len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
    if not places:
        return text
    at = rng.choice(places)
    kind = rng.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + _neighbour(text[at], rng) + text[at + 1 :]


def _neighbour(sign: str, rng: random.Random) -> str:
    for row in _KEYS:
        if (at := row.find(sign.lower())) >= 0:
            return row[at - 1] if at and (rng.random() < 0.5 or at == len(row) - 1) else row[at + 1]
    return rng.choice("aeinrst")


def slug(text: str) -> str:
    return "".join(sign for sign in german(text).lower() if sign.isalnum() or sign == "-")


def login_of(given: str, family: str, style: str) -> str:
    """By the style of an organisation: ``first.last``, ``flast``, ``lastf``, ``first_last``."""
    first, last = slug(given.split(maxsplit=1)[0]), slug(family.replace(" ", ""))
    return {
        "first.last": f"{first}.{last}",
        "flast": f"{first[:1]}{last}",
        "lastf": f"{last}{first[:1]}",
        "first_last": f"{first}_{last}",
    }[style]
