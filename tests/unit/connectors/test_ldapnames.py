import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.connectors.builtin.ldapnames import (
    check_attribute,
    from_values,
    parent_of,
    rdn,
    rdn_value,
    to_values,
)
from worker.domain.errors import InvalidAttributes


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("anna", "uid=anna", id="plain"),
        pytest.param("Müller", "uid=Müller", id="umlaut"),
        pytest.param("x,ou=admins", "uid=x\\,ou\\=admins", id="comma"),
        pytest.param('a"b\\c+d<e>f;g', 'uid=a\\"b\\\\c\\+d\\<e\\>f\\;g', id="specials"),
        pytest.param("#1", "uid=\\#1", id="number sign first"),
        pytest.param("a#1", "uid=a#1", id="number sign inside"),
        pytest.param(" a ", "uid=\\ a\\ ", id="spaces around"),
        pytest.param(" ", "uid=\\ ", id="one space"),
        pytest.param("a\nb\x00", "uid=a\\0ab\\00", id="control characters"),
    ],
)
def test_value_is_escaped_for_a_name(value, expected):
    assert rdn("uid", value) == expected


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_value_is_read_back_from_its_name_and_ends_where_it_ends(value, other):
    name = f"{rdn('uid', value)},{rdn('ou', other)},dc=example"

    assert rdn_value(name) == value
    assert parent_of(name) == f"{rdn('ou', other)},dc=example"


def test_name_as_a_server_may_write_it():
    assert rdn_value("uid=J\\C3\\B6rg\\2C jr.+cn=x, ou=people") == "Jörg, jr."
    assert parent_of("uid=a, ou=people") == "ou=people"
    assert parent_of("dc=example") == ""


@pytest.mark.parametrize("name", ["", "1cn", "cn)(", "c n", "cn=", "cn;", "*", "cn\n"])
def test_attribute_that_ldap_cannot_have_is_refused(name):
    with pytest.raises(InvalidAttributes):
        check_attribute(name)


def test_attribute_with_an_option_is_one():
    assert check_attribute("cn;lang-de") == "cn;lang-de"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, [], id="nothing"),
        pytest.param([], [], id="empty list"),
        pytest.param("Jörg", ["Jörg".encode()], id="text"),
        pytest.param(["a", None, 7], [b"a", b"7"], id="list"),
        pytest.param(True, [b"TRUE"], id="boolean"),
    ],
)
def test_value_goes_on_the_wire(value, expected):
    assert to_values("cn", value) == expected


def test_what_has_no_form_on_the_wire_is_refused_by_name():
    with pytest.raises(InvalidAttributes, match="cn"):
        to_values("cn", {"a": 1})


@pytest.mark.parametrize(
    ("values", "as_list", "expected"),
    [
        pytest.param([b"a"], False, "a", id="one"),
        pytest.param([b"a"], True, ["a"], id="one of a list"),
        pytest.param([b"a", b"b"], False, ["a", "b"], id="several"),
        pytest.param([b"\xff\xd8"], False, None, id="no text"),
    ],
)
def test_value_comes_from_the_wire(values, as_list, expected):
    assert from_values(values, as_list=as_list) == expected
