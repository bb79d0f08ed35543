"""Whether an account is as wanted: comparison by the rules of the target's schema, and a hash that agrees with it.

Every value is reduced to one canonical text; two values are equal exactly when their texts are, so equal accounts
always have equal hashes. The rules of reduction:

- ``None``, ``""`` and ``[]`` are the same as no value; a list is a set, and a list of one value is that value;
- text is NFC (Unicode normalisation); numbers and booleans equal their text, so ``5`` is ``"5"``;
- ``ignore_case`` is the canonical caseless match of Unicode (definition D145);
- ``dn`` follows RFC 4514 (escapes, blanks, case, order within a multi-valued RDN, OIDs of its section 3);
- ``date`` takes ISO 8601, LDAP generalized time (RFC 4517, 3.3.13) and Active Directory file time to one instant: a day
  is its midnight, a time without offset is UTC, and the file time "never" is no value;
- ``number`` compares decimal values of any length, ``boolean`` the usual words for yes and no.

A value that its rule cannot read is compared as text: comparing never fails.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any

import xxhash

from worker.domain.letters import SHORT, normalized

Normalise = Callable[[Any], str]

#: What a set of values comes as.
_MANY = (list, tuple, set, frozenset)


class Comparison(StrEnum):
    EXACT = "exact"
    IGNORE_CASE = "ignore_case"
    DN = "dn"
    DATE = "date"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """How one managed attribute is compared. A volatile one, or one that cannot be read, is left out."""

    name: str
    multi_valued: bool = False
    comparison: Comparison | str = Comparison.EXACT
    volatile: bool = False
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """What an attribute should be and what it is; None is no value, a multi-valued attribute shows lists."""

    expected: Any
    actual: Any


class Comparator:
    """Rules compiled for many accounts. It sees the attributes of its rules and no others.

    What is ``watched`` is part of the hash and is never found to differ.
    """

    def __init__(self, rules: Iterable[AttributeRule], *, watched: Iterable[AttributeRule] = ()) -> None:
        kept = sorted((r for r in rules if r.readable and not r.volatile), key=lambda rule: rule.name)
        self.rules = tuple(kept)
        self._compared = tuple((rule, _NORMALISERS[Comparison(rule.comparison)]) for rule in kept)
        known = {rule.name for rule in kept}
        kept = sorted([*kept, *(rule for rule in watched if rule.name not in known)], key=lambda rule: rule.name)
        self._plan = tuple((rule.name, _NORMALISERS[Comparison(rule.comparison)]) for rule in kept)
        self._names = tuple(rule.name for rule in kept)
        self._looked_at = tuple((at, reduce) for at, (_, reduce) in enumerate(self._plan) if reduce is not _text)
        self._is_reducing = bool(self._looked_at)
        # The rules are part of what is hashed: a changed rule changes every hash made with it.
        self._head = "\x1f".join(f"{rule.name}={rule.comparison}" for rule in kept)
        self._separators = len(kept)

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes that are compared or watched."""
        return self._names

    def differences(self, expected: Mapping[str, Any], *, actual: Mapping[str, Any]) -> dict[str, Difference]:
        """Name the attributes that are not as expected; one absent from ``expected`` is expected to have no value."""
        found: dict[str, Difference] = {}
        for rule, normalise in self._compared:
            want, have = expected.get(rule.name), actual.get(rule.name)
            if _canonical_value(want, normalise) != _canonical_value(have, normalise):
                found[rule.name] = Difference(_shown(want, rule), _shown(have, rule))
        return found

    def canonical(self, attributes: Mapping[str, Any]) -> bytes:
        """The bytes that two accounts have in common exactly when they do not differ."""
        return (self._plain(attributes) or self._general(attributes)).encode("utf-8", "surrogatepass")

    def digests(self, accounts: Iterable[Mapping[str, Any]]) -> bytes:
        """The hashes of many accounts: 8 bytes each, the big end first."""
        plain, general, digest = self._plain, self._general, xxhash.xxh3_64_digest
        return b"".join([digest((plain(each) or general(each)).encode("utf-8", "surrogatepass")) for each in accounts])

    def _plain(self, attributes: Mapping[str, Any]) -> str | None:
        """The canonical text, with a look only at those values that are no text, or are reduced by a rule of their own.

        None where that is not certain to be what ``_general`` gives.
        """
        values: list[Any] = list(map(attributes.get, self._names))
        for at, reduce in self._looked_at:
            value = values[at]
            if not isinstance(value, str):
                values[at] = _canonical_value(value, reduce)
            elif reduce is not _text:
                values[at] = reduce(value)
        try:
            text = "\0".join(values)
        except TypeError:
            self._look_also_at(values)
            return None
        if not text.isascii():
            if self._is_reducing or len(text) > SHORT:
                return None
            # no letter before or after a NUL is composed with it: what is normal as a whole is so in its parts
            text = normalized(text, "NFC")
        return f"{self._head}\0{text}" if text.count("\0") == self._separators - 1 else None

    def _look_also_at(self, values: Sequence[Any]) -> None:
        """Where one account has no text, or none at all, others of its kind will neither."""
        odd = {at for at, value in enumerate(values) if not isinstance(value, str)} | {at for at, _ in self._looked_at}
        self._looked_at = tuple((at, self._plan[at][1]) for at in sorted(odd))

    def _general(self, attributes: Mapping[str, Any]) -> str:
        parts = [self._head]
        for name, normalise in self._plan:
            value = attributes.get(name)
            if value is None:
                parts.append("")
            elif isinstance(value, str):
                parts.append(normalise(value))
            else:
                parts.append(_canonical_value(value, normalise))
        text = "\0".join(parts)
        if text.count("\0") != self._separators:  # a value has a NUL in it: an unmistakable longer form
            text = "\0" * (self._separators + 1) + json.dumps(parts)
        return text

    def hash(self, attributes: Mapping[str, Any]) -> int:
        """The canonical bytes as a signed 64-bit number (XXH3), as PostgreSQL's bigint holds it."""
        unsigned: int = xxhash.xxh3_64_intdigest(self.canonical(attributes))
        return unsigned - (1 << 64) if unsigned >> 63 else unsigned


