"""What is particular to directories; what every target promises is in tests/conformance."""

import asyncio
import builtins
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from anyldap import ldap

from tests.conformance.targets import Target
from tests.conformance.targets.ldap import PASSWORD, PEOPLE, ROOT_DN, SIZE_LIMIT, Slapd
from worker.connectors import ConnectorGuard, guard_for
from worker.connectors.base import ConnectorContext
from worker.connectors.builtin import ldapwire
from worker.connectors.builtin.ldap import LdapConnector, LdapSettings
from worker.domain.connector import Connector, Limits
from worker.domain.errors import (
    CredentialsRejected,
    InvalidAttributes,
    ListingChanged,
    OutcomeUnknown,
    PermanentError,
    ProtectedAccount,
    TargetTimeout,
    TargetUnavailable,
    UnknownUid,
    Unsupported,
)

needs_slapd = pytest.mark.needs("slapd")
NOBODY = "00000000-0000-1000-8000-000000000000"


def guard_to(
    url: str, *, password: str | None = PASSWORD, limits: Limits | None = None, **config: Any
) -> ConnectorGuard:
    settings = {"url": url, "base_dn": PEOPLE, "bind_dn": ROOT_DN, **config}
    connector = Connector(uuid4(), uuid4(), "directory", "ldap", config=settings, limits=limits or Limits(deadline_s=5))
    return guard_for(connector, credentials={"password": password} if password else {})


@asynccontextmanager
async def administrator(slapd: Slapd) -> AsyncIterator[ldap.ldapobject.SimpleLDAPObject]:
    """Somebody else who works at the directory."""
    async with ldap.initialize(slapd.url) as connection:
        await connection.simple_bind_s(ROOT_DN, PASSWORD)
        yield connection


def dn_of(person: dict[str, Any]) -> str:
    return f"uid={person['uid']},{PEOPLE}"


@needs_slapd
async def test_entry_renamed_behind_our_back_is_still_found(ldap_target: Target, slapd: Slapd):
    person, other = ldap_target.someone(), ldap_target.someone()
    async with ldap_target.guard() as guard, administrator(slapd) as admin:
        uid = await guard.create("user", person)
        await admin.rename_s(dn_of(person), f"uid={other['uid']}")
        await guard.update("user", uid, {"title": "found"})

        assert (await guard.get("user", uid)).attributes["title"] == "found"
        assert (await guard.get("user", uid)).attributes["uid"] == other["uid"]


@needs_slapd
@pytest.mark.parametrize("act", ["update", "rename", "disable", "delete"])
async def test_name_that_went_to_somebody_else_is_never_changed(ldap_target: Target, slapd: Slapd, act: str):
    """We remember the name of an entry; by the time we use it, it may be another's."""
    person, other = ldap_target.someone(), ldap_target.someone()
    async with ldap_target.guard() as guard, administrator(slapd) as admin, ldap_target.guard() as colleague:
        uid = await guard.create("user", person, active=True)
        await admin.rename_s(dn_of(person), f"uid={other['uid']}")
        heir = await colleague.create("user", person, active=True)
        before = await colleague.get("user", heir)
        match act:
            case "update":
                await guard.update("user", uid, {"title": "changed"})
            case "rename":
                await guard.update("user", uid, {"uid": ldap_target.someone()["uid"]})
            case "disable":
                await guard.update("user", uid, {}, active=False)
            case _:
                assert await guard.delete("user", uid) is True

        assert await colleague.get("user", heir) == before
        changed = await guard.get("user", uid)
        assert changed is None if act == "delete" else changed.uid == uid


@needs_slapd
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda guard, uid, other, new: guard.create("user", new), id="create"),
        pytest.param(lambda guard, uid, other, new: guard.update("user", uid, {"title": "changed"}), id="update"),
        pytest.param(lambda guard, uid, other, new: guard.update("user", other, {"uid": new["uid"]}), id="rename onto"),
        pytest.param(lambda guard, uid, other, new: guard.update("user", uid, {}, active=False), id="disable"),
        pytest.param(lambda guard, uid, other, new: guard.delete("user", uid), id="delete"),
    ],
)
async def test_protected_entry_is_never_changed(
    ldap_target: Target, slapd: Slapd, change: Callable[..., Awaitable[object]]
):
    """The filter's uid is the directory's attribute; what we call uid is the entry's UUID."""
    service, new = ({**ldap_target.someone(), "uid": f"svc-{uuid4().hex[:8]}"} for _ in range(2))
    config = {"url": slapd.url, "base_dn": PEOPLE, "bind_dn": ROOT_DN, "active_attribute": "employeeType"}
    connector = Connector(uuid4(), uuid4(), "directory", "ldap", config=config, protected_filter='uid sw "svc-"')
    credentials = {"password": PASSWORD}
    async with ldap_target.guard() as colleague, guard_for(connector, credentials=credentials) as guard:
        uid = await colleague.create("user", service, active=True)
        other = await colleague.create("user", ldap_target.someone(), active=True)
        before = await colleague.get("user", uid)

        with pytest.raises(ProtectedAccount):
            await change(guard, uid, other, new)

        assert await colleague.get("user", uid) == before


