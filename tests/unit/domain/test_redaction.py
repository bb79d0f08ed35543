"""Which attributes people and records may see."""

from typing import Any

import pytest

from worker.domain.redaction import MARK, is_secret, shown_differences, shown_payload, unmarked


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("password", True, id="password"),
        pytest.param("unicodePwd", True, id="directory password"),
        pytest.param("client_secret", True, id="secret"),
        pytest.param("apiToken", True, id="token"),
        pytest.param("pwd", True, id="short for password"),
        pytest.param("door_pin", True, id="pin"),
        pytest.param("api_key", True, id="key of an interface"),
        pytest.param("spinning", False, id="only holds one"),
        pytest.param("passport_number", False, id="only begins like one"),
        pytest.param("mail", False, id="mail"),
    ],
)
def test_secrets_show_in_their_names(name: str, expected: bool) -> None:
    assert is_secret(name) is expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param({"attributes": {"password": "x", "mail": "m"}}, {"password": MARK, "mail": "m"}, id="both"),
        pytest.param({"attributes": {"password": None}}, {"password": None}, id="clearing hides nothing"),
        pytest.param({}, {}, id="no attributes"),
    ],
)
def test_a_payload_is_shown_without_secrets(payload: dict[str, Any], expected: dict[str, Any]) -> None:
    assert shown_payload(payload)["attributes"] == expected


def test_a_mark_that_comes_back_stands_for_the_secret() -> None:
    stored = {"attributes": {"password": "x", "mail": "old"}, "active": True}

    back = unmarked({"attributes": {"password": MARK, "mail": "new", "token": MARK}}, stored)

    assert back == {"attributes": {"password": "x", "mail": "new", "token": MARK}}


def test_differences_of_secrets_show_neither_side() -> None:
    found = shown_differences({"password": {"expected": "a", "actual": "b"}, "cn": {"expected": "A", "actual": "B"}})

    assert found == {"password": {"expected": MARK, "actual": MARK}, "cn": {"expected": "A", "actual": "B"}}


def test_a_payload_without_attributes_comes_back_as_it_is() -> None:
    assert unmarked({"active": True}, {"attributes": {"password": "x"}}) == {"active": True}
