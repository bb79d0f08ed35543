import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.library import mail


@given(st.text(max_size=100))
def test_an_address_that_is_built_is_valid(value: str) -> None:
    try:
        address = mail.build(value, "example.org")
    except ValueError:
        return

    assert mail.valid(address)
    assert mail.domain(address) == "example.org"
    assert mail.build(mail.local(address), mail.domain(address)) == address


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(lambda: mail.local("a@b@c.org"), "a@b", id="local part"),
        pytest.param(lambda: mail.domain("A@C.ORG"), "c.org", id="domain"),
        pytest.param(lambda: mail.domain("nothing"), "", id="no domain"),
        pytest.param(lambda: mail.build("Jörg  von Müller", "Ex.org"), "joerg.von.mueller@ex.org", id="address"),
        pytest.param(lambda: mail.build("..a..b..", "ex.org"), "a.b@ex.org", id="address dots"),
    ],
)
def test_small_functions(call: object, expected: object) -> None:
    assert callable(call)
    assert call() == expected


@pytest.mark.parametrize(
    ("address", "is_valid"),
    [
        pytest.param("a.b+c@example.org", True, id="plain"),
        pytest.param("a@localhost", False, id="no dot in the host"),
        pytest.param("a..b@example.org", False, id="two dots"),
        pytest.param(".a@example.org", False, id="leading dot"),
        pytest.param("a b@example.org", False, id="space"),
        pytest.param("a@-example.org", False, id="hyphen first"),
        pytest.param("a" * 65 + "@example.org", False, id="local part too long"),
        pytest.param("a@" + "b" * 64 + ".org", False, id="label too long"),
        pytest.param("a@example.org\n", False, id="line feed"),
        pytest.param("@example.org", False, id="nothing before"),
        pytest.param(None, False, id="no text"),
    ],
)
def test_email_valid(address: object, is_valid: bool) -> None:
    assert mail.valid(address) is is_valid
