"""The shipped rules fit targets by the names of their attributes and by their mapping."""

from worker.correlation import default_rule_set, rule_set_in_force


def targets_of(names: list[str], mapping: dict[str, str] | None = None) -> dict[str, str]:
    return {rule.name: rule.target for rule in default_rule_set(names, mapping=mapping).rules}


def test_ldap_attributes_are_known() -> None:
    names = ["uid", "mail", "employeeNumber", "givenName", "sn", "cn", "departmentNumber", "telephoneNumber"]

    assert targets_of(names) == {
        "user name": "uid",
        "email": "mail",
        "employee number": "employeeNumber",
        "name": "givenName+sn | cn",
        "phone": "telephoneNumber",
    }


def test_scim_attributes_are_known() -> None:
    names = ["userName", "externalId", "name.givenName", "name.familyName", "emails.value", "displayName", "department"]

    assert targets_of(names) == {
        "user name": "userName",
        "external id": "externalId",
        "email": "emails.value",
        "name": "name.givenName+name.familyName | displayName",
        "department": "department",
    }


def test_the_mapping_tells_what_an_unusual_name_is() -> None:
    assert targets_of(["f17"], {"employee_number": "f17", "shoe_size": "f18", "mail": "f19"}) == {
        "employee number": "f17",
        "email": "f19",
    }


def test_the_mapping_beats_the_name() -> None:
    assert targets_of(["login"], {"mail": "login"}) == {"email": "login"}


def test_names_need_both_parts_or_a_whole() -> None:
    assert targets_of(["first_name"]) == {}
    assert targets_of(["full_name"]) == {"name": "full_name"}


def test_service_accounts_are_known_by_login_and_mail() -> None:
    found = default_rule_set(["login", "email"])

    assert found.service_target == "login | email"
    assert "user_name" in found.service_source
    assert default_rule_set(["department"]).service_target == ""


def test_a_target_without_known_attributes_has_no_rules() -> None:
    assert default_rule_set(["x"], version=3).rules == ()


def test_stored_rules_hold_under_their_own_version_before_the_shipped_ones():
    document = default_rule_set(["email"]).to_json()
    stored = rule_set_in_force((7, document), attributes=["login"], mapping=None)

    assert (stored.version, [rule.target for rule in stored.rules]) == (7, ["email"])
    assert rule_set_in_force(None, attributes=["login"], mapping=None) == default_rule_set(["login"])
