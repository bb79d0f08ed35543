"""Spellings of one thing brought to one text: names, logins, addresses, numbers, dates.

Every normaliser takes a text and gives a text, empty when nothing in it identifies anybody.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from worker.domain.comparison import fold_case, instant
from worker.domain.letters import normalized

LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ĸ": "k"})
# German writes ü as ue, everybody else as u; Danish å is also aa. One spelling for all of them.
DIGRAPHS = re.compile("ae|oe|ue|aa")
APOSTROPHES = re.compile("['`´’ʼ]")
_IN_PARENTHESES = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NOT_NAME = re.compile(r"[\W\d_]+")
TITLES = frozenset(
    {"dr", "prof", "dipl", "ing", "mag", "med", "mr", "mrs", "ms", "herr", "frau", "phd", "msc", "bsc", "mba"}
)
PLUS_TAG = re.compile(r"\+.*$")
_NUMBER_PREFIX = re.compile(r"^[^0-9]*0*(?=[0-9])")
_NOT_ALNUM = re.compile(r"[\W_]+")
#: Stand-ins for "not known" that systems without null write.
_NO_DATE = frozenset({"0001-01-01", "1753-01-01", "1899-12-30", "1900-01-01", "1970-01-01", "9999-12-31"})
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
MIN_PHONE = 6
PHONE_TAIL = 8


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Case, accents and transliteration folded, blanks squeezed: ``MÜLLER``, ``Mueller`` and ``muller`` are one."""
    lowered = fold_case(text)
    if not lowered.isascii():
        decomposed = normalized(lowered.translate(LETTERS), "NFKD")
        lowered = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(DIGRAPHS.sub(lambda found: found[0][0], lowered).split())


@lru_cache(maxsize=65536)
def name_tokens(text: str) -> tuple[str, ...]:
    """The parts of a person's name in alphabetical order, without titles and what stands in parentheses."""
    plain = fold(APOSTROPHES.sub("", _IN_PARENTHESES.sub(" ", text)))
    found = {token for token in _NOT_NAME.split(plain) if token}
    return tuple(sorted(found - TITLES or found))


def name(text: str) -> str:
    """``Dr. Müller, Anna (Sales)`` is ``anna muller``."""
    return " ".join(name_tokens(text))


def login(text: str) -> str:
    """A user name without Windows domain, realm and accents; its separators stay."""
    return fold(text.rpartition("\\")[2].partition("@")[0])


@lru_cache(maxsize=8192)
def email(text: str) -> str:
    """A mail address without ``+tag``; empty when it is none."""
    address = text.strip().lower().removeprefix("smtp:")
    local, at, domain = address.rpartition("@")
    return f"{fold(PLUS_TAG.sub('', local))}@{domain}" if at and local and domain else ""


def local_part(address: str) -> str:
    return address.rpartition("@")[0]


@lru_cache(maxsize=8192)
def employee_number(text: str) -> str:
    """A number without prefix, zeros and separators: ``E-00042`` is ``42``."""
    return _NOT_ALNUM.sub("", _NUMBER_PREFIX.sub("", fold(text)))


@lru_cache(maxsize=8192)
def digits(text: str) -> str:
    """A telephone number's last digits, so that country and trunk prefixes do not matter."""
    found = re.sub(r"\D", "", text)
    return found[-PHONE_TAIL:] if len(found) >= MIN_PHONE else ""


@lru_cache(maxsize=8192)
def day(text: str) -> str:
    """A date as ISO day; empty when it cannot be read, or only stands for "not known"."""
    numbers = _DAY_FIRST.fullmatch(text.strip())
    moment = instant("{2}-{1:0>2}-{0:0>2}".format(*numbers.groups()) if numbers else text)
    found = moment.date().isoformat() if moment else ""
    return "" if found in _NO_DATE else found


NORMALISERS: dict[str, Callable[[str], str]] = {
    "fold": fold,
    "name": name,
    "login": login,
    "email": email,
    "employee_number": employee_number,
    "digits": digits,
    "date": day,
}
