"""The ``scim`` type: the users of a SCIM 2.0 service (RFC 7643, 7644).

The uid is the service's ``id``. Flat attribute names are those of ``scimpaths``; ``active`` is the SCIM attribute.

What exactly once can mean here: POST is not idempotent, and a service keeps only ``userName`` unique. Map
``externalId``: after a lost answer the user is searched by it before a second POST.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import quote, urlsplit

import aiohttp

from worker.connectors.base import Change, Changes, ConnectorContext, ObjectSchema, Page
from worker.connectors.builtin.scimhttp import Refused, Reply, exchange, refusal
from worker.connectors.builtin.scimpaths import (
    attributes_of,
    filter_for,
    merged,
    patch_of,
    resource_of,
)
from worker.connectors.builtin.scimschema import object_schema
from worker.domain.account import TargetAccount
from worker.domain.errors import (
    ListingChanged,
    OutcomeUnknown,
    PermanentError,
    TargetBusy,
    TargetUnavailable,
    UnknownUid,
)

#: Addresses longer than this are cut or refused by proxies; such a filter travels in the body of a POST instead.
LONGEST_FILTER = 1500
#: Shorter than services keep an idle connection, so that a change is not sent into one that is just being closed.
IDLE_S = 4.0
#: How far a service's clock may be behind ours when changes are followed for the first time.
CLOCK_SKEW = timedelta(minutes=10)
#: Where a page begins, and how many users there were in all when the page before was read.
Place = tuple[int, int | None]
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@dataclass(frozen=True, slots=True)
class ScimSettings:
    """Where the service is."""

    url: str = field(metadata={"help": "base address of the service, such as https://app.example.com/scim/v2"})
    endpoint: str = field(default="Users", metadata={"help": "name of the users' endpoint"})
    ca_file: str | None = field(default=None, metadata={"help": "file with the certificates to trust instead"})

    def problems(self) -> list[str]:
        parts = urlsplit(self.url)
        found = []
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            found.append('"url" must be an http or https address.')
        if parts.password or parts.username:
            found.append('"url" holds credentials; they belong to the credentials.')
        return found


@dataclass(frozen=True, slots=True)
class _Features:
    """What the service says it can do (its ServiceProviderConfig)."""

    can_patch: bool = True
    largest_page: int | None = None


class ScimConnector:
    """Users of a SCIM 2.0 service."""

    type: ClassVar[str] = "scim"
    Settings: ClassVar[Any] = ScimSettings
    secrets: ClassVar[Mapping[str, str]] = {"token": "bearer token that the service accepts"}

    def __init__(self, settings: ScimSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._context = context
        self._users = f"{settings.url.rstrip('/')}/{settings.endpoint.strip('/')}"
        self._session: aiohttp.ClientSession | None = None
        self._features = _Features()

    async def __aenter__(self) -> Self:
        tls = ssl.create_default_context(cafile=self._settings.ca_file) if self._settings.ca_file else True
        token = self._context.credentials.get("token")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._context.concurrency, keepalive_timeout=IDLE_S, ssl=tls),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=aiohttp.ClientTimeout(total=self._context.deadline_s, sock_connect=self._context.connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        try:
            self._features = await self._read_features()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def test_connection(self) -> str:
        page = await self._list({"startIndex": "1", "count": "1"})
        return f"The SCIM service answers; it has {page.get('totalResults', 'an unknown number of')} users."

    async def schema(self, object_class: str) -> ObjectSchema:
        schemas, types = await self._listed("Schemas"), await self._listed("ResourceTypes")
        return object_schema(object_class, schemas=schemas, types=types, endpoint=self._settings.endpoint)

    async def _listed(self, what: str) -> list[Any]:
        """All that the service lists of itself there; nothing where it does not, which it need not."""
        try:
            found = (await self._send("GET", f"{self._settings.url.rstrip('/')}/{what}")).body.get("Resources")
        except Refused:
            return []
        return found if isinstance(found, list) else []

    async def search(self, object_class: str, *, token: str | None, page_size: int) -> Page:
        """Pages by index, the only way SCIM has: when users vanish meanwhile the rest moves up, so we start again."""
        resources, total, following = await self._page(_place_of_token(token), size=page_size, where={})
        accounts = tuple(map(_account_of, resources))
        return Page(
            accounts, None if following is None else json.dumps(following), is_last=following is None, total=total
        )

    async def sync(self, object_class: str, *, token: str | None) -> Changes:
        """Users modified since the token, by the service's stamps; deleted ones leave none."""
        if token is None:
            return Changes((), json.dumps([(datetime.now(UTC) - CLOCK_SKEW).isoformat(), None, [1, None]]))
        since, latest, place = _place_of_sync_token(token)
        where = {"filter": f'meta.lastModified ge "{since}"'}
        resources, _, following = await self._page(place, size=self._context.page_size, where=where)
        latest = max([*filter(None, map(_stamp_of, resources)), latest or since], key=_moment_of)
        changes = tuple(Change(account.uid, account) for account in map(_account_of, resources))
        next_place = [latest, None, [1, None]] if following is None else [since, latest, following]
        return Changes(changes, json.dumps(next_place), is_last=following is None)

    async def get(self, object_class: str, uid: str) -> TargetAccount | None:
        try:
            return _account_of(await self._read(uid))
        except UnknownUid:
            return None

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]:
        text = filter_for(attribute, value)
        if len(text) < LONGEST_FILTER:
            return list(_accounts_of(await self._list({"filter": text})))
        request = {"schemas": [_SEARCH], "filter": text}
        return list(_accounts_of(await self._checked("POST", f"{self._users}/.search", body=request)))

    async def create(self, object_class: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        resource = resource_of(attributes, active=active)
        try:
            reply = await self._send("POST", self._users, body=resource, changes=True)
        except Refused as error:
            raise refusal(error, creates=True) from None
        uid = reply.body.get("id")
        if not isinstance(uid, str) or not uid:
            raise OutcomeUnknown("The SCIM service made a user and does not say which.")
        return uid

    async def update(self, object_class: str, uid: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        operations = patch_of(attributes, active=active)
        if not operations:
            if await self.get(object_class, uid) is None:
                raise UnknownUid
            return uid
        try:
            if self._features.can_patch:
                await self._patch(uid, attributes, active, operations)
            else:
                await self._replace(uid, attributes, active)
        except Refused as error:
            raise refusal(error, creates=False) from None
        return uid

    async def delete(self, object_class: str, uid: str) -> None:
        try:
            await self._send("DELETE", self._url_of(uid), changes=True)
        except Refused as error:
            raise refusal(error, creates=False) from None

    async def _patch(
        self, uid: str, attributes: dict[str, Any], active: bool | None, operations: list[dict[str, Any]]
    ) -> None:
        try:
            await self._send_patch(uid, operations)
        except Refused as error:
            if error.scim_type != "noTarget":
                raise
            # An entry to be set is not there yet, and a filter in a path cannot make one: send the whole list.
            present = await self._read(uid)
            after = merged(present, attributes, active=active)
            self._context.before_change()
            await self._send_patch(uid, patch_of(attributes, active=active, after=after))

    async def _send_patch(self, uid: str, operations: list[dict[str, Any]]) -> None:
        body = {"schemas": [_PATCH], "Operations": operations}
        await self._send("PATCH", self._url_of(uid), body=body, changes=True)

    async def _replace(self, uid: str, attributes: dict[str, Any], active: bool | None) -> None:
        """For services without PATCH: read, merge, write the whole user back."""
        present = await self._read(uid)
        self._context.before_change()
        await self._send("PUT", self._url_of(uid), body=merged(present, attributes, active=active), changes=True)

    async def _read(self, uid: str) -> dict[str, Any]:
        try:
            return (await self._send("GET", self._url_of(uid))).body
        except Refused as error:
            raise refusal(error, creates=False) from None

    async def _read_features(self) -> _Features:
        try:
            found = (await self._send("GET", f"{self._settings.url.rstrip('/')}/ServiceProviderConfig")).body
        except Refused:
            return _Features()  # an optional document; what most services can is assumed
        filters = found.get("filter") or {}
        largest = filters.get("maxResults")
        can_patch = bool((found.get("patch") or {}).get("supported", True))
        return _Features(can_patch, largest if isinstance(largest, int) and largest > 0 else None)

    async def _page(self, place: Place, *, size: int, where: Mapping[str, str]) -> tuple[list[Any], int, Place | None]:
        """The resources from a place on, how many there are in all, and the place of the next page."""
        start, total_before = place
        count = min(size, self._features.largest_page or size)
        body = await self._list({**where, "startIndex": str(start), "count": str(count)})
        resources, total = _resources_of(body), _total_of(body)
        if total_before is not None and total < total_before:
            raise ListingChanged("Users vanished while they were listed.")
        following = start + len(resources)
        if following > total:
            return resources, total, None
        if not resources:
            raise TargetBusy("The SCIM service lists fewer users than it says it has.")
        return resources, total, (following, total)

    async def _list(self, params: Mapping[str, str]) -> dict[str, Any]:
        return await self._checked("GET", self._users, params=params)

    async def _checked(
        self, method: str, url: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        try:
            return (await self._send(method, url, params=params, body=body)).body
        except Refused as error:
            raise PermanentError(f"The SCIM service refuses to list its users (status {error.status}).") from None

    async def _send(
        self, method: str, url: str, *, params: Mapping[str, str] | None = None, body: Any = None, changes: bool = False
    ) -> Reply:
        if self._session is None:
            raise TargetUnavailable("The connection is closed.")
        return await exchange(self._session, method, url, params=params or {}, body=body, changes=changes)

    def _url_of(self, uid: str) -> str:
        if uid in {"", ".", ".."}:  # a path would be cleared of these, and lead to something else
            raise UnknownUid
        return f"{self._users}/{quote(uid, safe='')}"


def _place_of_token(token: str | None) -> Place:
    if token is None:
        return 1, None
    try:
        start, total = json.loads(token)
        return int(start), int(total)
    except (ValueError, TypeError):
        raise ListingChanged from None


def _place_of_sync_token(token: str) -> tuple[str, str | None, Place]:
    try:
        since, latest, (start, total) = json.loads(token)
        _moment_of(since)
        return since, latest, (int(start), total)
    except (ValueError, TypeError):
        raise ListingChanged from None


def _stamp_of(resource: Any) -> str | None:
    """When a user was last changed, if the service says it in a form that can be compared."""
    meta = resource.get("meta") if isinstance(resource, dict) else None
    stamp = meta.get("lastModified") if isinstance(meta, dict) else None
    try:
        return stamp if isinstance(stamp, str) and _moment_of(stamp) else None
    except ValueError:
        return None


def _moment_of(stamp: str) -> datetime:
    moment = datetime.fromisoformat(stamp)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _accounts_of(body: Mapping[str, Any]) -> tuple[TargetAccount, ...]:
    return tuple(map(_account_of, _resources_of(body)))


def _resources_of(body: Mapping[str, Any]) -> list[Any]:
    resources = body.get("Resources", [])
    if not isinstance(resources, list):
        raise PermanentError("The SCIM service answers a listing with something else.")
    return resources


def _account_of(resource: Any) -> TargetAccount:
    uid = resource.get("id") if isinstance(resource, dict) else None
    if not isinstance(uid, str) or not uid:
        raise PermanentError("The SCIM service lists a user without a proper id.")
    active = resource.get("active")
    return TargetAccount(uid, attributes_of(resource), active if isinstance(active, bool) else None)


def _total_of(body: Mapping[str, Any]) -> int:
    total = body.get("totalResults")
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise PermanentError("The SCIM service does not say how many users it has.")
    return total
