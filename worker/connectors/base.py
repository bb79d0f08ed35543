"""The connector contract: what a connector type is given, and which methods declare what it can do.

A connector is an async context manager built from its ``Settings`` and a ``ConnectorContext``. It declares a
capability by having the method; the protocols below name them. It raises only children of ``TransientError``
and ``PermanentError``. It never retries, limits or logs calls: the guard does.

Guarantees wanted from every connector:

- a second create of the same object raises ``AlreadyExists`` and makes no second object;
- update and disable of an unknown uid raise ``UnknownUid``; delete of one raises ``UnknownUid`` (the caller is calm);
- update sends only what it is given; a value of None clears, a list replaces the whole set;
- search pages to the end: ``next_token`` None and ``is_last`` True only on the last page; a token that no longer
  leads on raises ``ListingChanged``, never a page with a gap;
- a failure before anything was sent is ``TargetUnavailable``; when a change was sent and the answer was lost, it
  raises ``OutcomeUnknown``;
- no message of an error holds a value or a secret.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import structlog

from worker.domain.account import TargetAccount


@dataclass(frozen=True, slots=True)
class AttributeSchema:
    """One attribute of an object class at the target; ``comparison`` is exact, ignore_case, dn, date or number.

    ``secret``: its values are nobody's business (a password). They are never compared, stored or shown.
    """

    name: str
    type: str = "string"
    required: bool = False
    multi_valued: bool = False
    comparison: str = "exact"
    writable: bool = True
    readable: bool = True
    unique: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """An object class at the target. ``naming`` is the attribute that people know an object by (its unique key).

    ``is_complete``: it has no attribute that is not listed here, or of a family: those have a ``*`` in their name for
    one part of it. ``has_options``: names may have options behind a semicolon. ``incomplete_because`` says why others
    may be there, as the end of a sentence.
    """

    object_class: str
    naming: str
    attributes: tuple[AttributeSchema, ...] = ()
    is_complete: bool = False
    families: tuple[AttributeSchema, ...] = ()
    has_options: bool = False
    incomplete_because: str = ""

    def family_of(self, name: str) -> AttributeSchema | None:
        """The family that a name belongs to which is not listed itself."""
        parts = name.split(".")
        for family in self.families:
            wanted = family.name.split(".")
            if len(wanted) == len(parts) and all(w in {"*", p} and p for w, p in zip(wanted, parts, strict=True)):
                return family
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. ``total`` is what the target says it has in all, when it says so."""

    accounts: tuple[TargetAccount, ...]
    next_token: str | None = None
    is_last: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a listing: behind the mark ``after``, and up to the mark ``upto`` with it. None: no end there."""

    after: str | None = None
    upto: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change since a token: the account as it is now, or None in ``account`` when ``uid`` is gone."""

    uid: str
    account: TargetAccount | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes since a token, and the token to continue from."""

    changes: tuple[Change, ...]
    next_token: str
    is_last: bool = True


def may_always() -> None:
    """Nothing forbids a change."""


@dataclass(frozen=True, slots=True)
class ConnectorContext:
    """What the daemon hands to a connector; ``credentials`` are plain and must never be logged.

    ``before_change`` raises ``LeaseLost`` when we may not change the target any more. The guard calls it before
    each call; a connector whose call sends several changing requests calls it before every further one.
    """

    name: str
    credentials: dict[str, str] = field(default_factory=dict, repr=False)
    deadline_s: float = 20.0
    concurrency: int = 8
    page_size: int = 500
    log: Any = field(default_factory=structlog.get_logger)
    before_change: Callable[[], None] = may_always

    @property
    def connect_s(self) -> float:
        """How long opening a connection may take: short enough that the guard's deadline never meets it first."""
        return min(5.0, self.deadline_s / 2)


SettingsClass = type[Any]  # named out here, where "type" is still Python's


class Connector(Protocol):
    """What every connector type has.

    ``Settings`` is a frozen dataclass; the metadata ``help`` and ``choices`` of its fields, and an optional method
    ``problems() -> list[str]``, describe and check it. An optional method ``lacks() -> frozenset[str]`` names the
    capabilities that a configuration does not give. ``secrets`` names the credentials, with a word on each.
    """

    type: ClassVar[str]
    Settings: ClassVar[SettingsClass]
    secrets: ClassVar[Mapping[str, str]]

    def __init__(self, settings: Any, context: ConnectorContext) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exc_info: object) -> None: ...
    async def test_connection(self) -> str: ...
    async def schema(self, object_class: str) -> ObjectSchema: ...


@runtime_checkable
class SupportsSearch(Protocol):
    """Can list a whole object class page by page; ``token`` None starts from the beginning."""

    async def search(self, object_class: str, *, token: str | None, page_size: int) -> Page: ...


@runtime_checkable
class SupportsRanges(Protocol):
    """Can list parts of an object class: by an order of its keys in which every object has one place for good.

    ``marks`` are at most ``count - 1`` places in that order, of parts alike in size. Whatever comes, goes or changes
    meanwhile: the spans between marks, and before the first and behind the last, hold every object exactly once.
    ``search_within`` pages through one of them as ``search`` does through all; ``total`` is of the whole listing.
    """

    async def marks(self, object_class: str, *, count: int) -> list[str]: ...
    async def search_within(self, object_class: str, span: Span, *, token: str | None, page_size: int) -> Page: ...


@runtime_checkable
class SupportsGet(Protocol):
    """Can read one object by uid, and find some by the value of an attribute."""

    async def get(self, object_class: str, uid: str) -> TargetAccount | None: ...
    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]: ...


@runtime_checkable
class SupportsSync(Protocol):
    """Can tell what changed since a token; ``token`` None returns no change and the present token.

    Nothing that is there and changed is left out; something may come again. What is gone need not be told.
    """

    async def sync(self, object_class: str, *, token: str | None) -> Changes: ...


@runtime_checkable
class SupportsCreate(Protocol):
    """Can make an object; returns its uid."""

    async def create(self, object_class: str, attributes: dict[str, Any], *, active: bool | None) -> str: ...


@runtime_checkable
class SupportsUpdate(Protocol):
    """Can change an object; returns its uid, which may have changed (a rename)."""

    async def update(self, object_class: str, uid: str, attributes: dict[str, Any], *, active: bool | None) -> str: ...


@runtime_checkable
class SupportsDelete(Protocol):
    """Can remove an object."""

    async def delete(self, object_class: str, uid: str) -> None: ...


#: Each capability by its name, in the order people read them.
CAPABILITIES: Mapping[str, type[Any]] = {
    "search": SupportsSearch,
    "ranges": SupportsRanges,
    "get": SupportsGet,
    "sync": SupportsSync,
    "create": SupportsCreate,
    "update": SupportsUpdate,
    "delete": SupportsDelete,
}


def capabilities_of(connector: object) -> frozenset[str]:
    """What a connector, or a connector class, can do."""
    return frozenset(
        name
        for name, protocol in CAPABILITIES.items()
        if all(hasattr(connector, method) for method in _methods(protocol))
    )


def _methods(protocol: type[Any]) -> list[str]:
    return [name for name in vars(protocol) if not name.startswith("_")]
