import pytest

from worker.connectors.builtin.scimpaths import (
    CORE,
    ENTERPRISE,
    attributes_of,
    filter_for,
    merged,
    patch_of,
    place_of,
    resource_of,
)
from worker.domain.errors import InvalidAttributes

FLAT = {
    "userName": "anna",
    "name.givenName": "Anna",
    "emails.work": "anna@example.com",
    "emails.home": "anna@home.example",
    "addresses.work.locality": "Köln",
    "roles": ["admin", "reader"],
    "department": "IT",
    "manager": "26118915",
    "urn:example:badge:2.0:User:number": "17",
}
RESOURCE = {
    "schemas": [CORE, ENTERPRISE, "urn:example:badge:2.0:User"],
    "userName": "anna",
    "name": {"givenName": "Anna"},
    "emails": [{"type": "work", "value": "anna@example.com"}, {"type": "home", "value": "anna@home.example"}],
    "addresses": [{"type": "work", "locality": "Köln"}],
    "roles": [{"value": "admin"}, {"value": "reader"}],
    ENTERPRISE: {"department": "IT", "manager": {"value": "26118915"}},
    "urn:example:badge:2.0:User": {"number": "17"},
    "active": True,
}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("userName", "userName", id="simple"),
        pytest.param("name.givenName", "name.givenName", id="part"),
        pytest.param("emails.work", 'emails[type eq "work"].value', id="entry"),
        pytest.param("addresses.home.locality", 'addresses[type eq "home"].locality', id="part of an entry"),
        pytest.param("emails", "emails", id="all entries"),
        pytest.param("department", f"{ENTERPRISE}:department", id="enterprise"),
        pytest.param("manager", f"{ENTERPRISE}:manager.value", id="manager"),
        pytest.param("urn:example:badge:2.0:User:number", "urn:example:badge:2.0:User:number", id="extension"),
        pytest.param('emails.a"b', 'emails[type eq "a\\"b"].value', id="quoted type"),
    ],
)
def test_flat_name_is_a_path(name, path):
    assert place_of(name).path == path


@pytest.mark.parametrize(
    "name", ["", "id", "meta", "active", "nonsense", "name", "name.nonsense", "emails.", "emails.a.b.c", "title.x"]
)
def test_other_names_are_refused_by_name(name):
    with pytest.raises(InvalidAttributes, match="no SCIM attribute"):
        place_of(name)


def test_resource_is_built_from_flat_names():
    assert resource_of({**FLAT, "title": None}, active=True) == RESOURCE


def test_flat_names_are_read_from_a_resource():
    assert attributes_of({**RESOURCE, "id": "1", "meta": {}}) == {
        **FLAT,
        "emails": ["anna@example.com", "anna@home.example"],
    }


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param({"name": "Anna", "emails": "x", "roles": [1, None, {}]}, id="wrong shapes"),
        pytest.param({ENTERPRISE: [], "addresses": {"type": "work"}}, id="other wrong shapes"),
        pytest.param({ENTERPRISE: {"manager": "x"}, "emails": None}, id="more wrong shapes"),
    ],
)
def test_hostile_resource_has_no_attributes(resource):
    assert attributes_of(resource) == {}


@pytest.mark.parametrize(
    ("change", "operation"),
    [
        pytest.param({"title": "Dr."}, {"op": "replace", "path": "title", "value": "Dr."}, id="set"),
        pytest.param({"title": None}, {"op": "remove", "path": "title"}, id="clear"),
        pytest.param(
            {"emails.work": "a@b"},
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "a@b"},
            id="set an entry",
        ),
        pytest.param({"emails.work": None}, {"op": "remove", "path": 'emails[type eq "work"]'}, id="clear an entry"),
        pytest.param(
            {"addresses.work.locality": None},
            {"op": "remove", "path": 'addresses[type eq "work"].locality'},
            id="clear a part of an entry",
        ),
        pytest.param(
            {"roles": ["a"]}, {"op": "replace", "path": "roles", "value": [{"value": "a"}]}, id="replace a list"
        ),
        pytest.param({"roles": []}, {"op": "remove", "path": "roles"}, id="empty a list"),
        pytest.param({"manager": None}, {"op": "remove", "path": f"{ENTERPRISE}:manager"}, id="clear the manager"),
    ],
)
def test_change_is_a_patch_operation(change, operation):
    assert patch_of(change, active=None) == [operation]


def test_active_is_an_operation_of_its_own():
    assert patch_of({}, active=False) == [{"op": "replace", "path": "active", "value": False}]
    assert patch_of({}, active=None) == []


def test_entries_are_sent_as_whole_lists_when_one_cannot_be_addressed():
    change = {"emails.work": "new@b", "emails.home": None, "title": "Dr."}
    after = merged(RESOURCE, change, active=None)

    assert patch_of(change, active=None, after=after) == [
        {"op": "replace", "path": "emails", "value": [{"type": "work", "value": "new@b"}]},
        {"op": "replace", "path": "title", "value": "Dr."},
    ]


def test_merge_keeps_what_is_not_ours():
    present = {
        **RESOURCE,
        "id": "1",
        "meta": {"version": "1"},
        "groups": [{"value": "g"}],
        "emails": [{"type": "Work", "value": "old", "primary": True}],
        "x-vendor": {"a": 1},
    }
    wanted = merged(present, {"emails.work": "new", "name.givenName": None, "department": None}, active=False)

    assert wanted["emails"] == [{"type": "Work", "value": "new", "primary": True}]
    assert wanted["x-vendor"] == {"a": 1}
    assert wanted["active"] is False
    assert wanted[ENTERPRISE] == {"manager": {"value": "26118915"}}
    assert {"id", "meta", "groups", "name"}.isdisjoint(wanted)
    assert present["emails"][0]["value"] == "old"


def test_extension_that_becomes_empty_is_not_announced():
    wanted = merged({ENTERPRISE: {"department": "IT"}}, {"department": None}, active=None)

    assert wanted["schemas"] == [CORE]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("userName", "anna", 'userName eq "anna"', id="plain"),
        pytest.param("userName", 'a" or userName pr', 'userName eq "a\\" or userName pr"', id="quote"),
        pytest.param("userName", "a\\", 'userName eq "a\\\\"', id="backslash"),
        pytest.param("userName", "a\nb", 'userName eq "a\\nb"', id="newline"),
        pytest.param("emails.work", "a@b", 'emails[type eq "work" and value eq "a@b"]', id="entry"),
        pytest.param("roles", "a", 'roles.value eq "a"', id="any entry"),
        pytest.param("employeeNumber", "7", f'{ENTERPRISE}:employeeNumber eq "7"', id="enterprise"),
    ],
)
def test_value_stays_inside_its_quotes(name, value, expected):
    assert filter_for(name, value) == expected
