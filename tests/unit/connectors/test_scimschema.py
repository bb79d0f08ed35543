"""What SCIM services list of themselves, some of it strange."""

from typing import Any

import pytest

from worker.connectors.builtin.scimpaths import CORE
from worker.connectors.builtin.scimschema import object_schema

BADGE = "urn:example:badge"
USER = {"endpoint": "/Users", "schema": CORE, "schemaExtensions": [{"schema": BADGE, "required": True}]}
EXTENSION = {"id": BADGE, "attributes": [{"name": "number", "type": "integer", "required": True}]}


def core(*attributes: Any) -> dict[str, Any]:
    return {"id": CORE, "attributes": [{"name": "userName", "required": True}, *attributes]}


def test_attributes_of_extensions_have_their_full_names() -> None:
    schema = object_schema("user", schemas=[core(), EXTENSION], types=[USER], endpoint="Users/")
    found = {each.name: each for each in schema.attributes}

    assert schema.is_complete
    assert (found[f"{BADGE}:number"].type, found[f"{BADGE}:number"].required) == ("integer", True)


@pytest.mark.parametrize(
    ("schemas", "types", "why"),
    [
        pytest.param([], [], "it does not say what its users are made of", id="nothing"),
        pytest.param([core()], [{"endpoint": "/Groups"}], "it does not say", id="no users"),
        pytest.param([core()], [USER], f"it does not show the schema {BADGE}", id="an extension is not shown"),
        pytest.param([{"id": CORE}, EXTENSION], [USER], "its users have no userName", id="no userName"),
        pytest.param(["x", None], [3], "it does not say", id="nonsense"),
    ],
)
def test_incomplete_schema_says_why(schemas: list[Any], types: list[Any], why: str) -> None:
    schema = object_schema("user", schemas=schemas, types=types, endpoint="Users")

    assert not schema.is_complete
    assert why in schema.incomplete_because
    assert schema.naming in {each.name for each in schema.attributes}


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param({"name": "emails", "subAttributes": [{"name": "type", "canonicalValues": 3}]}, id="kinds"),
        pytest.param({"name": "emails", "subAttributes": [{"name": "value"}, "x", None]}, id="parts"),
        pytest.param({"name": "title", "uniqueness": [], "mutability": {}, "type": []}, id="no texts"),
        pytest.param({"name": None}, id="no name"),
        pytest.param({"name": "name", "subAttributes": {"name": "familyName"}}, id="no list"),
        pytest.param(7, id="a number"),
    ],
)
def test_strange_attribute_does_no_harm(strange: Any) -> None:
    schema = object_schema("user", schemas=[core(strange), EXTENSION], types=[USER], endpoint="Users")

    assert schema.is_complete
