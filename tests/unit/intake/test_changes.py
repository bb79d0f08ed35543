from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from worker.domain.errors import InvalidRequest
from worker.intake.changes import (
    Applied,
    Dropped,
    Happening,
    IdentityChange,
    SourceRow,
    apply_change,
    apply_row,
    parse_change,
)
from worker.store.identities import StoredIdentity

HR, CRM = "event:/hr", "event:/crm"
ID = uuid4()
ANN = StoredIdentity(ID, "7", "ann", {"title": "Dr", "phone": "1"}, authority={"title": HR, "phone": HR}, revision=5)
H = Happening


def event(happening: Happening, **fields: Any) -> IdentityChange:
    return IdentityChange(happening, "7", **fields)


def applied(stored: StoredIdentity | None, change: IdentityChange, authority: str = HR) -> Applied:
    result = apply_change(stored, change, authority=authority, new_id=ID)
    assert isinstance(result, Applied)
    return result


def test_created_makes_a_person_whose_user_name_is_the_external_id_unless_given() -> None:
    made = applied(None, event(H.CREATED, attributes={"title": "Dr", "phone": None})).identity

    assert made == StoredIdentity(ID, "7", "7", {"title": "Dr"}, version=1, authority={"title": HR})
    assert applied(None, event(H.CREATED, user_name="ann")).identity.user_name == "ann"
    assert applied(None, event(H.UPDATED)).identity.active


def test_updated_is_a_merge_patch() -> None:
    after = applied(ANN, event(H.UPDATED, attributes={"phone": None, "room": "2"})).identity

    assert after.attributes == {"title": "Dr", "room": "2"}
    assert after.authority == {"title": HR, "room": HR}
    assert after.version == ANN.version + 1


def test_an_event_that_changes_nothing_raises_no_version() -> None:
    after = applied(ANN, event(H.UPDATED, attributes={"title": "Dr"}, revision=6)).identity

    assert after == replace(ANN, revision=6)


@pytest.mark.parametrize(("revision", "is_taken"), [(4, False), (5, False), (6, True), (None, True)])
def test_a_revision_must_be_newer(revision: int | None, is_taken: bool) -> None:
    result = apply_change(ANN, event(H.UPDATED, revision=revision), authority=HR, new_id=ID)

    assert isinstance(result, Applied) is is_taken


def test_an_attribute_stays_with_whoever_said_it_first() -> None:
    result = applied(ANN, event(H.UPDATED, attributes={"title": "Ms", "room": "2"}), CRM)

    assert result.identity.attributes["title"] == "Dr"
    assert result.identity.attributes["room"] == "2"
    assert result.kept == ("title",)


def test_an_attribute_that_was_cleared_is_free_for_others() -> None:
    cleared = applied(ANN, event(H.UPDATED, attributes={"title": None})).identity

    assert applied(cleared, event(H.UPDATED, attributes={"title": "Ms"}), CRM).identity.authority["title"] == CRM


def test_a_user_name_that_was_given_belongs_to_the_giver() -> None:
    made = applied(None, event(H.CREATED, user_name="ann")).identity
    other = applied(made, event(H.UPDATED, user_name="eve"), CRM)

    assert other.identity.user_name == "ann"
    assert other.kept == ("user_name",)
    assert applied(made, event(H.UPDATED, user_name="anna")).identity.user_name == "anna"


@pytest.mark.parametrize(
    ("happening", "is_active"), [(H.DISABLED, False), (H.ENABLED, True), (H.DELETED, False), (H.UPDATED, True)]
)
def test_whether_a_person_is_active_is_everybodys_to_say(happening: Happening, is_active: bool) -> None:
    assert applied(ANN, event(happening), CRM).identity.active is is_active


def test_deleted_leaves_a_tombstone_that_created_or_enabled_re_open_anew() -> None:
    gone = applied(ANN, event(H.DELETED)).identity
    back = applied(gone, event(H.CREATED, attributes={"room": "2"})).identity

    assert gone.is_deleted
    assert (back.id, back.is_deleted, back.active) == (ANN.id, False, True)
    assert back.attributes == {"room": "2"}
    assert applied(gone, event(H.ENABLED)).identity.active


