"""The demo's servers, started as ``provisiond dev`` starts them."""

from pathlib import Path

import pytest

from worker.service.demo import servers


async def test_a_secret_may_begin_with_a_dash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in sixty-four does, and an argument of its own would be read as an option."""
    monkeypatch.setattr(servers.secrets, "token_urlsafe", lambda _: "-kT2b_secret-of-the-demo")
    started = servers.Servers(tmp_path)

    await started.start()
    await started.stop()

    assert started.ports.scim_token.startswith("-")
