"""The only place that calls targets.

Every call through a ``ConnectorGuard``:

- waits its turn (calls at once, calls a second), at most one deadline long; what did not get its turn was not sent;
- is refused while the target's own ``Retry-After`` runs;
- before a change: asks ``may_change`` whether we still may, refuses protected accounts;
- ends within the deadline: a change that does not is ``OutcomeUnknown``, a read ``TargetTimeout``; what fails while
  this process is held still is ``HeldStill``, and says nothing about the target;
- lets out only children of ``TransientError`` and ``PermanentError``; whatever else a connector raises is
  ``ConnectorBug``, whose message names the kind of failure and the place, never a value;
- is counted by operation and result.

The connection is opened by the first call that needs it. After a system failure the next call gets a new one, and
the old one is closed when its last call has ended.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, Self

from worker.connectors.base import Changes, Connector, ObjectSchema, Page, Span
from worker.connectors.limiter import TokenBucket, Turnstile
from worker.domain.account import TargetAccount
from worker.domain.connector import Limits
from worker.domain.errors import (
    ConnectorBug,
    ConnectorError,
    HeldStill,
    InvalidAttributes,
    LeaseLost,
    OutcomeUnknown,
    PermanentError,
    ProtectedAccount,
    TargetBusy,
    TargetTimeout,
    TargetUnavailable,
    TransientError,
    UnknownUid,
    Unsupported,
)
from worker.domain.protection import Protects
from worker.telemetry.pulse import Pulse

#: No target may hold us off for longer with one answer.
LONGEST_HOLD = timedelta(hours=1)
CLOSE_S = 5.0

#: What a connector must be able to do for each operation.
_NEEDS: Mapping[str, str | None] = {
    "test": None,
    "schema": None,
    "search": "search",
    "get": "get",
    "find": "get",
    "sync": "sync",
    "create": "create",
    "update": "update",
    "delete": "delete",
}
_CHANGES = frozenset({"create", "update", "delete"})
_WHILE_SHUT = frozenset({"test", "schema", "search", "sync"})


class CallObserver(Protocol):
    """Whoever counts calls; ``result`` is "ok" or the code of the error."""

    def observe_call(self, operation: str, *, result: str, seconds: float) -> None: ...


@dataclass(slots=True)
class _Live:
    """One open connector, and how many calls are inside."""

    connector: Connector
    calls: int = 0
    is_stale: bool = False


class ConnectorGuard:
    """One target as the rest of the daemon sees it; see the module for what it promises.

    ``build`` makes a connector that is not yet open. ``capabilities`` are those of the connector's class.
    """

    def __init__(
        self,
        build: Callable[[], Connector],
        *,
        capabilities: frozenset[str],
        limits: Limits,
        may_change: Callable[[], bool] = lambda: True,
        is_protected: Protects | None = None,
        observer: CallObserver | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        self.capabilities = capabilities
        self.limits = limits
        self._build = build
        self._may_change = may_change
        self._is_protected = is_protected
        self._observer = observer
        self._pulse = pulse or Pulse()
        self._turns = Turnstile(limits.concurrency)
        self._bucket = TokenBucket.full(limits.rate, now=time.monotonic()) if limits.rate else None
        self._held_until = 0.0
        #: The breaker is open: only its probe goes, and who lists the target may try.
        self.is_shut = False
        self._live: _Live | None = None
        self._opening = asyncio.Lock()
        self._is_closed = False

    async def __aenter__(self) -> Self:
        self._is_closed = False
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Close the connection, or leave that to the calls that are still under way, and to those that come late."""
        self._is_closed = True
        live = self._live
        if live is not None:
            self._retire(live)
            await _close_if_idle(live)

    @property
    def calls(self) -> tuple[int, int]:
        """How many calls are under way, and how many wait for their turn."""
        return self._turns.inside, self._turns.waiting

    @property
    def rate(self) -> float | None:
        """Calls a second that are kept to now."""
        return self._bucket.rate if self._bucket is not None else None

    @property
    def held_s(self) -> float:
        """For how long the target still wants to be left alone."""
        return max(self._held_until - time.monotonic(), 0.0)

    def hold(self, seconds: float) -> None:
        """Send nothing for so long; an earlier and longer wish stands."""
        self._held_until = max(self._held_until, time.monotonic() + seconds)

    def keep_to(self, slots: int, rate: float | None, *, until: float, is_newcomer: bool = False) -> None:
        """Use this share of the target's limits until that moment of ``boottime``, and nothing after it.

        ``is_newcomer``: others use the target already, so nothing of the rate was saved up for us.
        """
        self._turns.set_limit(slots, until=until)
        if self._bucket is not None and rate:
            self._bucket = self._bucket.at_rate(rate, now=time.monotonic(), is_empty=is_newcomer)

    async def test_connection(self) -> str:
        """Say in one sentence what answered."""
        answer: str = await self._call("test", lambda connector: connector.test_connection())
        return answer

    async def schema(self, object_class: str) -> ObjectSchema:
        schema: ObjectSchema = await self._call("schema", lambda connector: connector.schema(object_class))
        return schema

    async def marks(self, object_class: str, *, count: int) -> list[str]:
        """Where a listing can be divided into so many parts, at a connector with "ranges"."""
        found: list[str] = await self._call("search", lambda connector: connector.marks(object_class, count=count))
        return found

    async def search(
        self, object_class: str, *, token: str | None = None, page_size: int | None = None, span: Span | None = None
    ) -> Page:
        """One page, of a part or of all; raises ``ListingChanged`` for a token that no longer leads on."""
        at = {"token": token, "page_size": page_size or self.limits.page_size}
        page: Page = await self._call(
            "search", lambda c: c.search_within(object_class, span, **at) if span else c.search(object_class, **at)
        )
        if page.next_token is not None and page.next_token == token:
            raise PermanentError("The target's listing does not move on; its paging is broken.")
        return page

    async def get(self, object_class: str, uid: str) -> TargetAccount | None:
        found: TargetAccount | None = await self._call("get", lambda connector: connector.get(object_class, uid))
        return found

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]:
        _refuse_unencodable({attribute: value})
        found: list[TargetAccount] = await self._call("find", lambda c: c.find(object_class, attribute, value))
        return found

    async def sync(self, object_class: str, *, token: str | None) -> Changes:
        changes: Changes = await self._call("sync", lambda connector: connector.sync(object_class, token=token))
        return changes

    async def create(self, object_class: str, attributes: dict[str, Any], *, active: bool | None = None) -> str:
        """Make the object; returns its uid."""
        _refuse_unencodable(attributes)
        self._refuse_protected("", attributes, active)
        uid: str = await self._call("create", lambda c: c.create(object_class, attributes, active=active))
        return uid

    async def update(
        self,
        object_class: str,
        uid: str,
        attributes: dict[str, Any],
        *,
        active: bool | None = None,
        seen: TargetAccount | None = None,
    ) -> str:
        """Change the object; returns its uid, which a rename may have changed.

        ``seen`` is the object as it was read a moment ago: it is not read again to find out whether it is protected.
        """
        _refuse_unencodable(attributes)
        await self._refuse_if_protected(object_class, uid, attributes, seen=seen)
        new_uid: str = await self._call("update", lambda c: c.update(object_class, uid, attributes, active=active))
        return new_uid

    async def delete(self, object_class: str, uid: str) -> bool:
        """Remove the object; False when there was none."""
        try:
            await self._refuse_if_protected(object_class, uid, {})
            await self._call("delete", lambda connector: connector.delete(object_class, uid))
        except UnknownUid:
            return False
        return True

    async def _refuse_if_protected(
        self, object_class: str, uid: str, attributes: dict[str, Any], *, seen: TargetAccount | None = None
    ) -> None:
        """Read the account as it is now: what we remember of it may be old."""
        if self._is_protected is None:
            return
        if "get" not in self.capabilities:
            raise ProtectedAccount("This target cannot be read, so no account can be shown to be unprotected.")
        account = seen or await self.get(object_class, uid)
        if account is None:
            raise UnknownUid
        self._refuse_protected(uid, account.attributes, account.active)
        self._refuse_protected(uid, {**account.attributes, **attributes}, account.active)

    def _refuse_protected(self, uid: str, attributes: Mapping[str, Any], active: bool | None) -> None:
        if self._is_protected is not None and self._is_protected(TargetAccount(uid, dict(attributes), active)):
            raise ProtectedAccount

    async def _call(self, operation: str, send: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        needs = _NEEDS[operation]
        if needs is not None and needs not in self.capabilities:
            raise Unsupported(f"This connector type cannot {operation}.")
        changes = operation in _CHANGES
        if self.is_shut and operation not in _WHILE_SHUT:
            raise TargetUnavailable("It failed again and again, and is not called before a probe of it succeeds.")
        started = time.monotonic()
        result = "ok"
        try:
            return await self._in_turn(send, changes=changes)
        except ConnectorError as error:
            result = error.code
            self._hold_off(error)
            raise
        finally:
            if self._observer is not None:
                self._observer.observe_call(operation, result=result, seconds=time.monotonic() - started)

    async def _in_turn(self, send: Callable[[Any], Coroutine[Any, Any, Any]], *, changes: bool) -> Any:
        """Wait for our turn, and send. Until then giving up is always safe."""
        self._refuse_while_held()
        if self._turns.is_free:
            await self._turns.enter()  # at once
        else:
            await self._queue()
        try:
            await self._pace()
            self._refuse_while_held()
            return await self._watched(self._sent(send, changes=changes))
        finally:
            self._turns.leave()

    async def _watched(self, call: Coroutine[Any, Any, Any]) -> Any:
        """A failure of the target is none of its own when we were held still while we waited for it."""
        began = self._pulse.begin()
        try:
            return await call
        except TransientError as error:
            if error.is_system_failure and self._pulse.was_held_since(began):
                raise HeldStill(retry_after=error.retry_after) from error
            raise
        finally:
            self._pulse.end()

    async def _queue(self) -> None:
        try:
            async with asyncio.timeout(self.limits.deadline_s):
                await self._turns.enter()
        except TimeoutError:
            raise TargetBusy("Earlier calls kept this one waiting for longer than the deadline.") from None

    def _refuse_while_held(self) -> None:
        left = self._held_until - time.monotonic()
        if left > 0:
            raise TargetBusy("The target asked us to wait.", retry_after=timedelta(seconds=left))

    async def _pace(self) -> None:
        if self._bucket is None:
            return
        now = time.monotonic()
        delay = self._bucket.delay(now)
        if delay > self.limits.deadline_s:
            raise TargetBusy("The rate limit keeps this call waiting.", retry_after=timedelta(seconds=delay))
        self._bucket = self._bucket.take(now)
        if delay:
            await asyncio.sleep(delay)

    async def _sent(self, send: Callable[[Any], Coroutine[Any, Any, Any]], *, changes: bool) -> Any:
        live = await self._open()
        live.calls += 1
        try:
            if changes and not self._may_change():
                raise LeaseLost
            return await self._within_deadline(send(live.connector), changes=changes)
        except ConnectorError as error:
            if error.is_system_failure:
                self._retire(live)
            raise
        finally:
            live.calls -= 1
            await _close_if_idle(live)

    async def _open(self) -> _Live:
        """The connection, made within the deadline: who waits for somebody else's attempt waits no longer than that."""
        if self._live is not None:
            return self._live
        opened: _Live = await self._within_deadline(self._opened(), changes=False)
        return opened

    async def _opened(self) -> _Live:
        async with self._opening:
            if self._live is not None:
                return self._live
            connector = self._build()
            await connector.__aenter__()
            live = _Live(connector, is_stale=self._is_closed)
            if not self._is_closed:  # else somebody still holds a guard that was replaced: one call, one connection
                self._live = live
            return live

    def _retire(self, live: _Live) -> None:
        live.is_stale = True
        if self._live is live:
            self._live = None

    async def _within_deadline(self, call: Coroutine[Any, Any, Any], *, changes: bool) -> Any:
        try:
            async with asyncio.timeout(self.limits.deadline_s):
                return await call
        except (TransientError, PermanentError):
            raise
        except TimeoutError:
            if changes:
                raise OutcomeUnknown("No answer came within the deadline.") from None
            raise TargetTimeout from None
        except Exception as error:  # noqa: BLE001 - the edge to code that is not ours: nothing unknown gets past it
            raise ConnectorBug(_place_of(error)) from None

    def _hold_off(self, error: ConnectorError) -> None:
        """Send nothing more while the target's own time runs."""
        retry_after = error.retry_after if isinstance(error, TransientError) else None
        if retry_after is not None:
            self.hold(min(retry_after, LONGEST_HOLD).total_seconds())


def _refuse_unencodable(attributes: Mapping[str, Any]) -> None:
    """Refuse text that no protocol can carry (lone surrogates), naming the attribute."""
    for name, value in attributes.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and not one.isascii() and any("\ud800" <= char <= "\udfff" for char in one):
                raise InvalidAttributes(f"{name} is not valid text.", attribute=name)


def _place_of(error: Exception) -> str:
    """Where an unknown failure came from, without its message: that may hold a value or a secret."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" at {Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place is not None else ""
    return f"The connector failed with {type(error).__name__}{where}."


async def _close_if_idle(live: _Live) -> None:
    """Close what may already be broken; how that fails is of no interest, and it must not hold anybody up."""
    if not live.is_stale or live.calls:
        return
    try:
        async with asyncio.timeout(CLOSE_S):
            await live.connector.__aexit__(None, None, None)
    except Exception:  # noqa: BLE001, S110 - the edge to code that is not ours; there is nothing left to save
        pass
