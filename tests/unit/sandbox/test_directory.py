import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from worker.sandbox.library import directory

PAIRS = st.lists(st.tuples(st.sampled_from(["cn", "ou", "2.5.4.3"]), st.text(max_size=20)).map(list), max_size=6)


@given(PAIRS)
def test_what_is_built_is_parsed_again(parts: list[list[str]]) -> None:
    assert directory.parse(directory.build(parts)) == parts


@given(PAIRS.filter(lambda parts: len(parts) > 1))
@example([["cn", "a"], ["cn", " "]])
@example([["cn", "a"], ["cn", "b\\"]])
def test_the_parent_is_the_rest(parts: list[list[str]]) -> None:
    assert directory.parse(directory.parent(directory.build(parts))) == parts[1:]


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        pytest.param("Müller, Jörg", "Müller\\, Jörg", id="comma"),
        pytest.param("#5", "\\#5", id="hash first"),
        pytest.param("a#", "a#", id="hash elsewhere"),
        pytest.param(" a ", "\\ a\\ ", id="spaces at the ends"),
        pytest.param(" ", "\\ ", id="one space"),
        pytest.param("a\\", "a\\\\", id="backslash"),
        pytest.param('<"+;=>', '\\<\\"\\+\\;\\=\\>', id="specials"),
        pytest.param("a\x00b", "a\\00b", id="nul"),
        pytest.param("", "", id="empty"),
    ],
)
def test_dn_escape(value: str, escaped: str) -> None:
    assert directory.escape(value) == escaped


def test_dn_build_escapes_values_and_keeps_the_base() -> None:
    built = directory.build([["cn", "Müller, J"], ["ou", "R+D"]], "dc=example,dc=org")

    assert built == "cn=Müller\\, J,ou=R\\+D,dc=example,dc=org"
    assert directory.build([["2.5.4.3", "a"]]) == "2.5.4.3=a"


@pytest.mark.parametrize(
    "parts",
    [[["c=n", "a"]], [["cn"]], ["cn=a"], "cn=a", [["cn", 5]], [["cn", "a"]] * 33],
    ids=["bad type", "no value", "no pair", "text", "number", "too many"],
)
def test_dn_build_refuses_what_is_no_list_of_pairs(parts: list[list[str]]) -> None:
    with pytest.raises(ValueError, match=r"a part is|takes a"):
        directory.build(parts)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        pytest.param("cn=a+sn=b,dc=x", [["cn", "a", "sn", "b"], ["dc", "x"]], id="several values"),
        pytest.param("CN = a , OU= b ", [["CN", "a"], ["OU", "b"]], id="blanks around"),
        pytest.param("cn=M\\C3\\BCller", [["cn", "Müller"]], id="escaped bytes"),
        pytest.param("cn=a\\ ,dc=x", [["cn", "a "], ["dc", "x"]], id="escaped blank at the end"),
        pytest.param("cn=,dc=x", [["cn", ""], ["dc", "x"]], id="empty value"),
        pytest.param("cn=a=b", [["cn", "a=b"]], id="equals sign within"),
    ],
)
def test_parse(name: str, parts: list[list[str]]) -> None:
    assert directory.parse(name) == parts


def test_parts_of_several_values_are_built_as_they_are_parsed() -> None:
    assert directory.build([["cn", "a", "sn", "b"]], "dc=x") == "cn=a+sn=b,dc=x"


@pytest.mark.parametrize(
    "name",
    ["a", "cn=a,", ",cn=a", "cn=a;b", "cn=<a", "c n=a", "cn=a\\", "cn=\\C3", "cn=#0401", "=a", ",".join(["dc=x"] * 33)],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"distinguished name|UTF-8|hexadecimal"):
        directory.parse(name)


@given(st.text(max_size=50))
def test_an_escaped_filter_value_has_no_character_with_a_meaning(value: str) -> None:
    escaped = directory.filter_escape(value)

    assert not set("*()\x00") & set(escaped)
    assert (
        escaped.replace("\\2a", "*")
        .replace("\\28", "(")
        .replace("\\29", ")")
        .replace("\\00", "\x00")
        .replace("\\5c", "\\")
        == value
        or "\\" in value
    )


def test_filter_escape() -> None:
    assert directory.filter_escape("a*(b)\\\x00") == "a\\2a\\28b\\29\\5c\\00"