@pytest.mark.parametrize("happening", [H.UPDATED, H.DISABLED, H.DELETED])
def test_a_late_event_brings_nobody_back(happening: Happening) -> None:
    gone = replace(ANN, is_deleted=True, active=False)

    assert isinstance(apply_change(gone, event(happening), authority=HR, new_id=ID), Dropped)


@pytest.mark.parametrize("happening", [H.DISABLED, H.ENABLED, H.DELETED])
def test_what_happens_to_nobody_is_dropped(happening: Happening) -> None:
    assert isinstance(apply_change(None, event(happening), authority=HR, new_id=ID), Dropped)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        pytest.param({}, "data.external_id", id="nobody"),
        pytest.param({"external_id": 7}, "data.external_id", id="a number"),
        pytest.param({"external_id": "x" * 256}, "data.external_id", id="too long"),
        pytest.param({"external_id": "7", "user_name": ""}, "data.user_name", id="an empty user name"),
        pytest.param({"external_id": "7", "active": "yes"}, "data.active", id="active as text"),
        pytest.param({"external_id": "7", "revision": True}, "data.revision", id="a boolean revision"),
        pytest.param({"external_id": "7", "revision": 1 << 63}, "data.revision", id="a revision beyond 63 bits"),
        pytest.param({"external_id": "7", "attributes": [1]}, "data.attributes", id="a list"),
        pytest.param({"external_id": "7", "attributes": {"a": {}}}, "data.attributes.a", id="an object as value"),
        pytest.param({"external_id": "7", "attributes": {"a": [[1]]}}, "data.attributes.a", id="a list in a list"),
        pytest.param(
            {"external_id": "7", "attributes": {"user_name": "x"}}, "data.attributes.user_name", id="reserved"
        ),
        pytest.param({"external_id": "7", "atributes": {}}, "data.atributes", id="misspelt"),
    ],
)
def test_wrong_data_is_named(data: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_change(H.UPDATED, data)
    assert caught.value.fields["field"] == field


def row(**fields: Any) -> SourceRow:
    attributes = fields.pop("attributes", {})
    return SourceRow("7", "7", attributes, **fields)


def imported(stored: StoredIdentity | None, found: SourceRow, *, is_returning: bool = False) -> StoredIdentity:
    return apply_row(stored, found, authority="hr", is_returning=is_returning, new_id=ID).identity


def test_a_new_row_makes_a_person() -> None:
    made = imported(None, row(attributes={"title": "Dr", "room": None}), is_returning=True)

    assert made == StoredIdentity(ID, "7", "7", {"title": "Dr"}, authority={"title": "hr"})


def test_a_row_clears_what_its_source_no_longer_says_and_nothing_of_others() -> None:
    stored = replace(ANN, attributes={"title": "Dr", "room": "2"}, authority={"title": "hr", "room": CRM})
    after = imported(stored, row(attributes={"phone": "3"}))

    assert after.attributes == {"room": "2", "phone": "3"}
    assert imported(stored, row(attributes={"room": "9"})).attributes["room"] == "2"


@pytest.mark.parametrize(
    ("said", "is_returning", "before", "after"),
    [
        pytest.param(None, False, False, False, id="a row without a word leaves it"),
        pytest.param(None, True, False, True, id="a row that comes back means active"),
        pytest.param(False, True, True, False, id="inactive is inactive"),
        pytest.param(True, False, False, True, id="active is active"),
    ],
)
def test_active_after_a_row(said: bool | None, is_returning: bool, before: bool, after: bool) -> None:
    stored = replace(ANN, active=before)

    assert imported(stored, row(active=said), is_returning=is_returning).active is after


def test_the_deleted_stay_deleted_until_their_row_comes_back() -> None:
    gone = replace(ANN, is_deleted=True, active=False)

    assert imported(gone, row(attributes={"title": "Ms"})) == gone
    assert imported(gone, row(), is_returning=True).is_deleted is False