@needs_slapd
async def test_entry_deleted_behind_our_back_is_unknown(ldap_target: Target, slapd: Slapd):
    person = ldap_target.someone()
    async with ldap_target.guard() as guard, administrator(slapd) as admin:
        uid = await guard.create("user", person)
        await admin.delete_s(dn_of(person))

        with pytest.raises(UnknownUid):
            await guard.update("user", uid, {"title": "x"})
        assert await guard.delete("user", uid) is False


@needs_slapd
async def test_server_without_assertions_is_asked_for_the_name_each_time(
    ldap_target: Target, slapd: Slapd, monkeypatch
):
    async def no_assertion(connection: Any) -> bool:
        return False

    monkeypatch.setattr("worker.connectors.builtin.ldapwire.supports_assertion", no_assertion)
    person, other = ldap_target.someone(), ldap_target.someone()
    async with ldap_target.guard() as guard, administrator(slapd) as admin:
        uid = await guard.create("user", person)
        await admin.rename_s(dn_of(person), f"uid={other['uid']}")
        heir = await guard.create("user", person)
        await guard.update("user", uid, {"title": "found"})

        assert (await guard.get("user", uid)).attributes["title"] == "found"
        assert (await guard.get("user", heir)).attributes["title"] == "Dr."
        assert await guard.delete("user", uid) is True


@needs_slapd
async def test_server_that_does_not_return_the_new_entry_is_asked(ldap_target: Target, monkeypatch):
    original = ldapwire.add

    async def silent(*args: Any, **options: Any) -> None:
        await original(*args, **options)

    monkeypatch.setattr(ldapwire, "add", silent)
    person = ldap_target.someone()
    async with ldap_target.guard() as guard:
        uid = await guard.create("user", person)

        assert (await guard.get("user", uid)).attributes["uid"] == person["uid"]


@needs_slapd
async def test_listing_goes_beyond_what_the_server_gives_at_once(ldap_target: Target):
    async with ldap_target.guard() as guard:
        for _ in range(SIZE_LIMIT // 100 + 1):
            await asyncio.gather(*(guard.create("user", ldap_target.someone()) for _ in range(100)))
        found, token, is_last = set(), None, False
        while not is_last:
            page = await guard.search("user", token=token, page_size=200)
            found |= {account.uid for account in page.accounts}
            token, is_last = page.next_token, page.is_last

    assert len(found) > SIZE_LIMIT


@needs_slapd
async def test_page_is_given_once(ldap_target: Target):
    async with ldap_target.guard() as guard:
        for _ in range(3):
            await guard.create("user", ldap_target.someone())
        first = await guard.search("user", page_size=1)
        await guard.search("user", token=first.next_token, page_size=1)
        with pytest.raises(ListingChanged):
            await guard.search("user", token=first.next_token, page_size=1)


@needs_slapd
async def test_listings_at_the_same_time_do_not_meet(ldap_target: Target):
    async with ldap_target.guard() as guard:
        uids = {await guard.create("user", ldap_target.someone()) for _ in range(5)}
        tokens: list[str | None] = [None, None]
        seen: list[set[str]] = [set(), set()]
        while any(token is not None for token in tokens) or not all(seen):
            for number in (0, 1):
                if seen[number] and tokens[number] is None:
                    continue
                page = await guard.search("user", token=tokens[number], page_size=3)
                seen[number] |= {account.uid for account in page.accounts}
                tokens[number] = page.next_token

    assert seen[0] == seen[1] >= uids


@needs_slapd
async def test_refused_value_is_told_by_its_attribute(ldap_target: Target):
    async with ldap_target.guard() as guard:
        with pytest.raises(InvalidAttributes, match="mail"):
            await guard.create("user", {**ldap_target.someone(), "mail": "jörg@exämple.com"})
        with pytest.raises(InvalidAttributes):
            await guard.create("user", {**ldap_target.someone(), "sn": None})
        with pytest.raises(InvalidAttributes, match="uid"):
            await guard.create("user", {**ldap_target.someone(), "uid": ["a", "b"]})
        with pytest.raises(InvalidAttributes, match="uid"):
            await guard.create("user", {"cn": "a", "sn": "b"})


@needs_slapd
async def test_password_is_written_and_never_read(ldap_target: Target, slapd: Slapd):
    person = ldap_target.someone()
    async with ldap_target.guard() as guard:
        uid = await guard.create("user", {**person, "userPassword": "their-own"})
        account = await guard.get("user", uid)
    async with ldap.initialize(slapd.url) as connection:
        await connection.simple_bind_s(dn_of(person), "their-own")

    assert "userPassword" not in account.attributes


@needs_slapd
async def test_bind_without_a_password_is_not_even_tried(slapd: Slapd):
    """A directory would answer it with success, as somebody anonymous."""
    async with guard_to(slapd.url, password=None) as guard:
        with pytest.raises(CredentialsRejected):
            await guard.test_connection()


@needs_slapd
@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param({"base_dn": "ou=nowhere,dc=example,dc=com"}, "no entry", id="base is missing"),
        pytest.param({"base_dn": "dc=other"}, "code 53", id="base is another's"),
    ],
)
async def test_base_that_is_not_there_is_explained(slapd: Slapd, config, message):
    async with guard_to(slapd.url, **config) as guard:
        with pytest.raises((PermanentError, UnknownUid)):
            await guard.test_connection()
        with pytest.raises(PermanentError, match=message):
            await guard.create("user", {"uid": "a", "cn": "a", "sn": "a"})


