import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox import builtins as host


@pytest.mark.parametrize(
    ("value", "language", "plain"),
    [
        pytest.param("Jörg Müßig", "", "Joerg Muessig", id="german"),
        pytest.param("Ärzte", "", "Aerzte", id="german capital"),
        pytest.param("Søren Ærø", "", "Soeren Aeroe", id="danish"),
        pytest.param("Åsa Öberg", "", "Aasa Oeberg", id="no language"),
        pytest.param("Åsa Öberg", "sv", "Asa Oberg", id="swedish"),
        pytest.param("Łukasz Żółć", "", "Lukasz Zolc", id="polish"),
        pytest.param("Đorđe Šćepanović", "", "Dorde Scepanovic", id="serbian latin"),
        pytest.param("Şükrü Iğdır", "tr", "Sukru Igdir", id="turkish"),
        pytest.param("İnci", "tr", "Inci", id="turkish dotted capital"),
        pytest.param("Þór Eiðsson", "", "Thor Eidsson", id="icelandic"),
        pytest.param("Иван Щукин", "", "Ivan Shchukin", id="cyrillic"),
        pytest.param("Γιώργος", "", "Giorgos", id="greek with accent"),
        pytest.param("O’Neil–Smith", "", "O'Neil-Smith", id="typographic marks"),
        pytest.param("Mu\u0308ller", "", "Mueller", id="decomposed umlaut"),
        pytest.param("李", "", "", id="no plain form"),
        pytest.param("ﬁ", "", "fi", id="ligature"),
    ],
)
def test_ascii_writes_names_as_their_owners_would(value: str, language: str, plain: str) -> None:
    assert host.ascii_text(value, language) == plain


def test_ascii_refuses_a_language_without_a_table() -> None:
    with pytest.raises(ValueError, match="no table for language"):
        host.ascii_text("ä", "xx")


@given(st.text(max_size=200))
def test_ascii_slug_and_email_never_leave_ascii(value: str) -> None:
    assert host.ascii_text(value).isascii()
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", host.slug(value))


@given(st.text(max_size=100))
def test_an_address_that_is_built_is_valid(value: str) -> None:
    try:
        address = host.email_build(value, "example.org")
    except ValueError:
        return

    assert host.email_valid(address)
    assert host.email_domain(address) == "example.org"


@pytest.mark.parametrize(
    ("value", "titled"),
    [
        pytest.param("ANNA-MARIA O'NEIL", "Anna-Maria O'Neil", id="capitals"),
        pytest.param("ludwig VAN beethoven", "Ludwig van Beethoven", id="particle"),
        pytest.param("von der Leyen", "Von der Leyen", id="particle first"),
        pytest.param("Ronald McDonald", "Ronald McDonald", id="mixed case stays"),
        pytest.param("  jörg   müller ", "Jörg Müller", id="spaces"),
    ],
)
def test_title_name(value: str, titled: str) -> None:
    assert host.title_name(value) == titled


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(lambda: host.norm("  ＳＴＲＡẞＥ  x "), "strasse x", id="norm folds width, case and space"),
        pytest.param(lambda: host.slug("Müller & Söhne GmbH"), "mueller-soehne-gmbh", id="slug"),
        pytest.param(lambda: host.slug("a b", sep="."), "a.b", id="slug with dots"),
        pytest.param(lambda: host.truncate("hello world", 6), "hello", id="truncate drops the open space"),
        pytest.param(
            lambda: host.truncate("hello world", 8, suffix="..."), "hello...", id="truncate counts its suffix"
        ),
        pytest.param(lambda: host.truncate("abc", 2, suffix="....."), "..", id="truncate never exceeds"),
        pytest.param(lambda: host.pad_left("7", 3, "0"), "007", id="pad left"),
        pytest.param(lambda: host.pad_right("7", 3), "7  ", id="pad right"),
        pytest.param(lambda: host.email_local("a@b@c.org"), "a@b", id="local part"),
        pytest.param(lambda: host.email_domain("A@C.ORG"), "c.org", id="domain"),
        pytest.param(lambda: host.email_domain("nothing"), "", id="no domain"),
        pytest.param(lambda: host.email_build("Jörg  von Müller", "Ex.org"), "joerg.von.mueller@ex.org", id="address"),
        pytest.param(lambda: host.email_build("..a..b..", "ex.org"), "a.b@ex.org", id="address dots"),
        pytest.param(lambda: host.filter_escape("a*(b)\\\x00"), "a\\2a\\28b\\29\\5c\\00", id="filter"),
        pytest.param(lambda: host.sha256("abc")[:16], "ba7816bf8f01cfea", id="sha256"),
        pytest.param(lambda: host.base64_encode("é"), "w6k=", id="base64"),
        pytest.param(
            lambda: host.uuid5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2",
            id="uuid5",
        ),
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
    assert host.email_valid(address) is is_valid


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
    assert host.dn_escape(value) == escaped


