"""Requests are counted whatever becomes of them."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from worker.service.http import Measured
from worker.telemetry import metrics


def counted(method: str, status: str) -> float:
    labels = {"method": method, "status": status}
    return metrics.registry.get_sample_value("provisiond_http_requests_total", labels) or 0.0


async def request(status: int | None, *, method: str = "GET", breaks: bool = False) -> None:
    """One request to an application that answers ``status`` (None: nothing) and then perhaps fails."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if status is not None:
            await send({"type": "http.response.start", "status": status, "headers": []})
        if breaks:
            raise LookupError("broken")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        del message

    await Measured(app)({"type": "http", "method": method}, receive, send)


@pytest.mark.parametrize(
    ("status", "method", "breaks", "label"),
    [
        pytest.param(200, "GET", False, ("GET", "2xx"), id="answered"),
        pytest.param(404, "POST", False, ("POST", "4xx"), id="refused"),
        pytest.param(None, "GET", True, ("GET", "5xx"), id="failed"),
        pytest.param(200, "GET", True, ("GET", "2xx"), id="failed after the answer began"),
        pytest.param(405, "BREW", False, ("other", "4xx"), id="a method of the client's own"),
    ],
)
async def test_a_request_is_counted_once(status: int | None, method: str, breaks: bool, label: tuple[str, str]) -> None:
    before = sum(counted(method, f"{n}xx") for method in ("GET", "POST", "other") for n in range(1, 6))
    mine = counted(*label)

    try:
        await request(status, method=method, breaks=breaks)
    except LookupError:
        assert breaks

    assert counted(*label) == mine + 1
    assert sum(counted(method, f"{n}xx") for method in ("GET", "POST", "other") for n in range(1, 6)) == before + 1
