"""How long a request may be: a body is read no further than that, whoever sends it."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 2 * 1024 * 1024


class Bounded:
    """ASGI middleware: 413 for a body of more than ``most`` bytes, as soon as that is known.

    ``own``: paths that look after that themselves.
    """

    def __init__(self, app: ASGIApp, *, most: int = MAX_BODY, own: Collection[str] = ()) -> None:
        self._app = app
        self._most = most
        self._own = frozenset(own)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or scope["path"] in self._own:
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        size = 0

        async def bounded() -> Message:
            nonlocal size
            if announced.isdigit() and int(announced) > self._most:
                raise self._refusal()
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise self._refusal()
            return message

        await self._app(scope, bounded, send)

    def _refusal(self) -> HTTPException:
        return HTTPException(413, f"The body is longer than {self._most // 1024} KiB.")
