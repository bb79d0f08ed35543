import csv
import io
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from worker.service.demo.organisation import (
    AS_OF,
    COLUMNS,
    EMPLOYEES,
    Organisation,
    generate,
    login_base,
    login_of,
)


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """All of them: what is promised about the demo's numbers is promised of these."""
    return generate()


def test_the_same_seed_makes_the_same_people_and_another_seed_makes_others() -> None:
    assert generate(3, count=200) == generate(3, count=200)
    assert generate(3, count=200) != generate(4, count=200)


def test_everybody_has_a_number_a_login_and_a_telephone_of_their_own(organisation: Organisation) -> None:
    people = organisation.employees

    assert len(people) == EMPLOYEES
    assert len({one.employee_number for one in people}) == EMPLOYEES
    assert len({one.login for one in people}) == EMPLOYEES
    assert len({one.phone for one in people}) == EMPLOYEES
    assert all(one.login.isascii() and len(one.login) <= 64 for one in people)


def test_there_are_leavers_rehires_contractors_interns_and_namesakes(organisation: Organisation) -> None:
    people = organisation.employees
    types = Counter(one.employee_type for one in people)
    persons = Counter((one.display_name, one.birth_date) for one in people)

    assert sum(not one.is_active for one in people) == 210
    assert sum(one.is_active and one.left_on != "" for one in people) == 18
    assert sorted(persons.values())[-12:] == [2] * 12
    assert types["contractor"] > 300
    assert types["intern"] > 100
    assert len(organisation.namesakes) >= 50


def test_namesakes_are_two_people_in_two_departments(organisation: Organisation) -> None:
    for one, two in organisation.namesakes:
        assert one.display_name == two.display_name
        assert one.birth_date != two.birth_date
        assert one.department != two.department
        assert {one.namesake_no, two.namesake_no} == {"1", "2"}


def test_names_are_of_many_cultures(organisation: Organisation) -> None:
    letters = set("".join(one.display_name for one in organisation.employees))

    assert set("äöüßåøłćřđğşıİơễãçő") <= letters


def test_everybody_but_the_head_has_a_manager_who_works_here(organisation: Organisation) -> None:
    working = {one.employee_number for one in organisation.active}
    managers = [one.manager for one in organisation.employees]

    assert managers[0] == ""
    assert set(managers[1:]) <= working
    assert all(one.manager != one.employee_number for one in organisation.employees)


def test_dates_make_sense(organisation: Organisation) -> None:
    for one in organisation.employees:
        born, hired = date.fromisoformat(one.birth_date), date.fromisoformat(one.hired_on)
        assert born < hired <= AS_OF
        if one.left_on and not one.is_active:
            assert hired < date.fromisoformat(one.left_on) <= AS_OF


@pytest.mark.parametrize(
    ("given", "family", "login"),
    [
        pytest.param("Jörg", "Müller-Lüdenscheidt", "joerg.mueller-luedenscheidt", id="umlauts and hyphen"),
        pytest.param("Siân", "O'Neill", "sian.o-neill", id="apostrophe"),
        pytest.param("Văn Nam", "Nguyễn", "van-nam.nguyen", id="two given names"),
        pytest.param("Đorđe", "Živković", "dorde.zivkovic", id="letters without decomposition"),
        pytest.param("Işıl", "Çelik", "isil.celik", id="dotless i"),
        pytest.param("Oliver", "St. John", "oliver.st-john", id="dot in a name"),
    ],
)
def test_login_is_plain_letters(given: str, family: str, login: str) -> None:
    assert login_base(given, family) == login


def test_any_text_becomes_a_login_with_its_dots() -> None:
    assert login_of("Đặng.alt") == "dang.alt"


def test_file_has_every_column_and_reads_back(organisation: Organisation, tmp_path: Path) -> None:
    path = tmp_path / "new" / "people.csv"
    organisation.write_csv(path)
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))

    assert tuple(rows[0]) == COLUMNS
    assert rows == [one.as_row() for one in organisation.employees]
    assert [each.name for each in path.parent.iterdir()] == ["people.csv"]


def test_small_organisation_has_a_bit_of_everything() -> None:
    people = generate(count=500)

    assert len(people.employees) == 500
    assert people.namesakes
    assert len(people.active) < 500
