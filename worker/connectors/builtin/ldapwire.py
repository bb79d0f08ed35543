"""Connections to an LDAP server through anyldap, and what the server's answers mean.

Imported only when a connection is wanted: the library comes with the extra ``ldap``.
"""

import select
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from anyio.abc import ByteStream
from anyldap import ldap
from anyldap.ldap.controls import SimplePagedResultsControl
from anyldap.ldap.controls.readentry import PostReadControl
from anyldap.ldap.errors import LDAPError
from anyldap.ldap.ldapobject import SimpleLDAPObject
from anyldap.protocols import pureldap
from anyldap.protocols.pureber import BERBase, BERException, BEROctetString, UnknownBERTag

from worker.domain.errors import (
    AccessRefused,
    AlreadyExists,
    ConnectorError,
    CredentialsRejected,
    InvalidAttributes,
    ListingChanged,
    OutcomeUnknown,
    PermanentError,
    TargetBusy,
    TargetTimeout,
    TargetUnavailable,
    UnknownUid,
)
from worker.domain.ids import uuid7

#: No answer to one request may make us hold more than this in memory.
LARGEST_ANSWER = 16 * 1024 * 1024
OPEN_LISTINGS = 4

#: What the library raises when a server refuses, goes away, or answers what is not LDAP.
FAILURES = (LDAPError, OSError, BERException, UnknownBERTag, AssertionError, ValueError, IndexError, RecursionError)

#: What an entry must meet, all of it: attribute, "=" or ">=", value. Nothing at all means any entry.
Where = tuple[tuple[str, str, str], ...]
Entry = tuple[str, dict[str, list[bytes]]]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is and who we are there; ``tls`` None means plain text."""

    url: str
    bind_dn: str | None
    password: str | None
    tls: ssl.SSLContext | None
    use_start_tls: bool
    connect_s: float


class Connection(SimpleLDAPObject):
    """A connection that reads a bounded answer and follows no referral."""

    def __init__(self, address: Address) -> None:
        super().__init__(address.url, ssl_context=address.tls)
        self.set_option(ldap.OPT_REFERRALS, 0)
        self.set_option(ldap.OPT_NETWORK_TIMEOUT, address.connect_s)

    async def _connect_stream(self) -> ByteStream:
        self.meter = _Metered(await super()._connect_stream())
        return self.meter

    async def start_search(
        self, base: str, *, scope: int, where: Where, attributes: list[str], controls: list[Any] | None = None
    ) -> int:
        """The library's own takes a filter as text, to be parsed: slow, and one more thing to escape."""
        request = pureldap.LDAPSearchRequest(
            baseObject=base, scope=scope, derefAliases=self.deref, filter=filter_of(where), attributes=attributes
        )
        return await self._start(request, controls, ldap.RES_SEARCH_RESULT, pureldap.LDAPSearchResultDone)

    def is_usable(self) -> bool:
        """Whether nothing has come in unasked: what a server says to an idle connection is that it ends."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN | select.POLLHUP)
        return not poll.poll(0)


class _Metered(ByteStream):
    """A stream that ends when one answer grows beyond measure."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.left = LARGEST_ANSWER

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return self._stream.extra_attributes

    async def receive(self, max_bytes: int = 65536) -> bytes:
        data = await self._stream.receive(max_bytes)
        self.left -= len(data)
        if self.left < 0:
            raise OSError("the answer is too large")
        return data

    async def send(self, item: bytes) -> None:
        await self._stream.send(item)

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()


