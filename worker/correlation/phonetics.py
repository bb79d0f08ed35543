"""Codes that like-sounding words share."""

import re
from functools import lru_cache
from itertools import pairwise

from worker.correlation.normalize import fold

_SOUNDEX = {
    sign: code
    for code, signs in {"1": "bfpv", "2": "cgjkqsxz", "3": "dt", "4": "l", "5": "mn", "6": "r"}.items()
    for sign in signs
}


@lru_cache(maxsize=65536)
def soundex(word: str) -> str:
    """American Soundex as the US National Archives define it: h and w do not part equal codes, vowels do."""
    letters = [sign for sign in fold(word) if "a" <= sign <= "z"]
    if not letters:
        return ""
    codes = [_SOUNDEX.get(sign, "") for sign in [letters[0], *(sign for sign in letters[1:] if sign not in "hw")]]
    kept = [code for before, code in pairwise(codes) if code != before]
    return (letters[0].upper() + "".join(kept) + "000")[:4]


# Order counts: each rewrites what the ones before it left. Upper-case letters are sounds, lower-case ones spellings.
_METAPHONE = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"([^c])\1+", r"\1"),
        (r"^(?:ae|gn|kn|pn|wr)", lambda found: found[0][1]),
        (r"^x", "s"),
        (r"^wh", "w"),
        (r"mb$", "m"),
        (r"sch", "SK"),
        (r"tch|ch|cia", "X"),
        (r"sh|si(?=[oa])|ti(?=[oa])", "X"),
        (r"th", "0"),
        (r"ph", "F"),
        (r"gh(?![aeiou])", ""),
        (r"dg(?=[eiy])", "J"),
        (r"gn(?=$|ed$)", "N"),
        (r"c(?=[iey])", "S"),
        (r"g(?=[iey])", "J"),
        (r"ck|[cqgk]", "K"),
        (r"d", "T"),
        (r"x", "KS"),
        (r"z", "S"),
        (r"v", "F"),
        (r"(?<=[aeiou])h(?![aeiou])", ""),
        (r"[wy](?![aeiou])", ""),
        (r"(?!^)[aeiou]", ""),
        (r"(.)\1+", r"\1"),
    )
]


@lru_cache(maxsize=65536)
def metaphone(word: str) -> str:
    """Metaphone after Lawrence Philips (1990): how an English reader would say it, consonants and a first vowel."""
    text = "".join(sign for sign in fold(word) if "a" <= sign <= "z")
    for pattern, sound in _METAPHONE:
        text = pattern.sub(sound, text)
    return text.upper()