def canonical(attributes: Mapping[str, Any], rules: Iterable[AttributeRule]) -> bytes:
    """``Comparator.canonical`` for one account; make a Comparator for many."""
    return Comparator(rules).canonical(attributes)


def content_hash(attributes: Mapping[str, Any], rules: Iterable[AttributeRule]) -> int:
    """``Comparator.hash`` for one account; make a Comparator for many."""
    return Comparator(rules).hash(attributes)


def fold_case(text: str) -> str:
    """Text for a caseless match: NFC of the case-folded canonical decomposition."""
    if text.isascii():
        return text.lower()
    return normalized(normalized(text, "NFD").casefold(), "NFC")


def instant(value: Any) -> datetime | None:
    """Read a date or time in any of the three notations, in UTC; None when it is none of them, or out of range."""
    try:
        if isinstance(value, datetime):
            return _utc(value)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        text = _text(value).strip()
        if _FILE_TIME.fullmatch(text):
            return _FILE_TIME_EPOCH + timedelta(microseconds=int(text) // 10)
        if found := _GENERALIZED.fullmatch(text):
            return _generalized(*found.groups())
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _canonical_value(value: Any, normalise: Normalise) -> str:
    if value is None:
        return ""
    if isinstance(value, _MANY):
        texts = _ascii_texts(value) if normalise is _text else None
        if texts is None:
            texts = {normalise(one) for one in value if one is not None}
        texts.discard("")
        if len(texts) < 2:
            return texts.pop() if texts else ""
        return "\x1f" + "\x1f".join(sorted(texts))
    return normalise(value)


def _ascii_texts(values: Iterable[Any]) -> set[str] | None:
    """The values as they are, if all are ASCII text, as nearly always."""
    try:
        return set(values) if "".join(values).isascii() else None
    except TypeError:
        return None


def _shown(value: Any, rule: AttributeRule) -> Any:
    if isinstance(value, _MANY):
        values = [one for one in value if one is not None and one != ""]
        return values if rule.multi_valued or len(values) > 1 else (values[0] if values else None)
    if value is None or value == "":
        return [] if rule.multi_valued else None
    return [value] if rule.multi_valued else value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value if value.isascii() else normalized(value, "NFC")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return _text(json.dumps(value, sort_keys=True, ensure_ascii=False, default=_text))
    return str(value)


def _caseless(value: Any) -> str:
    return fold_case(value if isinstance(value, str) else _text(value))


_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})


def _boolean(value: Any) -> str:
    word = _caseless(value).strip()
    return "true" if word in _TRUE else "false" if word in _FALSE else word


