import pytest

from worker.sandbox.library import countries


@pytest.mark.parametrize(
    ("value", "code"),
    [
        pytest.param("DE", "DE", id="two letters"),
        pytest.param("deu", "DE", id="three letters"),
        pytest.param("276", "DE", id="number"),
        pytest.param("germany", "DE", id="name"),
        pytest.param("Österreich", "AT", id="own name"),
        pytest.param("OESTERREICH", "AT", id="own name in capitals"),
        pytest.param("The Netherlands", "NL", id="article"),
        pytest.param("Bosnia & Herzegovina", "BA", id="sign for and"),
        pytest.param("Cote d'Ivoire", "CI", id="without accents"),
        pytest.param("Viet Nam", "VN", id="official form"),
        pytest.param("Turkey", "TR", id="older name"),
        pytest.param("日本", "JP", id="own script"),
        pytest.param("Atlantis", None, id="no country"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
    ],
)
def test_a_country_is_found_by_any_of_its_names(value: str | None, code: str | None) -> None:
    assert countries.alpha2(value) == code


def test_the_table_is_whole_and_its_codes_lead_to_each_other() -> None:
    codes = [a + b for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    known = [code for code in codes if countries.alpha2(code) == code]

    assert len(known) == 249
    for code in known:
        assert countries.alpha2(countries.alpha3(code)) == code
        assert countries.alpha2(countries.numeric(code)) == code
        assert countries.alpha2(countries.name(code)) == code


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="takes a text"):
        countries.alpha2(276)
