from datetime import UTC, datetime, timedelta

import pytest

from worker.connectors.builtin.scimhttp import Refused, refusal, retry_after_of
from worker.domain.errors import AlreadyExists, InvalidAttributes, PermanentError, UnknownUid

NOW = datetime(2026, 11, 22, 6, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(None, None, id="absent"),
        pytest.param("", None, id="empty"),
        pytest.param("120", timedelta(seconds=120), id="seconds"),
        pytest.param(" 5 ", timedelta(seconds=5), id="spaces"),
        pytest.param("0", timedelta(0), id="zero"),
        pytest.param("-5", None, id="negative"),
        pytest.param("1.5", None, id="fraction"),
        pytest.param("7200", HOUR, id="more than an hour"),
        pytest.param("1000000000000", HOUR, id="huge"),
        pytest.param("9" * 6000, HOUR, id="a number that Python would not read"),
        pytest.param("Sun, 22 Nov 2026 06:00:30 GMT", timedelta(seconds=30), id="date"),
        pytest.param("Sun, 22 Nov 2026 05:00:00 GMT", timedelta(0), id="date that is over"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", HOUR, id="date far away"),
        pytest.param("soon", None, id="garbage"),
        pytest.param("Sun, 99 Nov 2026 99:99:99 GMT", None, id="no date"),
        pytest.param("٣", None, id="digits of another script"),
    ],
)
def test_retry_after_is_read(text, expected):
    assert retry_after_of(text, now=NOW) == expected


@pytest.mark.parametrize(
    ("status", "scim_type", "creates", "error"),
    [
        pytest.param(404, None, False, UnknownUid, id="no such user"),
        pytest.param(410, None, False, UnknownUid, id="user is gone"),
        pytest.param(404, None, True, PermanentError, id="no such endpoint"),
        pytest.param(409, "uniqueness", True, AlreadyExists, id="user exists"),
        pytest.param(400, "uniqueness", True, AlreadyExists, id="user exists, said with 400"),
        pytest.param(409, None, False, InvalidAttributes, id="value taken"),
        pytest.param(400, "invalidValue", True, InvalidAttributes, id="value refused"),
        pytest.param(422, None, False, InvalidAttributes, id="unprocessable"),
        pytest.param(413, None, True, InvalidAttributes, id="too large"),
        pytest.param(405, None, True, PermanentError, id="not offered"),
    ],
)
def test_refusal_has_one_meaning(status, scim_type, creates, error):
    assert type(refusal(Refused(status, scim_type), creates=creates)) is error
