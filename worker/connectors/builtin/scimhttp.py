"""HTTP to a SCIM service that may be slow, broken or hostile: one exchange, its limits, and what its failure means."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from worker.domain.errors import (
    AccessRefused,
    AlreadyExists,
    ConnectorError,
    CredentialsRejected,
    InvalidAttributes,
    OutcomeUnknown,
    PermanentError,
    TargetBusy,
    TargetTimeout,
    TargetUnavailable,
    UnknownUid,
)

LARGEST_BODY = 16 * 1024 * 1024
LONGEST_WAIT = timedelta(hours=1)
_HEADERS = {"Accept": "application/scim+json, application/json", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with a status below 300; ``body`` is its JSON object, empty when there is none."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A refusal that one request may want to handle by itself: status and ``scimType``."""

    def __init__(self, status: int, scim_type: str | None) -> None:
        super().__init__(status, scim_type)
        self.status = status
        self.scim_type = scim_type


async def exchange(
    session: aiohttp.ClientSession, method: str, url: str, *, params: Mapping[str, str], body: Any, changes: bool
) -> Reply:
    """Send one request; ``changes`` says that it is to change something, so a lost answer is ``OutcomeUnknown``.

    Raises ``Refused`` for 4xx other than those that say who we are or that we are too fast.
    """
    content = None if body is None else json.dumps(body).encode()
    headers = _HEADERS if content is None else {**_HEADERS, "Content-Type": "application/scim+json"}
    try:
        async with session.request(
            method, url, params=params, data=content, headers=headers, allow_redirects=False
        ) as response:
            raw = await _read(response)
            return _reply_of(response.status, raw, response.headers, changes=changes)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise TargetUnavailable("No connection to the SCIM service could be made.") from None
    except aiohttp.InvalidURL:
        raise PermanentError("The address of the SCIM service is not valid.") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _lost(error, changes=changes) from None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, as far as anybody may make us hold it in memory."""
    parts = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > LARGEST_BODY:
            raise ValueError("the answer is too large")
        parts.append(part)
    return b"".join(parts)


def _lost(error: BaseException, *, changes: bool) -> ConnectorError:
    """The request went out and its answer cannot be used."""
    if changes:
        return OutcomeUnknown("The SCIM service was sent the change, and its answer was lost.")
    if isinstance(error, TimeoutError):
        return TargetTimeout("The SCIM service did not answer in time.")
    return TargetUnavailable("The SCIM service broke off, or gave an answer that cannot be read.")


def _reply_of(status: int, raw: bytes, headers: Mapping[str, str], *, changes: bool) -> Reply:
    if status < 300:
        return Reply(status, _json_object(raw), headers)
    if status < 400:
        raise PermanentError(f"The SCIM service redirects us (status {status}); configure its final address.")
    if status in {408, 429, 503} or status >= 500:
        raise _server_error(status, headers, changes=changes)
    if status == 401:
        raise CredentialsRejected("The SCIM service rejects our token.")
    if status == 403:
        raise AccessRefused("The SCIM service does not allow us this.")
    raise Refused(status, _scim_type(raw))


def _json_object(raw: bytes) -> dict[str, Any]:
    """Parse strictly; whatever is wrong with it is a ValueError."""
    if not raw.strip():
        return {}
    try:
        found = json.loads(raw, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - every fault of a body is the same ValueError
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _scim_type(raw: bytes) -> str | None:
    try:
        found = _json_object(raw).get("scimType")
    except ValueError:
        return None
    return found if isinstance(found, str) and found.isalnum() and len(found) < 40 else None


def _server_error(status: int, headers: Mapping[str, str], *, changes: bool) -> ConnectorError:
    retry_after = retry_after_of(headers.get("Retry-After"), now=datetime.now(UTC))
    if status == 429:
        return TargetBusy("The SCIM service asks us to slow down.", retry_after=retry_after)
    if status == 503:  # by its definition nothing was processed
        return TargetUnavailable("The SCIM service is not available.", retry_after=retry_after)
    if changes:  # a fault after the change was made looks the same as one before it
        return OutcomeUnknown(f"The SCIM service failed (status {status}) while it worked on the change.")
    return TargetUnavailable(f"The SCIM service failed (status {status}).", retry_after=retry_after)


def retry_after_of(text: str | None, *, now: datetime) -> timedelta | None:
    """Read a ``Retry-After`` (RFC 9110 10.2.3): seconds or a date, at most an hour; None when it is neither."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return LONGEST_WAIT if len(text) > 5 else min(timedelta(seconds=int(text)), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(timedelta(0), min(moment - now, LONGEST_WAIT))


def refusal(error: Refused, *, creates: bool) -> ConnectorError:
    """What a refused change means: 404 for the object, 409 for a value that is taken, the rest for the values."""
    if error.status in {404, 410}:
        return PermanentError("The SCIM service has no such resource type.") if creates else UnknownUid()
    why = f"status {error.status}" + (f", {error.scim_type}" if error.scim_type else "")
    if error.status == 409 or error.scim_type == "uniqueness":
        if creates:
            return AlreadyExists("The SCIM service has such a user already.")
        return InvalidAttributes(f"A value is taken by another user ({why}).")
    if error.status in {405, 501}:
        return PermanentError(f"The SCIM service does not offer this ({why}).")
    return InvalidAttributes(f"The SCIM service refuses the attributes ({why}).")