def test_dn_build_escapes_values_and_keeps_the_base() -> None:
    built = host.dn_build([["cn", "Müller, J"], ["ou", "R+D"]], "dc=example,dc=org")

    assert built == "cn=Müller\\, J,ou=R\\+D,dc=example,dc=org"
    assert host.dn_build([["2.5.4.3", "a"]]) == "2.5.4.3=a"


@pytest.mark.parametrize(
    "parts",
    [[["c=n", "a"]], [["cn"]], ["cn=a"], "cn=a", [["cn", 5]], [["cn", "a"]] * 33],
    ids=["bad type", "no value", "no pair", "text", "number", "too many"],
)
def test_dn_build_refuses_what_is_no_list_of_pairs(parts: list[list[str]]) -> None:
    with pytest.raises(ValueError, match=r"a part is|takes a"):
        host.dn_build(parts)


@pytest.mark.parametrize(
    ("pattern", "values", "expected"),
    [
        pytest.param("{g:1}{f}", {"g": "Jörg", "f": "Müller"}, ["jmueller", "jmueller2", "jmueller3"], id="initial"),
        pytest.param(
            "{g}.{f}", {"g": "Jo Ann", "f": "O'Neil"}, ["joann.oneil", "joann.oneil2", "joann.oneil3"], id="dot"
        ),
        pytest.param("{g}.{f}", {"g": None, "f": "X"}, ["x", "x2", "x3"], id="empty part"),
        pytest.param("{n}", {"n": 4711}, ["4711", "47112", "47113"], id="number"),
    ],
)
def test_candidates(pattern: str, values: dict[str, object], expected: list[str]) -> None:
    assert host.candidates(pattern, values, count=3) == expected


def test_candidates_keep_their_number_within_the_length() -> None:
    names = host.candidates("{n}", {"n": "abcdefgh"}, count=12, length=5)

    assert names[:2] == ["abcde", "abcd2"]
    assert names[-1] == "abc12"
    assert len(set(names)) == 12


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"x": "a"}, "not among the values", id="unknown name"),
        pytest.param({"n": "李"}, "leaves nothing", id="nothing left"),
    ],
)
def test_candidates_say_why_there_are_none(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        host.candidates("{n}", values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: host.slug(None), "not None", id="none"),  # type: ignore[arg-type]  # a script may hand in anything
        pytest.param(lambda: host.slug(["a"]), "not a list", id="list"),  # type: ignore[arg-type]  # a script may hand in anything
        pytest.param(lambda: host.slug("a" * (64 * 1024 + 1)), "longer than 64 KiB", id="too long"),
        pytest.param(lambda: host.truncate("a", -1), "between", id="negative length"),
        pytest.param(lambda: host.truncate("a", True), "between", id="boolean length"),
        pytest.param(lambda: host.pad_left("a", 5, "ab"), "one character", id="two fill characters"),
        pytest.param(lambda: host.email_build("", "ex.org"), "no valid mail address", id="empty address"),
    ],
)
def test_refusals_are_sentences_for_the_author(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()


def test_the_library_is_the_public_surface_that_scripts_rely_on() -> None:
    """A name may be added; one that goes away or changes breaks stored scripts."""
    surface = {group: sorted(functions) for group, functions in host.LIBRARY.items()}

    assert surface == {
        "text": ["ascii", "collapse_space", "norm", "pad_left", "pad_right", "slug", "title_name", "truncate"],
        "email": ["build", "domain", "local", "valid"],
        "dn": ["build", "escape"],
        "ldap": ["filter_escape"],
        "hash": ["base64", "sha256", "uuid5"],
        "rand": ["uuid4"],
        "username": ["candidates"],
        "date": ["add", "before", "diff", "epoch", "format", "from_ad_filetime", "parse", "to_ad_filetime"],
    }
    assert host.PRELUDE_NAMES == ("print", "reject", "skip", "coalesce", "first_valid", "pick", "omit", "merge")
