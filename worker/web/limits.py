"""What a request may be: how long its body, which is read no further than that, and that its address is text."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.web.problems import problem

MAX_BODY = 2 * 1024 * 1024


class Bounded:
    """ASGI middleware: 413 for a body of more than ``most`` bytes, as soon as that is known.

    422 for a NUL in the address: the database can neither keep nor compare one, and nothing of ours is found by it.
    ``own``: paths that look after that themselves.
    """

    def __init__(self, app: ASGIApp, *, most: int = MAX_BODY, own: Collection[str] = ()) -> None:
        self._app = app
        self._most = most
        self._own = frozenset(own)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and ("\0" in scope["path"] or b"%00" in scope.get("query_string", b"")):
            said = "The address holds a NUL (%00), and nothing is called so."
            await problem(422, code="invalid_request", message=said, request=Request(scope))(scope, receive, send)
            return
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
