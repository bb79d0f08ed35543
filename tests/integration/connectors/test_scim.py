"""A SCIM service that is unusual, broken or hostile; what every target promises is in tests/conformance."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from tests.conformance.targets import Target
from worker.connectors import ConnectorGuard, guard_for
from worker.domain.connector import Connector, Limits
from worker.domain.errors import (
    AccessRefused,
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

Answer = Callable[[web.Request], Any]
NO_PATCH = {"patch": {"supported": False}, "filter": {"maxResults": 2}}


@dataclass
class Service:
    """A scripted service: ``answers`` by method and path, everything else is 404."""

    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append((request.method, request.path_qs, json.loads(body) if body else None))
        answer = self.answers.get(f"{request.method} {request.path}")
        if answer is None:
            return web.Response(status=404)
        found = answer(request)
        return await found if asyncio.iscoroutine(found) else found


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    scripted = Service()
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{rest:.*}", scripted.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield scripted
    await runner.cleanup()


def guard_to(url: str, **limits: Any) -> ConnectorGuard:
    connector = Connector(uuid4(), uuid4(), "app", "scim", config={"url": url}, limits=Limits(**limits))
    return guard_for(connector, credentials={"token": "s3cret-token"})


def reply(status: int, body: Any = None, **headers: str) -> Answer:
    return lambda request: web.json_response(body, status=status, headers=headers)


CALLS = {
    "read": lambda guard: guard.get("user", "1"),
    "create": lambda guard: guard.create("user", {"userName": "anna"}),
    "update": lambda guard: guard.update("user", "1", {"title": "x"}),
    "delete": lambda guard: guard.delete("user", "1"),
}
PATHS = {"read": "GET /Users/1", "create": "POST /Users", "update": "PATCH /Users/1", "delete": "DELETE /Users/1"}
EVERY = list(CALLS)
CHANGES = EVERY[1:]


@pytest.mark.parametrize(
    ("status", "calls", "error"),
    [
        pytest.param(401, EVERY, CredentialsRejected, id="401"),
        pytest.param(403, EVERY, AccessRefused, id="403"),
        pytest.param(429, EVERY, TargetBusy, id="429"),
        pytest.param(503, EVERY, TargetUnavailable, id="503"),
        pytest.param(500, ["read"], TargetUnavailable, id="500 on a read"),
        pytest.param(500, CHANGES, OutcomeUnknown, id="500 on a change"),
        pytest.param(502, CHANGES, OutcomeUnknown, id="502 on a change"),
        pytest.param(400, CHANGES, InvalidAttributes, id="400"),
        pytest.param(404, ["update"], UnknownUid, id="404 on an update"),
        pytest.param(404, ["create"], PermanentError, id="404 on a create"),
        pytest.param(301, EVERY, PermanentError, id="redirect"),
        pytest.param(308, EVERY, PermanentError, id="redirect that keeps the method"),
    ],
)
async def test_status_has_one_meaning(service, status, calls, error):
    for name in calls:
        service.answers[PATHS[name]] = reply(status, {"detail": "s3cret-token"}, Location="http://127.0.0.1:1/away")
        async with guard_to(service.url) as guard:
            with pytest.raises(error) as caught:
                await CALLS[name](guard)
        assert "s3cret-token" not in str(caught.value)


async def test_redirect_is_not_followed(service):
    service.answers["GET /Users/1"] = reply(302, None, Location=f"{service.url}/elsewhere")
    async with guard_to(service.url) as guard:
        with pytest.raises(PermanentError, match="redirects"):
            await guard.get("user", "1")

    assert [path for _, path, _ in service.requests] == ["/ServiceProviderConfig", "/Users/1"]


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_kept(service, status):
    service.answers["POST /Users"] = reply(status, None, **{"Retry-After": "120"})
    async with guard_to(service.url) as guard:
        with pytest.raises(TargetBusy if status == 429 else TargetUnavailable) as caught:
            await guard.create("user", {"userName": "anna"})
        with pytest.raises(TargetBusy):
            await guard.create("user", {"userName": "anna"})

    assert caught.value.retry_after == timedelta(seconds=120)
    assert [method for method, _, _ in service.requests].count("POST") == 1


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def _flood(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b"[" * 2**20)


async def _bomb(request: web.Request) -> web.StreamResponse:
    body = gzip.compress(b" " * 2**28, compresslevel=1)
    return web.Response(body=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


async def _cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"id": "1"')
    assert request.transport is not None
    request.transport.abort()
    return response


def _raw(body: bytes) -> Answer:
    return lambda request: web.Response(status=200, body=body, content_type="application/json")


HOSTILE = [
    pytest.param(_flood, id="endless body"),
    pytest.param(_bomb, id="compressed bomb"),
    pytest.param(_cut, id="broken off"),
    pytest.param(_raw(b"<html>It works</html>"), id="no JSON"),
    pytest.param(_raw(b"[" * 100_000), id="nested deeply"),
    pytest.param(_raw(b'{"id": NaN}'), id="NaN"),
    pytest.param(_raw(b'{"id": ' + b"9" * 5000 + b"}"), id="a number too long"),
    pytest.param(_raw(b'{"id": "\xff"}'), id="no UTF-8"),
    pytest.param(_raw(b'["id"]'), id="no object"),
    pytest.param(reply(200, {}), id="no id"),
    pytest.param(reply(200, {"id": 7}), id="a number as id"),
    pytest.param(lambda request: web.Response(headers={f"X-{n}": "x" * 4000 for n in range(500)}), id="many headers"),
]


@pytest.mark.parametrize("answer", HOSTILE)
async def test_hostile_answer_ends_in_an_error_of_ours(service, answer):
    service.answers |= {"GET /Users/1": answer, "POST /Users": answer, "GET /Users": answer}
    async with guard_to(service.url, deadline_s=5.0) as guard:
        with pytest.raises((TargetUnavailable, PermanentError)):
            await guard.get("user", "1")
        with pytest.raises(OutcomeUnknown):
            await guard.create("user", {"userName": "anna"})
        with pytest.raises((TargetUnavailable, PermanentError)):
            await guard.search("user")


async def test_answer_in_drips_ends_with_the_deadline(service):
    service.answers |= {"GET /Users/1": _drip, "POST /Users": _drip}
    async with guard_to(service.url, deadline_s=2.0) as guard:
        with pytest.raises(TargetTimeout):
            await guard.get("user", "1")
        with pytest.raises(OutcomeUnknown):
            await guard.create("user", {"userName": "anna"})


@pytest.mark.parametrize(
    "page",
    [
        pytest.param({"Resources": [{"id": "1"}]}, id="no total"),
        pytest.param({"totalResults": "1", "Resources": []}, id="total as text"),
        pytest.param({"totalResults": -1, "Resources": []}, id="negative total"),
        pytest.param({"totalResults": 1, "Resources": "x"}, id="no list"),
        pytest.param({"totalResults": 1, "Resources": ["x"]}, id="no users"),
        pytest.param({"totalResults": 1, "Resources": [{"userName": "x"}]}, id="user without id"),
        pytest.param({"totalResults": 5, "Resources": []}, id="fewer than it says"),
    ],
)
async def test_listing_that_makes_no_sense_is_no_listing(service, page):
    service.answers["GET /Users"] = reply(200, page)
    async with guard_to(service.url) as guard:
        with pytest.raises(ConnectorError):
            await guard.search("user")


async def test_users_that_vanish_while_listed_start_it_again(service):
    total = 4

    def page(request: web.Request) -> web.Response:
        start = int(request.query["startIndex"])
        users = [{"id": str(n)} for n in range(start, min(start + 2, total + 1))]
        return web.json_response({"totalResults": total, "Resources": users})

    service.answers["GET /Users"] = page
    async with guard_to(service.url) as guard:
        first = await guard.search("user", page_size=2)
        total = 3
        with pytest.raises(ListingChanged):
            await guard.search("user", token=first.next_token, page_size=2)


async def test_pages_are_as_large_as_the_service_allows(service):
    users = [{"id": str(n)} for n in range(1, 6)]

    def page(request: web.Request) -> web.Response:
        start, count = int(request.query["startIndex"]), int(request.query["count"])
        assert count == 2
        return web.json_response({"totalResults": 5, "Resources": users[start - 1 : start - 1 + count]})

    service.answers |= {"GET /ServiceProviderConfig": reply(200, NO_PATCH), "GET /Users": page}
    found, token, is_last = [], None, False
    async with guard_to(service.url) as guard:
        while not is_last:
            one = await guard.search("user", token=token, page_size=500)
            found += [account.uid for account in one.accounts]
            token, is_last = one.next_token, one.is_last

    assert found == ["1", "2", "3", "4", "5"]


async def test_service_without_patch_gets_the_whole_user(service):
    present = {"id": "1", "userName": "anna", "title": "Dr.", "emails": [{"type": "home", "value": "h"}], "meta": {}}
    service.answers |= {
        "GET /ServiceProviderConfig": reply(200, NO_PATCH),
        "GET /Users/1": reply(200, present),
        "PUT /Users/1": reply(200, {}),
    }
    async with guard_to(service.url) as guard:
        await guard.update("user", "1", {"title": None, "emails.work": "w"}, active=False)

    method, _, body = service.requests[-1]
    assert method == "PUT"
    assert body == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "anna",
        "emails": [{"type": "home", "value": "h"}, {"type": "work", "value": "w"}],
        "active": False,
    }


async def test_long_value_is_searched_in_a_body(service):
    service.answers["POST /Users/.search"] = reply(200, {"totalResults": 1, "Resources": [{"id": "1"}]})
    async with guard_to(service.url) as guard:
        found = await guard.find("user", "userName", "x" * 10_000)

    assert [account.uid for account in found] == ["1"]


@pytest.mark.parametrize("uid", ["", ".", "..", "../Groups/1", "1/../2", "1?x=y", "1#x", "%2e%2e", "ü 😀"])
async def test_uid_never_leads_out_of_its_place(service, uid):
    async with guard_to(service.url) as guard:
        assert await guard.delete("user", uid) is False

    deletes = [path for method, path, _ in service.requests if method == "DELETE"]
    assert all(path.startswith("/Users/") and path.count("/") == 2 and "?" not in path for path in deletes)


async def test_token_is_sent_and_nothing_else_about_us(service):
    seen = {}

    def answer(request: web.Request) -> web.Response:
        seen.update(request.headers)
        return web.json_response({"id": "1"}, headers={"Set-Cookie": "a=b"})

    service.answers["GET /Users/1"] = answer
    async with guard_to(service.url) as guard:
        await guard.get("user", "1")
        await guard.get("user", "1")

    assert seen["Authorization"] == "Bearer s3cret-token"
    assert "Cookie" not in seen


async def test_closed_port_is_unavailable(unused_tcp_port):
    async with guard_to(f"http://127.0.0.1:{unused_tcp_port}") as guard:
        for call in CALLS.values():
            with pytest.raises(TargetUnavailable):
                await call(guard)


async def test_entry_that_is_not_there_yet_is_made(scim_target: Target):
    """A filter in a PATCH path cannot make an entry: the service refuses, and gets the whole list instead."""
    async with scim_target.guard() as guard:
        uid = await guard.create("user", scim_target.someone())
        await guard.update("user", uid, {"emails.home": "h@example.com", "title": "new"})
        account = await guard.get("user", uid)
        await guard.update("user", uid, {"emails.home": None, "emails.work": None})
        cleared = await guard.get("user", uid)

    assert account.attributes["emails.home"] == "h@example.com"
    assert account.attributes["emails.work"].endswith("@example.com")
    assert account.attributes["title"] == "new"
    assert not {name for name in cleared.attributes if name.startswith("emails")}


async def test_second_request_of_a_change_asks_for_the_lease_again(scim_target: Target):
    connector = Connector(uuid4(), uuid4(), "app", "scim", config=scim_target.config)
    answers = iter([True, False])
    async with scim_target.guard() as other:
        uid = await other.create("user", scim_target.someone())
        guard = guard_for(connector, credentials=scim_target.credentials, may_change=lambda: next(answers))
        async with guard:
            with pytest.raises(ConnectorError, match="ran out"):
                await guard.update("user", uid, {"emails.home": "h@example.com"})
        account = await other.get("user", uid)

    assert "emails.home" not in account.attributes
