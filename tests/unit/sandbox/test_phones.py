import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.library import phones


@pytest.mark.parametrize(
    ("number", "region", "e164"),
    [
        pytest.param("030 / 901820", "DE", "+4930901820", id="german"),
        pytest.param("+49 (0)30 901820", "", "+4930901820", id="with a bracketed zero"),
        pytest.param("0049 30 901820", "DE", "+4930901820", id="with the international prefix"),
        pytest.param("(212) 555-0123", "us", "+12125550123", id="american, region in small letters"),
        pytest.param("06 6982", "IT", "+39066982", id="italian keeps its zero"),
        pytest.param("+44 20 7946 0958 ext. 12", "", "+442079460958", id="extension is dropped"),
        pytest.param("tel:+1-212-555-0123", "", "+12125550123", id="uri"),
    ],
)
def test_e164(number: str, region: str, e164: str) -> None:
    assert phones.e164(number, region) == e164
    assert phones.e164(e164) == e164


@pytest.mark.parametrize(
    ("number", "region", "message"),
    [
        pytest.param("030 901820", "", "needs the country in region", id="no region"),
        pytest.param("12", "DE", "no phone number of DE", id="too short"),
        pytest.param("+999 123456", "", "no phone number", id="no such country"),
        pytest.param("call me", "DE", "no phone number$", id="no number"),
        pytest.param("030 901820", "XX", "no region 'XX'", id="no such region"),
        pytest.param("1" * 300, "DE", "at most 250", id="too long"),
        pytest.param(None, "DE", "not None", id="none"),
    ],
)
def test_what_is_no_number_is_a_sentence_for_the_author(number: str, region: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        phones.e164(number, region)


def test_valid_says_no_where_others_refuse() -> None:
    assert phones.valid("030 901820", "DE")
    assert not any(phones.valid(number, "DE") for number in ("12", "", None, 30901820, "1" * 300))
    with pytest.raises(ValueError, match="no region"):
        phones.valid("030 901820", "XX")


def test_the_region_of_a_number() -> None:
    assert phones.region("+41 44 668 18 00") == "CH"
    assert phones.region("+800 1234 5678") == ""


@given(st.text("+0123456789 ()-/x", max_size=30), st.sampled_from(["DE", "US", "IT", ""]))
def test_e164_of_e164_is_itself(number: str, region: str) -> None:
    try:
        made = phones.e164(number, region)
    except ValueError:
        return

    assert phones.e164(made) == made
    assert phones.valid(phones.international(made))
