"""Rules guessed from the column names of two tables."""

import pytest

from worker.correlation import guessed_rule_set


def paths_of(identities: list[str], accounts: list[str]) -> dict[str, tuple[str, str]]:
    return {rule.name: (rule.source, rule.target) for rule in guessed_rule_set(identities, accounts).rules}


def test_columns_of_different_names_meet_by_what_they_hold() -> None:
    identities = ["id", "username", "employee_number", "given_name", "family_name", "email", "location"]
    accounts = ["id", "sAMAccountName", "Personalnummer", "displayName", "givenName", "sn", "work_email", "office"]

    assert paths_of(identities, accounts) == {
        "employee number": ("employee_number", "Personalnummer"),
        "email": ("email", "work_email"),
        "user name": ("username", "sAMAccountName"),
        "city": ("location", "office"),
        "name": ("given_name+family_name", "givenName+sn | displayName"),
    }


def test_what_only_one_side_has_makes_no_rule() -> None:
    assert paths_of(["email", "phone"], ["mail", "department"]) == {"email": ("email", "mail")}
    assert guessed_rule_set(["a"], ["b"]).rules == ()


def test_an_unknown_column_of_one_name_is_compared_unless_it_numbers_rows() -> None:
    found = paths_of(["id", "badge colour", "account_id"], ["Badge_Colour", "ID", "account_id"])

    assert found == {"badge colour": ("badge colour", "Badge_Colour")}


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        ("soc_sec_id", "national id"),
        ("date_of_birth", "birth date"),
        ("hr.birthday", "birth date"),
        ("Primary Email Address", "email"),
        ("work phone", "phone"),
        ("address_1", "street"),
        ("zip", "postcode"),
        ("Job Title", "title"),
    ],
)
def test_a_column_is_known_by_its_name(column: str, rule: str) -> None:
    assert list(paths_of([column], [column])) == [rule]


def test_service_accounts_and_who_had_left_are_known_where_columns_tell() -> None:
    found = guessed_rule_set(["login", "termination_date"], ["login", "mail", "whenCreated"])

    assert (found.service_source, found.service_target) == ("login", "login | mail")
    assert (found.ended, found.created) == ("termination_date", "whenCreated")
    assert guessed_rule_set(["login", "termination_date"], ["login"]).ended == ""
