"""The host library: pure functions with bounded input that scripts find under short names, such as ``text.slug``.

Docstrings are the reference that authors read. They hold what a function promises, and examples in one form: a line
``>>> expression`` and below it the result as JSON, or ``error: `` and the message. Every example runs as a test.
"""

from collections.abc import Callable
from typing import Any, Final

from worker.sandbox.library import (
    chance,
    countries,
    dates,
    digests,
    directory,
    mail,
    names,
    passwords,
    phones,
    texts,
)

__all__ = ["LIBRARY", "PRELUDE_NAMES", "prelude", "prepare"]

#: What scripts see: group -> name -> function.
LIBRARY: Final[dict[str, dict[str, Callable[..., Any]]]] = {
    "text": {
        "ascii": texts.ascii,
        "collapse_space": texts.collapse_space,
        "norm": texts.norm,
        "pad_left": texts.pad_left,
        "pad_right": texts.pad_right,
        "scripts": texts.scripts,
        "similarity": texts.similarity,
        "slug": texts.slug,
        "split_name": names.split_name,
        "template": texts.template,
        "title_name": names.title_name,
        "truncate": texts.truncate,
    },
    "email": {"build": mail.build, "domain": mail.domain, "local": mail.local, "valid": mail.valid},
    "phone": {
        "e164": phones.e164,
        "international": phones.international,
        "national": phones.national,
        "region": phones.region,
        "valid": phones.valid,
    },
    "username": {"candidates": names.candidates},
    "dn": {
        "build": directory.build,
        "escape": directory.escape,
        "parent": directory.parent,
        "parse": directory.parse,
    },
    "ldap": {"filter_escape": directory.filter_escape},
    "date": {
        "add": dates.add,
        "before": dates.before,
        "diff": dates.diff,
        "epoch": dates.epoch,
        "format": dates.format,
        "from_ad_filetime": dates.from_ad_filetime,
        "from_epoch": dates.from_epoch,
        "parse": dates.parse,
        "to_ad_filetime": dates.to_ad_filetime,
        "utc": dates.utc,
    },
    "hash": {
        "base64": digests.base64,
        "hmac_sha256": digests.hmac_sha256,
        "sha256": digests.sha256,
        "uuid5": digests.uuid5,
    },
    "rand": {
        "alnum": chance.alnum,
        "digits": chance.digits,
        "password": chance.password,
        "uuid4": chance.uuid4,
    },
    "password": {"check": passwords.check},
    "iso3166": {
        "alpha2": countries.alpha2,
        "alpha3": countries.alpha3,
        "name": countries.name,
        "numeric": countries.numeric,
    },
}
#: Defined in prelude.star.
PRELUDE_NAMES: Final = (
    "print", "reject", "skip", "coalesce", "first_valid", "pick", "omit", "merge", "lookup"
)  # fmt: skip


def prelude() -> str:
    """The Starlark half of the library: the functions of ``PRELUDE_NAMES``, and what checks a script's answer."""
    path = __file__.rpartition("/library/")[0] + "/prelude.star"
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs a child 3 ms to import
        return file.read()


def prepare(source: str) -> None:
    """Load what a source is likely to use, within the time to build it rather than that of its first call."""
    if "phone" in source:
        phones.load()


def _name_them() -> None:
    # A call with wrong arguments is refused by Python itself, under the name that the function has for it.
    for group, functions in LIBRARY.items():
        for name, function in functions.items():
            function.__qualname__ = f"{group}.{name}"


_name_them()
