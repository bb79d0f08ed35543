"""A request to an ASGI application, without a server."""

import json
from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Message


async def ask(
    app: ASGIApp,
    path: str = "/thing",
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: Sequence[bytes] = (b"",),
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON body of the answer; ``body`` goes in these pieces."""
    pieces = list(body)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "asgi": {"version": "3.0"},
    }
    await app(scope, receive, send)
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, json.loads(b"".join(each.get("body", b"") for each in sent[1:]))