@needs_slapd
async def test_idle_connection_that_the_server_closed_is_replaced(ldap_target: Target):
    assert ldap_target.gate is not None
    async with ldap_target.guard() as guard:
        uid = await guard.create("user", ldap_target.someone())
        await ldap_target.gate.cut()
        await ldap_target.gate.open()

        assert await guard.update("user", uid, {"title": "x"}) == uid


async def test_missing_library_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name.startswith(("anyldap", "worker.connectors.builtin.ldapwire")) or "ldapwire" in (args[2] or ()):
            raise ModuleNotFoundError("No module named 'anyldap'", name="anyldap")
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    connector = LdapConnector(LdapSettings(url="ldap://a", base_dn="dc=x"), ConnectorContext("directory"))
    with pytest.raises(Unsupported, match=r"provisiond\[ldap\]"):
        await connector.__aenter__()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x30\x05\x02\x01\x01\xff\xff" * 50)


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def _endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01")  # "two gigabytes follow"
    for _ in range(64):
        writer.write(b"\x00" * 2**20)
        await writer.drain()


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_garbage, id="garbage"),
        pytest.param(_http, id="another protocol"),
        pytest.param(_endless, id="endless answer"),
        pytest.param(_hang_up, id="hangs up"),
        pytest.param(_silence, id="silence"),
    ],
)
async def test_hostile_server_ends_in_an_error_of_ours(answer: Serve):
    async with hostile(answer) as url, guard_to(url, limits=Limits(deadline_s=1.0)) as guard:
        with pytest.raises((TargetUnavailable, TargetTimeout)):
            await guard.get("user", NOBODY)
        with pytest.raises((TargetUnavailable, TargetTimeout)):
            await guard.create("user", {"uid": "a", "cn": "a", "sn": "a"})


async def test_server_that_turns_hostile_leaves_a_change_unknown():
    async def later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for kind in (0x61, 0x65):  # the bind and the first search succeed
            writer.write(_success(await reader.read(4096), kind))
        await reader.read(4096)
        await _garbage(reader, writer)

    async with hostile(later) as url, guard_to(url) as guard:
        with pytest.raises(OutcomeUnknown):
            await guard.create("user", {"uid": "a", "cn": "a", "sn": "a"})


def _success(request: bytes, kind: int) -> bytes:
    """An answer of this kind to the request, whose number stands behind the length of the message."""
    start = 2 + (request[1] & 0x7F if request[1] & 0x80 else 0)
    number = request[start : start + 2 + request[start + 1]]
    body = number + bytes([kind, 7]) + bytes.fromhex("0a010004000400")
    return bytes([0x30, len(body)]) + body


@asynccontextmanager
async def hostile(answer: Serve) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"ldap://127.0.0.1:{server.sockets[0].getsockname()[1]}"
