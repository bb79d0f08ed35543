"""Who asks: a bearer token, or the cookie of a console session.

The session cookie is ``__Host-pvd_session``; on plain http it cannot be Secure, so it has another name there.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from worker.domain.errors import Forbidden, Unauthenticated
from worker.security import Principal, Role, by_session, by_token, require, sign_in, sign_out
from worker.store.pool import Pool

SECURE_COOKIE = "__Host-pvd_session"
PLAIN_COOKIE = "pvd_session"
LONGEST_SECRET = 200


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person's console session; the token must come back with every form."""

    principal: Principal
    csrf_token: str
    expires_at: datetime | None = None


class Auth:
    """Resolves credentials against the database; nothing is cached, so that a revoked token ends at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_token(self, request: Request) -> Principal:
        """The principal of the request's bearer token; raises Unauthenticated."""
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret or len(secret) > LONGEST_SECRET:
            raise Unauthenticated("Send a token: Authorization: Bearer pvd_…")
        return await by_token(self._pool, secret.strip())

    async def session(self, request: Request) -> SignedIn | None:
        """The session of the request's cookie, or None."""
        secret = request.cookies.get(SECURE_COOKIE) or request.cookies.get(PLAIN_COOKIE)
        if not secret or len(secret) > LONGEST_SECRET:
            return None
        try:
            found = await by_session(self._pool, secret)
        except Unauthenticated:
            return None
        return SignedIn(found.principal, csrf_of(secret), found.expires_at)

    async def sign_in(self, request: Request, response: Response, *, secret: str) -> SignedIn | None:
        """Trade a link's secret or an API token for a session, and set its cookie; None when it is not valid."""
        if len(secret) > LONGEST_SECRET:
            return None
        try:
            session = await sign_in(self._pool, secret)
            found = await by_session(self._pool, session)
            require(found.principal.roles, Role.VIEWER)
        except (Unauthenticated, Forbidden):
            return None
        is_secure = request.url.scheme == "https"
        response.set_cookie(
            SECURE_COOKIE if is_secure else PLAIN_COOKIE,
            session,
            httponly=True,
            secure=is_secure,
            samesite="lax",
            path="/",
        )
        return SignedIn(found.principal, csrf_of(session), found.expires_at)

    async def sign_out(self, request: Request, response: Response) -> None:
        """End the session and take its cookie back."""
        for name in (SECURE_COOKIE, PLAIN_COOKIE):
            secret = request.cookies.get(name)
            if secret and len(secret) <= LONGEST_SECRET:
                with suppress(Unauthenticated):  # not one of ours: there is nothing to end
                    await sign_out(self._pool, secret)
            response.delete_cookie(name, path="/")


def csrf_of(session_secret: str) -> str:
    """The form token of a session: bound to it, and useless for guessing it."""
    return hmac.new(session_secret.encode(), b"provisiond form", hashlib.sha256).hexdigest()


def bearer(auth: Auth, role: Role) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency that lets in tokens with a role."""

    async def principal(request: Request) -> Principal:
        found = await auth.of_token(request)
        require(found.roles, role)
        return found

    return principal


def needs(auth: Auth, role: Role) -> Principal:
    """``Depends`` of ``bearer``, typed as what it gives."""
    dependency: Principal = Depends(bearer(auth, role))
    return dependency
