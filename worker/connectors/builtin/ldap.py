"""The ``ldap`` type: the entries of a directory below one base (RFC 4511), read and written with the extra ``ldap``.

The uid is the value of ``entryUUID`` (RFC 4530), which outlives renames; the entry's name (DN) is looked up by it and
remembered. Where the server knows the assertion control (RFC 4528), a change carries "only if this is that object",
so a name that went to somebody else since is never changed; where it does not, the name is looked up each time.

An account is disabled by an attribute: ``active_attribute`` gets ``inactive_value``, and ``active_value`` (or nothing)
when it is enabled again. OpenLDAP with its password policy: ``pwdAccountLockedTime`` and ``000001010000Z``.

What exactly once can mean here: add is refused when the name is taken, a modification replaces values, a delete is
repeatable. After a lost answer the entry is simply read again.
"""

import asyncio
import json
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar

from worker.connectors.base import Change, Changes, ConnectorContext, ObjectSchema, Page
from worker.connectors.builtin.ldapnames import (
    check_attribute,
    folded,
    from_values,
    parent_of,
    rdn,
    rdn_value,
    to_values,
)
from worker.connectors.builtin.ldapschema import WANTED, Subschema, object_schema, read_subschema
from worker.connectors.builtin.ldapsettings import LdapSettings
from worker.domain.account import TargetAccount
from worker.domain.errors import (
    CredentialsRejected,
    InvalidAttributes,
    ListingChanged,
    OutcomeUnknown,
    PermanentError,
    TargetBusy,
    UnknownUid,
    Unsupported,
)

T = TypeVar("T")
Where = tuple[tuple[str, str, str], ...]
Entry = tuple[str, dict[str, list[bytes]]]

REMEMBERED_NAMES = 20_000
#: How far a server's clock may be behind ours when changes are followed for the first time.
CLOCK_SKEW = timedelta(minutes=10)
_ASSERTION_FAILED = 122
_BASE, _ONE_LEVEL, _SUBTREE = 0, 1, 2
_REPLACE = 2
#: Passwords can be written, and must never be read into our records; the stamp is only asked for to follow changes.
_UNREADABLE = frozenset({"userpassword", "modifytimestamp"})


