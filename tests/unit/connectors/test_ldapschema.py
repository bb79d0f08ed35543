"""Definitions of a subschema, as directories of several makers write them."""

import pytest

from worker.connectors.builtin.ldapschema import object_schema, read_definition, read_subschema
from worker.connectors.builtin.ldapsettings import LdapSettings

TYPES = (
    "( 2.5.4.0 NAME 'objectClass' EQUALITY objectIdentifierMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 )",
    "( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )",
    "( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'a (short) name' SUP name )",
    "( 1.1 NAME 'floor' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )",
    "( 1.2 NAME 'stamp' SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 NO-USER-MODIFICATION USAGE directoryOperation )",
    "(1.3 NAME 'lock' SYNTAX '1.3.6.1.4.1.1466.115.121.1.24' SINGLE-VALUE USAGE directoryOperation X-ORIGIN 'here')",
    "( 1.4 NAME 'badge' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
    "( 1.5 NAME 'loop' SUP loop )",
)
CLASSES = (
    "( 2.5.6.0 NAME 'top' ABSTRACT MUST ( objectClass $ lock ) )",
    "( 2.1 NAME 'human' SUP top STRUCTURAL MUST ( commonName ) MAY ( floor $ loop ) )",
    "( 2.2 NAME 'badged' SUP top AUXILIARY MUST badge )",
    "( 2.3 NAME 'circular' SUP circular2 MAY floor )",
    "( 2.4 NAME 'circular2' SUP circular MAY badge )",
)
CONTENTS = ("( 2.1 NAME 'humans' AUX ( badged ) )",)


def entry(*, contents: tuple[str, ...] = ()) -> dict[str, list[bytes]]:
    texts = {"attributeTypes": TYPES, "objectclasses": CLASSES, "dITContentRules": contents}
    return {name: [each.encode() for each in values] for name, values in texts.items()}


def settings(*classes: str, **fields: list[str]) -> LdapSettings:
    return LdapSettings("ldap://x", "dc=x", rdn_attribute="cn", object_classes=list(classes), **fields)


def test_classes_above_and_other_names_of_attributes_are_followed() -> None:
    schema = object_schema("user", settings("human"), read_subschema(entry()))
    found = {each.name: each for each in schema.attributes}

    assert schema.is_complete
    assert list(found) == ["cn", "floor", "loop", "objectClass", "lock", "stamp"]
    assert found["cn"].required
    assert (found["cn"].comparison, found["floor"].comparison, found["floor"].type) == (
        "ignore_case",
        "number",
        "integer",
    )
    assert (found["stamp"].writable, found["lock"].writable) == (False, True)


@pytest.mark.parametrize(
    ("classes", "contents", "is_required"),
    [
        pytest.param(["human", "badged"], (), True, id="an auxiliary class of the settings"),
        pytest.param(["human"], CONTENTS, False, id="one that the directory lets entries have"),
        pytest.param(["circular"], (), False, id="classes above each other in a circle"),
    ],
)
def test_attributes_of_auxiliary_classes_count(
    classes: list[str], contents: tuple[str, ...], is_required: bool
) -> None:
    schema = object_schema("user", settings(*classes), read_subschema(entry(contents=contents)))

    assert [each.required for each in schema.attributes if each.name == "badge"] == [is_required]


@pytest.mark.parametrize(
    ("classes", "shown", "why"),
    [
        pytest.param(["human", "hmuan"], True, "it does not know the object class 'hmuan'", id="unknown class"),
        pytest.param(["human"], False, "it does not show its schema", id="no schema"),
    ],
)
def test_incomplete_schema_says_why(classes: list[str], shown: bool, why: str) -> None:
    schema = object_schema("user", settings(*classes), read_subschema(entry()) if shown else None)

    assert not schema.is_complete
    assert why in schema.incomplete_because


def test_naming_attribute_is_listed_once_as_the_settings_spell_it() -> None:
    told = LdapSettings("ldap://x", "dc=x", rdn_attribute="commonName", object_classes=["human"])
    schema = object_schema("user", told, read_subschema(entry()))

    assert [each.name for each in schema.attributes if each.required] == ["commonName"]
    assert "cn" not in {each.name for each in schema.attributes}


@pytest.mark.parametrize("text", ["", "( )", "cn", "( 1.2 NAME 'x'", "( 1.2 NAME ( 'x' )", "NAME x )"])
def test_what_is_no_definition_counts_as_none(text: str) -> None:
    found = read_definition(text)

    assert found is None or found.name in {"x", "1.2"}
