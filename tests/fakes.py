"""One scripted target: accounts in memory, and whatever can go wrong with a listing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from worker.connectors import (
    AttributeSchema,
    Breaker,
    Change,
    Changes,
    ConnectorGuard,
    ObjectSchema,
    Page,
    Span,
    Target,
)
from worker.connectors.base import capabilities_of
from worker.domain.account import TargetAccount
from worker.domain.connector import Connector, Limits
from worker.domain.errors import AlreadyExists, NotFound, UnknownUid
from worker.domain.protection import protection


@dataclass(frozen=True)
class NoSettings:
    """There is nothing to set."""


@dataclass
class Faults:
    """What the target does wrong. Page numbers count from 0; ``at_page`` is called before a page is given."""

    ends_after: int | None = None  # the listing stops behind this page, without saying that it was the last
    repeats: int | None = None  # this page comes twice
    total: int | None = None  # what the target says that it has
    at_page: Callable[[int], None] | None = None
    at_get: Callable[[str], None] | None = None


@dataclass
class MemoryTarget:
    """A whole target. Its connector class is made by ``connector``; uids are given by ``naming``."""

    Settings: ClassVar[type[Any]] = NoSettings
    secrets: ClassVar[dict[str, str]] = {}
    type: ClassVar[str] = "memory"

    attributes: tuple[str, ...] = ("login", "mail", "department")
    naming: str = "login"
    accounts: dict[str, TargetAccount] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    _made: int = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_details: object) -> None:
        return None

    async def test_connection(self) -> str:
        return "It is in memory."

    async def schema(self, object_class: str) -> ObjectSchema:
        return ObjectSchema(object_class, self.naming, tuple(AttributeSchema(name) for name in self.attributes))

    async def search(self, object_class: str, *, token: str | None, page_size: int) -> Page:
        start = int(token or 0)
        number = start // page_size
        self.calls.append(("search", number))
        if self.faults.at_page is not None:
            self.faults.at_page(number)
        found = list(self.accounts.values())[start : start + page_size]
        follows = start + page_size
        if self.faults.repeats == number:
            self.faults.repeats = None
            return Page(tuple(found), next_token=f"0{start}", total=self.faults.total)
        if self.faults.ends_after == number:
            return Page(tuple(found), total=self.faults.total)
        is_last = follows >= len(self.accounts)
        return Page(tuple(found), None if is_last else str(follows), is_last, self.faults.total)

    async def get(self, object_class: str, uid: str) -> TargetAccount | None:
        self.calls.append(("get", uid))
        if self.faults.at_get is not None:
            self.faults.at_get(uid)
        return self.accounts.get(uid)

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]:
        self.calls.append(("find", value))
        return [each for each in self.accounts.values() if each.attributes.get(attribute) == value]

    async def create(self, object_class: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        if any(each.attributes.get(self.naming) == attributes.get(self.naming) for each in self.accounts.values()):
            raise AlreadyExists
        return self.put(attributes, active=active)

    async def update(self, object_class: str, uid: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        if uid not in self.accounts:
            raise UnknownUid
        self.change(uid, active=active, **attributes)
        return uid

    async def delete(self, object_class: str, uid: str) -> None:
        if uid not in self.accounts:
            raise UnknownUid
        self.remove(uid)

    def put(self, attributes: dict[str, Any], *, active: bool | None = True, uid: str | None = None) -> str:
        """Make an account behind our back."""
        self._made += 1
        uid = uid or f"uid-{self._made:06}"
        self.accounts[uid] = TargetAccount(uid, {n: v for n, v in attributes.items() if v is not None}, active)
        self.log.append(uid)
        return uid

    def change(self, uid: str, *, active: bool | None = None, **attributes: Any) -> None:
        """Change an account behind our back."""
        found = self.accounts[uid]
        merged = {n: v for n, v in {**found.attributes, **attributes}.items() if v is not None}
        self.accounts[uid] = replace(found, attributes=merged, active=found.active if active is None else active)
        self.log.append(uid)

    def remove(self, uid: str) -> None:
        """Remove an account behind our back."""
        del self.accounts[uid]
        self.log.append(uid)


class SyncingTarget(MemoryTarget):
    """The same, and it tells what has changed since a token."""

    async def sync(self, object_class: str, *, token: str | None) -> Changes:
        self.calls.append(("sync", token))
        if token is None:
            return Changes((), str(len(self.log)))
        changed = dict.fromkeys(self.log[int(token) :])
        return Changes(tuple(Change(uid, self.accounts.get(uid)) for uid in changed), str(len(self.log)))


class RangedTarget(MemoryTarget):
    """The same, listed in the order of uids, which can be divided. ``faults.at_page`` counts all pages there are."""

    async def search(self, object_class: str, *, token: str | None, page_size: int) -> Page:
        return await self.search_within(object_class, Span(), token=token, page_size=page_size)

    async def search_within(self, object_class: str, span: Span, *, token: str | None, page_size: int) -> Page:
        number = sum(kind == "search" for kind, _ in self.calls)
        self.calls.append(("search", number))
        if self.faults.at_page is not None:
            self.faults.at_page(number)
        after = token or span.after or ""
        found = sorted(uid for uid in self.accounts if uid > after and (span.upto is None or uid <= span.upto))
        page = tuple(self.accounts[uid] for uid in found[:page_size])
        total = self.faults.total if not after else None
        if self.faults.ends_after is not None and number >= self.faults.ends_after:
            return Page(page, total=total)
        is_last = len(found) <= page_size
        return Page(page, None if is_last else page[-1].uid, is_last, total)

    async def marks(self, object_class: str, *, count: int) -> list[str]:
        size = max(-(-len(self.accounts) // count), 1)
        return sorted(self.accounts)[size - 1 :: size][: count - 1]


class MemoryTargets:
    """Targets by connector, as ``worker.connectors.Targets`` knows them."""

    def __init__(self) -> None:
        self._targets: dict[Any, Target] = {}

    def add(self, connector: Connector, target: MemoryTarget, *, limits: Limits | None = None) -> None:
        """Put a target behind the real guard."""
        guard = ConnectorGuard(
            lambda: target,
            capabilities=capabilities_of(type(target)),
            limits=limits or connector.limits,
            is_protected=protection(connector.protected_filter),
        )
        self._targets[connector.id] = Target(connector, guard, Breaker(), read_at=0.0)

    async def get(self, tenant_id: Any, connector_id: Any) -> Target:
        del tenant_id
        if connector_id not in self._targets:
            raise NotFound
        return self._targets[connector_id]
