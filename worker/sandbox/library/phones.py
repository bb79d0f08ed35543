"""Phone numbers, by the rules of every country that the phonenumbers library (libphonenumber's data) knows.

The library is imported at its first use: its patterns take 20 ms to build, and most scripts never ask.
"""

from types import ModuleType
from typing import Any, Final

from worker.sandbox.library.arguments import text_of

_LONGEST: Final = 250


def e164(number: str, region: str = "") -> str:
    """A phone number as +, country code and digits (ITU-T E.164), as interfaces want it.

    ``region`` is the ISO 3166-1 two-letter code of the country in which a number without + is dialled. Spaces, marks
    and an extension are dropped. What is no number of its country is an error: ask ``phone.valid`` first where that is
    likely.

    >>> phone.e164("030 / 901 82-0", "DE")
    "+4930901820"
    >>> phone.e164("+43 (0)1 4000-0")
    "+43140000"
    >>> phone.e164("030 90182", "")
    error: this is no phone number; without a leading + it needs the country in region
    """
    return _written(number, region, 0)


def international(number: str, region: str = "") -> str:
    """A phone number with + and spaces (ITU-T E.123), as people read it and Active Directory shows it.

    Arguments and errors as ``phone.e164``; an extension is kept.

    >>> phone.international("030901820", "DE")
    "+49 30 901820"
    """
    return _written(number, region, 1)


def national(number: str, region: str = "") -> str:
    """A phone number as it is dialled and written within its own country. Arguments and errors as ``phone.e164``.

    >>> phone.national("+4930901820")
    "030 901820"
    """
    return _written(number, region, 2)


def region(number: str, region: str = "") -> str:
    """The ISO 3166-1 two-letter code of the country a number belongs to. Arguments and errors as ``phone.e164``.

    Empty for numbers of no country (+800 and the like).

    >>> phone.region("+41 44 668 18 00")
    "CH"
    """
    util = _util()
    found = util.region_code_for_number(_valid(number, region)) or ""
    return "" if found == util.REGION_CODE_FOR_NON_GEO_ENTITY else str(found)


def valid(number: Any, region: str = "") -> bool:
    """Whether this is a phone number that its country could have given to somebody. Arguments as ``phone.e164``.

    Anything that is no text is no number; a region that does not exist is an error.

    >>> phone.valid("030901820", "DE")
    true
    >>> phone.valid("12", "DE")
    false
    """
    place = _region(region)
    if not isinstance(number, str):
        return False
    try:
        _valid(number, place)
    except ValueError:
        return False
    return True


def load() -> None:
    """Import the library now, for a caller that has time: the first use by a script then costs no more than others."""
    _util()


def _util() -> ModuleType:
    from phonenumbers import phonenumberutil  # noqa: PLC0415 - see above

    return phonenumberutil


def _written(number: str, region: str, form: int) -> str:
    util = _util()
    return str(util.format_number(_valid(number, region), form))


def _valid(number: str, region: str) -> Any:
    util = _util()
    place = _region(region)
    try:
        parsed = util.parse(text_of(number, limit=_LONGEST), place or None)
    except util.NumberParseException:
        hint = "" if place else "; without a leading + it needs the country in region"
        raise ValueError(f"this is no phone number{hint}") from None
    if not util.is_valid_number(parsed):
        raise ValueError(f"this is no phone number of {place or 'its country'}")
    return parsed


def _region(region: str) -> str:
    code = text_of(region, limit=16).strip().upper()
    if code and code not in _util().SUPPORTED_REGIONS:
        raise ValueError(f"no region {code!r}: it is a two-letter country code, such as DE")
    return code
