"""Columns known by what stands in them."""

from worker.correlation import guessed_rule_set

PEOPLE = 200
GIVEN = ("Anna", "Bert", "Carla", "Dora", "Emil", "Fritz", "Greta")
FAMILY = ("Huber", "Moser", "Rossi", "Novak", "Silva", "Tanaka", "Weber", "Young", "Zeman", "Adler", "Braun")


def name(number: int) -> str:
    return f"{GIVEN[number % 7]} {FAMILY[number % 11]}"


def column(form: str) -> list[str]:
    return [form.format(number, name=name(number)) for number in range(PEOPLE)]


def paths_of(identities: dict[str, list[str]], accounts: dict[str, list[str]]) -> dict[str, tuple[str, str]]:
    return {rule.name: (rule.source, rule.target) for rule in guessed_rule_set(identities, accounts).rules}


def test_an_address_is_known_by_its_look_and_a_name_by_its_words() -> None:
    found = paths_of(
        {"mail": column("p{}@acme.example"), "Full Name": column("{name}")},
        {"who": column("{name}"), "where to": column("p{}@acme.example"), "remark": column("none")},
    )

    assert found == {"email": ("mail", "where to"), "name": ("Full Name", "who")}


def test_columns_of_one_name_that_have_nothing_in_common_make_no_rule() -> None:
    """Numbers of accounts are no logins, whatever their column is called."""
    found = paths_of(
        {"user id": column("person{}"), "mail": column("p{}@acme.example")},
        {"User ID": column("77{}1"), "E-Mail": column("p{}@acme.example")},
    )

    assert found["email"] == ("mail", "E-Mail")
    assert "User ID" not in {target for _, target in found.values()}


def test_where_one_side_has_no_login_its_address_stands_for_it() -> None:
    found = paths_of({"mail": column("p{}@acme.example")}, {"login": column("p{}"), "mail": column("p{}@acme.example")})

    assert found == {"email": ("mail", "mail"), "user name": ("mail", "login")}


def test_unknown_columns_meet_by_their_values() -> None:
    found = guessed_rule_set(
        {"hrref": column("Z-9{}3"), "grp": [str(number % 4) for number in range(PEOPLE)], "row": column("{}")},
        {"ref2": column("z-9{}3"), "colour": [str(number % 4) for number in range(PEOPLE)], "place": column("{}")},
    )

    by_name = {rule.name: rule for rule in found.rules}
    assert {name: rule.target for name, rule in by_name.items()} == {"hrref": "ref2", "grp": "colour"}
    assert by_name["hrref"].weight > by_name["grp"].weight
    assert by_name["hrref"].blocking
    assert not by_name["grp"].blocking


def test_few_values_change_nothing() -> None:
    assert paths_of({"mail": ["a@b.example"]}, {"email": ["c@d.example"]}) == {"email": ("mail", "email")}
