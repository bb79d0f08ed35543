"""What the columns of other people's files hold, by what stands above them."""

import pytest

from worker.correlation.headings import by_role, likely_role_of


@pytest.mark.parametrize(
    ("column", "role"),
    [
        ("Email Address [Required]", "email"),
        ("E-Mail (dienstlich)", "email"),
        ("Email - Work", "email"),
        ("Correo electrónico", "email"),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber", "employee_number"),
        ("Número de empleado", "employee_number"),
        ("Employee No.", "employee_number"),
        ("Legal First Name", "given_name"),
        ("profile.firstName", "given_name"),
        ("Imię", "given_name"),
        ("prénom", "given_name"),
        ("Apellidos", "family_name"),
        ("Příjmení", "family_name"),
        ("Họ tên", "display_name"),
        ("Kennung", "user_name"),
        ("objectGUID", None),
        ("account_id", None),
    ],
)
def test_a_column_is_known_in_many_languages_and_with_words_around(column: str, role: str | None) -> None:
    assert likely_role_of(column) == role


@pytest.mark.parametrize(
    ("columns", "given", "family"),
    [
        (["Name", "Vorname"], "Vorname", "Name"),
        (["Name", "Surname"], "Name", "Surname"),
        (["Nombre", "Apellidos"], "Nombre", "Apellidos"),
        (["nom", "prénom"], "prénom", "nom"),
        (["Nome", "First Name"], "First Name", "Nome"),
    ],
)
def test_a_name_beside_one_of_its_parts_is_the_other(columns: list[str], given: str, family: str) -> None:
    assert by_role(columns) == {"given_name": [given], "family_name": [family]}


def test_a_name_by_itself_is_a_whole_one() -> None:
    assert by_role(["Name", "mail"]) == {"display_name": ["Name"], "email": ["mail"]}
    assert by_role(["Vorname"]) == {"given_name": ["Vorname"]}
