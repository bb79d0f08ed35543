"""Spellings of one thing become one text, and things that differ stay apart."""

import pytest

from worker.correlation.normalize import NORMALISERS, day, digits, email, employee_number, fold, local_part, login, name


@pytest.mark.parametrize(
    ("normaliser", "spellings", "expected"),
    [
        pytest.param(fold, ["MÜLLER", "Mueller", "Muller", " müller "], "muller", id="German umlaut"),
        pytest.param(fold, ["Strauß", "STRAUSS"], "strauss", id="sharp s"),
        pytest.param(fold, ["Øystein", "Oeystein", "Oystein"], "oystein", id="Norwegian"),
        pytest.param(fold, ["Ågård", "Aagaard"], "agard", id="Danish"),
        pytest.param(fold, ["Łukasz", "lukasz"], "lukasz", id="Polish"),
        pytest.param(fold, ["Þór", "thor"], "thor", id="Icelandic"),
        pytest.param(fold, ["a  b\tc"], "a b c", id="blanks"),
        pytest.param(
            name,
            ["Dr. Müller, Anna (Sales)", "Anna Mueller", "ANNA MÜLLER [ext]", "Müller Anna", "Prof. Dr. Anna Müller"],
            "anna muller",
            id="order, titles, remarks",
        ),
        pytest.param(name, ["Shaun O'Brien", "O’Brien, Shaun"], "obrien shaun", id="apostrophe"),
        pytest.param(name, ["Eva Maier-Lutz", "Eva Maier Lutz"], "eva lutz maier", id="hyphen"),
        pytest.param(name, ["Dr"], "dr", id="nothing but a title is a name"),
        pytest.param(name, ["123", "(x)", ""], "", id="no name"),
        pytest.param(
            login, ["ACME\\Anna.Müller", "anna.mueller@acme.example", "ANNA.MULLER"], "anna.muller", id="login"
        ),
        pytest.param(
            email,
            ["Anna.Müller+news@Acme.example", " smtp:anna.mueller@ACME.EXAMPLE"],
            "anna.muller@acme.example",
            id="mail",
        ),
        pytest.param(email, ["anna", "@acme.example", "anna@", ""], "", id="no mail"),
        pytest.param(employee_number, ["E-00042", "42", "EMP 0042", "0042"], "42", id="number"),
        pytest.param(employee_number, ["X-17-B", "17b"], "17b", id="number with a letter behind"),
        pytest.param(employee_number, ["0", "000"], "0", id="zero"),
        pytest.param(digits, ["+49 30 1234-5678", "030/12345678", "0049 (30) 12345678"], "12345678", id="phone"),
        pytest.param(digits, ["-17", "ext. 99"], "", id="extension alone"),
        pytest.param(
            day, ["1984-03-02", "19840302", "2.3.1984", "02.03.1984", "19840302000000Z"], "1984-03-02", id="day"
        ),
        pytest.param(day, ["1900-01-01", "9999-12-31", "soon", "31.02.1984"], "", id="no day"),
    ],
)
def test_spellings_of_one_thing(normaliser, spellings: list[str], expected: str) -> None:  # type: ignore[no-untyped-def] - hypothesis or pytest gives it
    assert {normaliser(spelling) for spelling in spellings} == {expected}


@pytest.mark.parametrize("normaliser", sorted(NORMALISERS))
@pytest.mark.parametrize("text", ["", " ", "x", "Ünïcødé", "\udce4", "a@b@c", "\\", "0" * 5000])
def test_normalisers_take_any_text_and_are_settled_after_one_pass(normaliser: str, text: str) -> None:
    once = NORMALISERS[normaliser](text)

    assert NORMALISERS[normaliser](once) == once


def test_local_part_keeps_quoted_signs() -> None:
    assert local_part("a@b@acme.example") == "a@b"
