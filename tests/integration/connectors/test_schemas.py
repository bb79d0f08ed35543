"""What directories and SCIM services tell of their entries, and what mappings of the demo make of it."""

import pytest

from tests.conformance.targets import Target
from worker.connectors import AttributeSchema, ObjectSchema
from worker.domain.mapping import MappingRule
from worker.mapping.fitting import check_fit
from worker.service.demo import targets as demo

needs_slapd = pytest.mark.needs("slapd")


async def schema_of(target: Target) -> ObjectSchema:
    async with target.guard() as guard:
        return await guard.schema("user")


def by_name(schema: ObjectSchema) -> dict[str, AttributeSchema]:
    return {each.name: each for each in schema.attributes}


def told(schema: ObjectSchema, *rules: MappingRule) -> list[str]:
    enough = [MappingRule(each.name, constant="x") for each in schema.attributes if each.required]
    kept = [rule for rule in enough if rule.target not in {each.target for each in rules}]
    return [str(each) for each in check_fit([*rules, *kept], schema)]


@needs_slapd
async def test_directory_tells_all_that_its_entries_may_have(ldap_target: Target) -> None:
    schema = await schema_of(ldap_target)
    found = by_name(schema)

    assert schema.is_complete
    assert [name for name, each in found.items() if each.required] == ["uid", "sn", "cn"]
    assert {"departmentNumber", "employeeType", "manager", "telephoneNumber", "jpegPhoto"} <= found.keys()
    assert found["manager"].comparison == "dn"
    assert (found["entryUUID"].writable, found["userPassword"].secret) == (False, True)
    assert "uidNumber" not in found


@needs_slapd
async def test_auxiliary_classes_of_the_settings_count(ldap_target: Target) -> None:
    ldap_target.config["object_classes"] = ["inetOrgPerson", "dcObject", "uidObject"]
    found = by_name(await schema_of(ldap_target))

    assert found["dc"].required
    assert found["sn"].required


@needs_slapd
async def test_what_is_misspelt_for_a_directory_is_an_error(ldap_target: Target) -> None:
    schema = await schema_of(ldap_target)

    assert told(schema, MappingRule("departmentNumbr", source="x")) == [
        "rule 1: target the target has no attribute 'departmentNumbr'; did you mean departmentNumber?"
    ]
    assert told(schema, MappingRule("givenname", source="x")) == [
        "rule 1: target the target has no attribute 'givenname'; did you mean givenName?"
    ]
    assert told(schema, MappingRule("entryUUID", source="x")) == [
        "rule 1: target 'entryUUID' is read-only at the target"
    ]
    assert told(schema, MappingRule("cn;lang-de", source="x")) == []


@needs_slapd
async def test_object_class_that_the_directory_does_not_know_is_told(ldap_target: Target) -> None:
    ldap_target.config["object_classes"] = ["top", "inetOrgPersn"]
    schema = await schema_of(ldap_target)

    [warning] = told(schema, MappingRule("departmentNumber", source="x"))
    assert not schema.is_complete
    assert "the object class 'inetOrgPersn'" in warning


@needs_slapd
async def test_rules_of_the_demo_fit_a_directory_without_a_remark(ldap_target: Target) -> None:
    schema = await schema_of(ldap_target)

    assert check_fit(demo.LDAP.rules, schema, hooked=demo.LDAP.settings["hook_attributes"]) == ()


async def test_rules_of_the_demo_fit_a_scim_service_without_a_remark(scim_target: Target) -> None:
    schema = await schema_of(scim_target)

    assert schema.is_complete
    assert check_fit(demo.SCIM.rules, schema, hooked=demo.SCIM.settings["hook_attributes"]) == ()


async def test_scim_service_tells_all_that_its_users_may_have(scim_target: Target) -> None:
    schema = await schema_of(scim_target)
    found = by_name(schema)

    assert [name for name, each in found.items() if each.required] == ["userName"]
    assert {"externalId", "name.givenName", "emails.home", "addresses.work.locality", "manager"} <= found.keys()
    assert (found["password"].readable, found["roles"].multi_valued) == (False, True)
    assert told(schema, MappingRule("emails.privat", source="x")) == []
    assert told(schema, MappingRule("nickname", source="x")) == [
        "rule 1: target the target has no attribute 'nickname'; did you mean nickName?"
    ]
    assert told(schema, MappingRule("urn:example:badge", source="x"))[0].startswith("rule 1: target the target has no")
