from typing import Any
from uuid import uuid4

import pytest

from worker.domain.account import TargetAccount
from worker.domain.connector import Connector
from worker.domain.errors import SettingsError
from worker.intake.changes import SourceRow
from worker.intake.form import ImportForm, Unreadable, form_of, hash_of_row, key_trouble, read_row

ROW = TargetAccount("100", {"number": "100", "login": "ann", "title": "Dr", "status": "Active"})


def form(raw: Any = None) -> ImportForm:
    return form_of(Connector(uuid4(), uuid4(), "hr", "csv", settings={} if raw is None else {"import": raw}))


def test_without_a_form_the_key_is_the_external_id_and_every_column_an_attribute() -> None:
    assert read_row(form(), TargetAccount("100", {"title": "Dr"}, active=False)) == SourceRow(
        "100", "100", {"title": "Dr"}, None, active=False
    )


def test_a_form_picks_columns() -> None:
    read = read_row(
        form(
            {
                "external_id": "number",
                "user_name": "login",
                "active": {"column": "status", "values": ["active"]},
                "attributes": {"degree": "title", "room": "room"},
            }
        ),
        ROW,
    )

    assert read == SourceRow("100", "100", {"degree": "Dr", "room": None}, "ann", active=True)


def test_columns_with_a_meaning_are_no_attributes() -> None:
    read = read_row(form({"user_name": "login", "active": {"column": "status", "values": ["x"]}}), ROW)

    assert isinstance(read, SourceRow)
    assert read.attributes == {"number": "100", "title": "Dr"}
    assert read.active is False


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param([], id="a list"),
        pytest.param({"externalid": "x"}, id="misspelt"),
        pytest.param({"external_id": 5}, id="no name"),
        pytest.param({"active": "status"}, id="active without values"),
        pytest.param({"attributes": ["a"]}, id="attributes as a list"),
        pytest.param({"attributes": {"user_name": "login"}}, id="a reserved name"),
    ],
)
def test_a_wrong_form_is_a_mistake_in_the_settings(raw: Any) -> None:
    with pytest.raises(SettingsError):
        form(raw)


@pytest.mark.parametrize(
    ("attributes", "raw"),
    [
        pytest.param({"login": None}, {"user_name": "login"}, id="no user name"),
        pytest.param({}, {"external_id": "number"}, id="no external id"),
        pytest.param({"title": "D\0r"}, None, id="NUL"),
        pytest.param({"title": ["\ud800"]}, None, id="half of a surrogate pair"),
        pytest.param({"size": float("inf")}, None, id="infinity"),
    ],
)
def test_a_row_that_cannot_be_kept_says_why(attributes: dict[str, Any], raw: Any) -> None:
    found = read_row(form(raw), TargetAccount("100", attributes))

    assert isinstance(found, Unreadable)
    assert found.uid == "100"


@pytest.mark.parametrize(("uid", "is_fine"), [("100", True), ("", False), ("é" * 501, False), ("a\0", False)])
def test_keys_that_cannot_be_kept(uid: str, is_fine: bool) -> None:
    assert (key_trouble(uid) is None) is is_fine


def test_the_hash_of_a_row_changes_with_its_values_its_state_and_the_form() -> None:
    base = hash_of_row(form(), ROW)

    assert hash_of_row(form(), TargetAccount("100", dict(ROW.attributes))) == base
    assert hash_of_row(form(), TargetAccount("100", {**ROW.attributes, "title": "Prof"})) != base
    assert hash_of_row(form(), TargetAccount("100", ROW.attributes, active=False)) != base
    assert hash_of_row(form({"user_name": "login"}), ROW) != base