def _number(value: Any) -> str:
    text = _text(value)
    try:
        sign, digits, exponent = Decimal(text).as_tuple()
    except InvalidOperation:
        return text
    if not isinstance(exponent, int):  # Infinity and NaN
        return text
    plain = "".join(map(str, digits)).lstrip("0")
    significant = plain.rstrip("0")
    if not significant:
        return "0"
    return f"{'-' if sign else ''}{significant}e{exponent + len(plain) - len(significant)}"


_FILE_TIME = re.compile(r"\d{17,19}", re.ASCII)
_FILE_TIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
#: Active Directory's two ways to say never (accountExpires).
_NEVER = frozenset({"0", "9223372036854775807"})
#: Day and hour, minute, second with its fraction, offset. Fractions of an hour or a minute are not read: the
#: look-behind keeps a second from standing where the minute belongs.
_GENERALIZED = re.compile(r"(\d{8})(\d\d)(\d\d)?((?<=\d{12})\d\d(?:[.,]\d+)?)?(Z|[+-]\d\d(?:\d\d)?)", re.ASCII)


@lru_cache(maxsize=8192)
def _date_of(value: Any) -> str:
    text = _text(value).strip()
    if text in _NEVER:
        return ""
    moment = instant(value)
    return text if moment is None else moment.isoformat()


def _date(value: Any) -> str:
    # Equal keys of the cache must be equal texts: 1, 1.0 and True are one key, so other types go by their text.
    return _date_of(value if isinstance(value, str | datetime | date) else _text(value))


def _generalized(day: str, hour: str, minute: str | None, second: str | None, offset: str) -> datetime:
    # RFC 4517 lets minutes and seconds be left out.
    return _utc(datetime.fromisoformat(f"{day}T{hour}{minute or '00'}{second or '00'}{offset}"))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_DN_TYPES = {
    "2.5.4.3": "cn",
    "2.5.4.7": "l",
    "2.5.4.8": "st",
    "2.5.4.10": "o",
    "2.5.4.11": "ou",
    "2.5.4.6": "c",
    "2.5.4.9": "street",
    "0.9.2342.19200300.100.1.25": "dc",
    "0.9.2342.19200300.100.1.1": "uid",
}
_RDN = re.compile(
    r"""\s*(?P<type>[A-Za-z][\w-]*|(?:oid\.)?\d+(?:\.\d+)*)\s*=\s*
        (?P<value>(?:\\[0-9A-Fa-f]{2}|\\[^0-9A-Fa-f]|[^\\,;+"])*|"(?:\\.|[^"\\])*"\s*)
        (?P<end>[,;+]|$)""",
    re.VERBOSE | re.IGNORECASE,
)
_DN_ESCAPES = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)


@lru_cache(maxsize=8192)
def _dn_of(text: str) -> str:
    rdns: list[list[str]] = [[]]
    position = 0
    while position < len(text):
        found = _RDN.match(text, position)
        if found is None:
            return fold_case(text)
        kind = found["type"].lower().removeprefix("oid.")
        rdns[-1].append(f"{_DN_TYPES.get(kind, kind)}={_dn_value(found['value'])}")
        if found["end"] in {",", ";"}:
            rdns.append([])
        position = found.end()
    return ",".join("+".join(sorted(rdn)) for rdn in rdns)


def _dn(value: Any) -> str:
    text = _text(value)
    return _dn_of(text) if text else ""


def _dn_value(raw: str) -> str:
    """Unescape, fold, squeeze blanks, then escape again only what separates."""
    stripped = raw.strip()
    quoted = len(stripped) > 1 and stripped[0] == stripped[-1] == '"'
    plain = _DN_ESCAPES.sub(_dn_unescape, stripped[1:-1] if quoted else raw)
    return re.sub(r"([\\,+=])", r"\\\1", " ".join(fold_case(plain).split()))


def _dn_unescape(found: re.Match[str]) -> str:
    if found[1]:
        return bytes.fromhex(found[1].replace("\\", "")).decode("utf-8", "replace")
    return found[2]


_NORMALISERS: dict[Comparison, Normalise] = {
    Comparison.EXACT: _text,
    Comparison.IGNORE_CASE: _caseless,
    Comparison.DN: _dn,
    Comparison.DATE: _date,
    Comparison.NUMBER: _number,
    Comparison.BOOLEAN: _boolean,
}