class Pool:
    """Open connections that nobody uses at the moment; who takes one has it alone."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection that goes back unless it broke, or was left in the middle of an answer."""
        taken = await self.take()
        try:
            yield taken
        except LDAPError as error:
            await self._after(taken, is_answer=(error.errnum or -1) > 0)
            raise
        except BaseException:
            await close(taken)
            raise
        self._idle.append(taken)

    async def take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable():
                connection.meter.left = LARGEST_ANSWER
                return connection
            await close(connection)
        return await _opened(self._address)

    async def aclose(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await close(connection)

    async def _after(self, connection: Connection, *, is_answer: bool) -> None:
        if is_answer:
            self._idle.append(connection)
        else:
            await close(connection)


@dataclass(slots=True)
class Listing:
    """A listing under way: the server's cookie is good only on the connection that it came by."""

    connection: Connection
    cookie: bytes = b""
    page: int = 1


class Listings:
    """The listings under way, a few at once; the oldest makes room."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._open: OrderedDict[str, Listing] = OrderedDict()

    async def at(self, token: str | None) -> tuple[str, Listing]:
        """The listing that a token continues, or a new one; a token is good once, and only in this process."""
        if token is None:
            while len(self._open) >= OPEN_LISTINGS:
                await self.end(next(iter(self._open)))
            name = uuid7().hex
            self._open[name] = Listing(await self._pool.take())
            return name, self._open[name]
        name, _, page = token.partition(":")
        listing = self._open.get(name)
        if listing is None or str(listing.page) != page:
            raise ListingChanged
        return name, listing

    async def end(self, name: str) -> None:
        listing = self._open.pop(name, None)
        if listing is not None:
            await close(listing.connection)

    async def aclose(self) -> None:
        for name in list(self._open):
            await self.end(name)


async def _opened(address: Address) -> Connection:
    connection = Connection(address)
    try:
        if address.use_start_tls:
            await connection.start_tls_s()
        await connection.simple_bind_s(address.bind_dn or "", address.password or "")
    except BaseException as error:
        await close(connection)
        if isinstance(error, FAILURES):
            raise connect_error_of(error) from None
        raise
    return connection


async def close(connection: Connection) -> None:
    """Drop a connection; a server that has gone needs no good-bye."""
    with suppress(*FAILURES):
        await connection.unbind_s()


_TERMS = {"=": pureldap.LDAPFilter_equalityMatch, ">=": pureldap.LDAPFilter_greaterOrEqual}


def filter_of(where: Where) -> BERBase:
    """The filter (RFC 4511 4.5.1.7) as a tree: nothing in a value can mean anything but itself."""
    if not where:
        return pureldap.LDAPFilter_present("objectClass")
    terms = [
        _TERMS[operator](BEROctetString(name.encode()), BEROctetString(value.encode()))
        for name, operator, value in where
    ]
    return terms[0] if len(terms) == 1 else pureldap.LDAPFilter_and(terms)


async def search(connection: Connection, base: str, *, scope: int, where: Where, attributes: list[str]) -> list[Entry]:
    number = await connection.start_search(base, scope=scope, where=where, attributes=attributes)
    _, found, _, _ = await connection.result3(number)
    return _entries(found)


async def search_page(
    connection: Connection, base: str, *, scope: int, where: Where, attributes: list[str], size: int, cookie: bytes
) -> tuple[list[Entry], bytes]:
    """One page of a listing, and the cookie of the next: it belongs to this connection. Empty at the end."""
    control = SimplePagedResultsControl(criticality=True, size=size, cookie=cookie)
    connection.meter.left = LARGEST_ANSWER
    number = await connection.start_search(base, scope=scope, where=where, attributes=attributes, controls=[control])
    _, found, _, answers = await connection.result3(number)
    following = next((one.cookie for one in answers if isinstance(one, SimplePagedResultsControl)), b"")
    return _entries(found), following


def _entries(found: list[Any]) -> list[Entry]:
    """The entries without the references to other servers, which are not followed."""
    return [(dn, values) for dn, values in found if dn is not None]


async def add(
    connection: Connection, dn: str, values: list[tuple[str, list[bytes]]], *, read_back: str
) -> bytes | None:
    """Add an entry; returns the first value of ``read_back`` as the server made it, None where it does not tell."""
    control = PostReadControl(criticality=False, attrList=[read_back])
    _, _, _, answers = await connection.add_ext_s(dn, values, serverctrls=[control])
    for answer in answers:
        if isinstance(answer, PostReadControl):
            for name, found in (answer.entry or {}).items():
                if name.lower() == read_back.lower() and found:
                    return bytes(found[0])
    return None


def assertion(where: Where) -> list[Any]:
    """The control that makes a change fail when the object is not the one the filter names (RFC 4528)."""
    return [(ldap.CONTROL_ASSERT.encode(), 1, filter_of(where).toWire())]


async def supports_assertion(connection: Connection) -> bool:
    found = await search(connection, "", scope=ldap.SCOPE_BASE, where=(), attributes=["supportedControl"])
    return any(ldap.CONTROL_ASSERT.encode() in values.get("supportedControl", []) for _, values in found)


_INVALID = frozenset({16, 17, 18, 19, 20, 21, 34, 64, 65, 66, 67, 69})


def connect_error_of(error: BaseException) -> ConnectorError:
    """Classify a failure to connect or bind: nothing was sent."""
    number = getattr(error, "errnum", None)
    if number == 49:
        return CredentialsRejected("The directory rejects our name or password.")
    if number in {8, 13}:
        return AccessRefused("The directory wants an encrypted connection.")
    if number in {48, 53}:
        return CredentialsRejected("The directory does not let this name sign in so.")
    return TargetUnavailable("The directory cannot be reached.")


def error_of(error: BaseException, *, sent: Mapping[str, Any], changes: bool) -> ConnectorError:
    """Classify what came of a request; ``sent`` are the attributes, of which a complaint may name one."""
    number = getattr(error, "errnum", None)
    if number is None or number < 0:
        return _lost(number, changes=changes)
    if number in _INVALID:
        name = _named_in(error, sent)
        return InvalidAttributes(f"The directory refuses {name or 'the attributes'} (code {number}).", attribute=name)
    if number == 80 and changes:
        return OutcomeUnknown("The directory failed while it worked on the change.")
    kind = _KINDS.get(number)
    if kind is None:
        return PermanentError(f"The directory refuses the request (code {number}).")
    return kind()


_KINDS: Mapping[int, Callable[[], ConnectorError]] = {
    1: lambda: TargetBusy("The directory could not do it just now."),
    3: lambda: TargetBusy("The directory ran out of time."),
    4: lambda: PermanentError("The directory lets us list only part of its entries; allow paged results."),
    10: lambda: PermanentError("The directory refers us elsewhere; referrals are not followed."),
    11: lambda: PermanentError("The directory lets us list only part of its entries; allow paged results."),
    32: UnknownUid,
    49: CredentialsRejected,
    50: AccessRefused,
    51: TargetBusy,
    52: TargetUnavailable,
    68: AlreadyExists,
    71: lambda: PermanentError("The new place is on another server."),
    80: TargetUnavailable,
}


def _lost(number: int | None, *, changes: bool) -> ConnectorError:
    if changes:
        return OutcomeUnknown("The connection to the directory broke while the change was under way.")
    if number == -5:
        return TargetTimeout()
    return TargetUnavailable("The connection to the directory broke.")


def _named_in(error: BaseException, sent: Mapping[str, Any]) -> str | None:
    """The attribute a server's complaint begins with, if it is one that we sent; the rest may quote values."""
    first = str(getattr(error, "info", "") or "").partition(":")[0].strip()
    return next((name for name in sent if name.lower() == first.lower()), None)