class LdapConnector:
    """Entries of an LDAP directory."""

    type: ClassVar[str] = "ldap"
    Settings: ClassVar[Any] = LdapSettings
    secrets: ClassVar[Mapping[str, str]] = {"password": "the password of bind_dn"}

    def __init__(self, settings: LdapSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._context = context
        self._names: OrderedDict[str, str] = OrderedDict()
        self._listings: Any = None
        self._wire: Any = None
        self._pool: Any = None
        self._can_assert = False

    async def __aenter__(self) -> Self:
        self._wire = _library()
        self._pool = self._wire.Pool(self._address())
        self._listings = self._wire.Listings(self._pool)
        self._can_assert = await self._read(self._wire.supports_assertion)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._pool is not None:
            await self._listings.aclose()
            await self._pool.aclose()

    async def test_connection(self) -> str:
        base = self._settings.base_dn
        if not await self._entry_at(base, ["1.1"]):
            raise PermanentError(f'There is no entry "{base}".')
        return f'The directory answers and "{base}" is there.'

    async def schema(self, object_class: str) -> ObjectSchema:
        return object_schema(object_class, self._settings, await self._subschema())

    async def _subschema(self) -> Subschema | None:
        """What the directory says of its entries; None where it shows us nothing of it."""
        try:
            at_base = await self._entry_at(self._settings.base_dn, ["subschemaSubentry"])
            named = _by_name(at_base[0][1]).get("subschemasubentry") if at_base else None
            found = await self._entry_at(named[0].decode(), list(WANTED)) if named else []
        except (PermanentError, UnicodeDecodeError):
            return None
        return await asyncio.to_thread(read_subschema, found[0][1]) if found else None

    async def search(self, object_class: str, *, token: str | None, page_size: int) -> Page:
        """Pages on one connection of their own; a token is good for the next page only, and while that is open."""
        entries, following = await self._page(token, where=self._kind, size=page_size, attributes=self._wanted)
        accounts = tuple(self._account(dn, values) for dn, values in entries)
        return Page(accounts, following, is_last=following is None)

    async def sync(self, object_class: str, *, token: str | None) -> Changes:
        """Entries modified since the token, by the server's stamps; deleted ones leave none."""
        if token is None:
            return Changes((), json.dumps([_stamp_of(datetime.now(UTC) - CLOCK_SKEW), None, None]))
        since, latest, listing = _place_of_sync_token(token)
        where = (*self._kind, ("modifyTimestamp", ">=", since))
        wanted = [*self._wanted, "modifyTimestamp"]
        entries, following = await self._page(listing, where=where, size=self._context.page_size, attributes=wanted)
        stamps = [value.decode() for _, values in entries for value in _by_name(values).get("modifytimestamp", [])]
        latest = max([*stamps, latest or since])
        accounts = [self._account(dn, values) for dn, values in entries]
        place = [latest, None, None] if following is None else [since, latest, following]
        changes = tuple(Change(account.uid, account) for account in accounts)
        return Changes(changes, json.dumps(place), is_last=following is None)

    async def get(self, object_class: str, uid: str) -> TargetAccount | None:
        found = await self._find(self._is(uid), self._wanted)
        if not found:
            return None
        self._remember(uid, found[0][0])
        return self._account(*found[0])

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]:
        check_attribute(attribute)
        if not value:
            return []
        found = await self._find((*self._kind, (attribute, "=", value)), self._wanted)
        return [self._account(dn, values) for dn, values in found]

    async def create(self, object_class: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        values = self._values(attributes, active)
        dn = f"{self._rdn_from(values)},{self._settings.base_dn}"
        classes = [name.encode() for name in self._settings.object_classes]
        modlist = [("objectClass", classes), *((name, given) for name, given in values.items() if given)]
        uid_name = self._settings.uid_attribute
        try:
            uid = await self._change(lambda c: self._wire.add(c, dn, modlist, read_back=uid_name), sent=attributes)
        except UnknownUid:
            raise PermanentError(f'There is no entry "{self._settings.base_dn}" to add to.') from None
        made = uid.decode() if uid else await self._uid_of(dn)
        self._remember(made, dn)
        return made

    async def update(self, object_class: str, uid: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        values = self._values(attributes, active)
        if values:
            await self._on_entry(uid, lambda dn: self._modify(uid, dn, values))
        elif await self.get(object_class, uid) is None:
            raise UnknownUid
        return uid

    async def delete(self, object_class: str, uid: str) -> None:
        controls = self._only_if(uid)
        await self._on_entry(uid, lambda dn: self._change(lambda c: c.delete_ext_s(dn, serverctrls=controls), sent={}))
        self._names.pop(uid, None)

    async def _modify(self, uid: str, dn: str, values: dict[str, list[bytes]]) -> None:
        naming = self._settings.rdn_attribute.lower()
        changes = [(_REPLACE, name, given) for name, given in values.items() if name.lower() != naming]
        if len(changes) < len(values):
            dn = await self._rename(uid, dn, self._rdn_from(values))
        if changes:
            controls = self._only_if(uid)
            await self._change(lambda c: c.modify_ext_s(dn, changes, serverctrls=controls), sent=values)

    async def _rename(self, uid: str, dn: str, new_rdn: str) -> str:
        """Give the entry its new name, unless it has it already; returns its name."""
        new_dn = f"{new_rdn},{parent_of(dn)}"
        if rdn_value(new_dn) == rdn_value(dn):
            return dn
        controls = self._only_if(uid)
        await self._change(lambda c: c.rename_s(dn, new_rdn, serverctrls=controls), sent={})
        self._remember(uid, new_dn)
        return new_dn

    async def _page(
        self, token: str | None, *, where: Where, size: int, attributes: list[str]
    ) -> tuple[list[Entry], str | None]:
        """One page of entries and the token of the next, None at the end."""
        name, listing = await self._listings.at(token)
        try:
            entries, listing.cookie = await self._wire.search_page(
                listing.connection,
                self._settings.base_dn,
                scope=self._scope,
                where=where,
                attributes=attributes,
                size=size,
                cookie=listing.cookie,
            )
        except BaseException as error:
            await self._listings.end(name)
            if isinstance(error, self._wire.FAILURES):
                raise self._wire.error_of(error, sent={}, changes=False) from None
            raise
        listing.page += 1
        if listing.cookie:
            return entries, f"{name}:{listing.page}"
        await self._listings.end(name)
        return entries, None

    async def _on_entry(self, uid: str, act: Callable[[str], Awaitable[None]]) -> None:
        """Act on the entry by its name; a remembered name that turns out to be old is looked up again, once."""
        remembered = self._names.get(uid) if self._can_assert else None
        if remembered is not None:
            try:
                return await act(remembered)
            except (_Moved, UnknownUid):  # nothing was changed: it was not this entry, or none at all
                self._names.pop(uid, None)
        try:
            return await act(await self._name_of(uid))
        except _Moved:
            raise TargetBusy("The entry was renamed while it was being changed.") from None

    async def _name_of(self, uid: str) -> str:
        found = await self._find(self._is(uid), ["1.1"])
        if not found:
            raise UnknownUid
        self._remember(uid, found[0][0])
        return found[0][0]

    async def _uid_of(self, dn: str) -> str:
        """For servers that do not return the entry with the answer to its creation."""
        found = await self._entry_at(dn, [self._settings.uid_attribute])
        values = _by_name(found[0][1]) if found else {}
        uid = values.get(self._settings.uid_attribute.lower())
        if not uid:
            raise OutcomeUnknown("The directory made an entry and does not tell its uid.")
        return uid[0].decode()

    def _remember(self, uid: str, dn: str) -> None:
        self._names[uid] = dn
        self._names.move_to_end(uid)
        while len(self._names) > REMEMBERED_NAMES:
            self._names.popitem(last=False)

    def _only_if(self, uid: str) -> Any:
        return self._wire.assertion(self._is(uid)) if self._can_assert else None

    def _is(self, uid: str) -> Where:
        return ((self._settings.uid_attribute, "=", uid),)

    @property
    def _kind(self) -> Where:
        return (("objectClass", "=", self._settings.object_classes[-1]),)

    async def _entry_at(self, dn: str, attributes: list[str]) -> list[Entry]:
        found: list[Entry] = await self._read(
            lambda c: self._wire.search(c, dn, scope=_BASE, where=(), attributes=attributes)
        )
        return found

    async def _find(self, where: Where, attributes: list[str]) -> list[Entry]:
        base, scope = self._settings.base_dn, self._scope
        found: list[Entry] = await self._read(
            lambda c: self._wire.search(c, base, scope=scope, where=where, attributes=attributes)
        )
        return found

    async def _read(self, call: Callable[[Any], Awaitable[T]]) -> T:
        return await self._exchange(call, sent={}, changes=False)

    async def _change(self, call: Callable[[Any], Awaitable[T]], *, sent: Mapping[str, Any]) -> T:
        return await self._exchange(call, sent=sent, changes=True)

    async def _exchange(self, call: Callable[[Any], Awaitable[T]], *, sent: Mapping[str, Any], changes: bool) -> T:
        try:
            async with self._pool.connection() as connection:
                if changes:
                    self._context.before_change()  # for each request, and after the wait for a connection
                return await call(connection)
        except self._wire.FAILURES as error:
            if getattr(error, "errnum", None) == _ASSERTION_FAILED:
                raise _Moved from None
            raise self._wire.error_of(error, sent=sent, changes=changes) from None

    def _address(self) -> Any:
        settings, password = self._settings, self._context.credentials.get("password")
        if settings.bind_dn and not password:  # a bind without a password succeeds, as nobody (RFC 4513 5.1.2)
            raise CredentialsRejected("The password of bind_dn is missing.")
        is_encrypted = settings.start_tls or settings.url.lower().startswith("ldaps:")
        return self._wire.Address(
            url=settings.url,
            bind_dn=settings.bind_dn,
            password=password,
            tls=ssl.create_default_context(cafile=settings.ca_file) if is_encrypted else None,
            use_start_tls=settings.start_tls,
            connect_s=self._context.connect_s,
        )

    @property
    def _scope(self) -> int:
        return _SUBTREE if self._settings.scope == "subtree" else _ONE_LEVEL

    @property
    def _wanted(self) -> list[str]:
        extra = [self._settings.active_attribute] if self._settings.active_attribute else []
        return ["*", self._settings.uid_attribute, *extra]

    def _values(self, attributes: dict[str, Any], active: bool | None) -> dict[str, list[bytes]]:
        """What to write, by attribute; no value clears. LDAP knows no empty text: it clears too."""
        values = {
            check_attribute(name): [one for one in to_values(name, value) if one] for name, value in attributes.items()
        }
        switch = self._settings.active_attribute
        if active is not None and switch:
            text = self._settings.active_value if active else self._settings.inactive_value
            values[switch] = to_values(switch, text)
        return values

    def _rdn_from(self, values: Mapping[str, list[bytes]]) -> str:
        naming = self._settings.rdn_attribute
        given = values.get(folded(values).get(naming.lower(), naming), [])
        if len(given) != 1:
            raise InvalidAttributes(f"{naming} names the entry and needs exactly one value.", attribute=naming)
        return rdn(naming, given[0].decode())

    def _account(self, dn: str, values: Mapping[str, list[bytes]]) -> TargetAccount:
        by_name = _by_name(values)
        uid = by_name.pop(self._settings.uid_attribute.lower(), [])
        if not uid:
            raise PermanentError(f"The directory does not show us {self._settings.uid_attribute}.")
        many = folded(dict.fromkeys(self._settings.multi_valued))
        attributes = {"dn": dn}
        for name, found in values.items():
            if name.lower() in by_name and name.lower() not in _UNREADABLE:
                attributes[name] = from_values(found, as_list=name.lower() in many)
        return TargetAccount(uid[0].decode(), attributes, self._active_of(by_name))

    def _active_of(self, by_name: Mapping[str, list[bytes]]) -> bool | None:
        switch = self._settings.active_attribute
        if switch is None:
            return None
        found = [value.decode(errors="replace").lower() for value in by_name.get(switch.lower(), [])]
        if self._settings.inactive_value.lower() in found:
            return False
        return True if self._settings.active_value is None or self._settings.active_value.lower() in found else None


class _Moved(Exception):
    """The entry of this name is not the one we mean."""


def _by_name(values: Mapping[str, list[bytes]]) -> dict[str, list[bytes]]:
    return {name.lower(): found for name, found in values.items()}


def _stamp_of(moment: datetime) -> str:
    """A time as LDAP writes it (RFC 4517 3.3.13), so that texts sort as times do."""
    return moment.strftime("%Y%m%d%H%M%SZ")


def _place_of_sync_token(token: str) -> tuple[str, str | None, str | None]:
    try:
        since, latest, listing = json.loads(token)
    except (ValueError, TypeError):
        raise ListingChanged from None
    return str(since), latest, listing


def _library() -> Any:
    try:
        from worker.connectors.builtin import ldapwire  # noqa: PLC0415 - an extra: only who uses LDAP needs it
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"anyldap", "anyio"}:
            raise
        raise Unsupported("LDAP needs an extra package: pip install 'provisiond[ldap]'.") from None
    return ldapwire
