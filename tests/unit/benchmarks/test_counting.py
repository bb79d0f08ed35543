"""Statements are counted message by message, however the bytes come."""

import pytest

from tests.benchmarks.queue.counting import Messages

WISH = (8).to_bytes(4) + (80877103).to_bytes(4)
HELLO = (12).to_bytes(4) + (196608).to_bytes(4) + b"user"


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + (4 + len(body)).to_bytes(4) + body


@pytest.mark.parametrize(
    ("sent", "statements"),
    [
        pytest.param(HELLO, 0, id="only a hello"),
        pytest.param(WISH + HELLO + message(b"Q", b"SELECT 1\0"), 1, id="a simple query, after a wish for encryption"),
        pytest.param(HELLO + message(b"P", b"QE") + message(b"D") + message(b"H"), 0, id="prepared and not run"),
        pytest.param(HELLO + 2 * (message(b"B", b"x") + message(b"E") + message(b"S")), 2, id="run twice"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_each_statement_is_counted_once(sent: bytes, statements: int, size: int) -> None:
    messages = Messages()

    found = sum(messages.feed(sent[at : at + size]) for at in range(0, len(sent), size))

    assert found == statements
