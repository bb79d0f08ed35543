import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.mapping.letters import slug, to_ascii, to_bare_ascii
from worker.mapping.spec import TransformError
from worker.mapping.transforms import TRANSFORMS, compile_transform


@pytest.mark.parametrize(
    ("transform", "value", "result"),
    [
        pytest.param("lower", "ÄBC", "äbc", id="lower"),
        pytest.param("upper", "straße", "STRASSE", id="upper"),
        pytest.param("title", "anne's VAN der o'neill-müller", "Anne's Van Der O'Neill-Müller", id="title"),
        pytest.param("trim", "  a b ", "a b", id="trim"),
        pytest.param("collapse_space", " a \t b\u00a0c ", "a b c", id="collapse space"),
        pytest.param("ascii", "Łukasz Müßig", "Lukasz Muessig", id="ascii"),
        pytest.param("ascii_bare", "Jörg Ünal-Weiß", "Jorg Unal-Weiss", id="ascii bare"),
        pytest.param("slug", "Forschung & Entwicklung (Köln)", "forschung-entwicklung-koeln", id="slug"),
        pytest.param("digits", "+49 (30) 12-3", "4930123", id="digits"),
        pytest.param("local_part", "a.b@c.de", "a.b", id="local part"),
        pytest.param("domain", "a.b@c.de", "c.de", id="domain"),
        pytest.param("domain", "a.b", None, id="domain of no address"),
        pytest.param("number", " 42 ", 42, id="number"),
        pytest.param("boolean", "Yes", True, id="boolean yes"),
        pytest.param("boolean", "0", False, id="boolean no"),
        pytest.param("text", 7, "7", id="text of a number"),
        pytest.param("text", True, "true", id="text of a boolean"),
        pytest.param("truncate:3", "abcdef", "abc", id="truncate"),
        pytest.param("substring:1:3", "abcdef", "bc", id="substring"),
        pytest.param("substring:2", "abcdef", "cdef", id="substring to the end"),
        pytest.param("pad_left:6:0", 42, "000042", id="pad"),
        pytest.param("prefix:E-", "7", "E-7", id="prefix"),
        pytest.param("suffix:@x.de", "a", "a@x.de", id="suffix"),
        pytest.param("strip_prefix:E-", "E-7", "7", id="strip prefix"),
        pytest.param("strip_suffix:.txt", "a.txt", "a", id="strip suffix"),
        pytest.param("replace:a:b", "banana", "bbnbnb", id="replace"),
        pytest.param(r"replace:\::-", "a:b", "a-b", id="replace a colon"),
        pytest.param("replace:a:", "banana", "bnn", id="replace by nothing"),
        pytest.param("map:A=active,L=gone", "L", "gone", id="map"),
        pytest.param("map:A=active", "X", "X", id="map leaves others"),
        pytest.param("map:A=active,*=gone", "X", "gone", id="map of all others"),
        pytest.param(r"map:A=x\,y", "A", "x,y", id="map to a comma"),
        pytest.param("date:german", "2026-03-09", "09.03.2026", id="date german"),
        pytest.param("date:us", "20260309", "03/09/2026", id="date us"),
        pytest.param("date:iso", "09.03.2026", "2026-03-09", id="date iso keeps a day a day"),
        pytest.param("date:iso", "2026-03-09T12:00:00+02:00", "2026-03-09T10:00:00Z", id="date iso in utc"),
        pytest.param("date:day", "2026-03-09T23:30:00-02:00", "2026-03-10", id="date day in utc"),
        pytest.param("date:compact", "2026-03-09", "20260309", id="date compact"),
        pytest.param("date:generalized", "2026-03-09T12:00:00", "20260309120000Z", id="date generalized"),
        pytest.param("date:day", "20260309120000Z", "2026-03-09", id="date from generalized"),
        pytest.param("date:epoch", "1970-01-02", 86_400, id="date epoch"),
        pytest.param("date:ad_filetime", "1970-01-01", 116_444_736_000_000_000, id="date file time"),
        pytest.param("date:year", "09/03/2026", 2026, id="date year"),
        pytest.param("add_days:30", "2026-02-01", "2026-03-03", id="add days"),
        pytest.param("add_days:-1", "2026-03-01T00:00:00Z", "2026-02-28T00:00:00Z", id="subtract a day"),
        pytest.param("split:;", "a; b;;c", ["a", "b", "c"], id="split"),
        pytest.param("default:none", None, "none", id="default for nothing"),
        pytest.param("default:none", "", "none", id="default for empty"),
        pytest.param("default:none", 0, 0, id="default leaves a zero"),
        pytest.param("first", ["a", "b"], "a", id="first"),
        pytest.param("first", [], None, id="first of none"),
        pytest.param("last", ["a", "b"], "b", id="last"),
        pytest.param("first", "a", "a", id="first of one"),
        pytest.param("sort", ["b", "a"], ["a", "b"], id="sort"),
        pytest.param("unique", ["b", "a", "b"], ["b", "a"], id="unique"),
        pytest.param("join:, ", ["a", 1], "a, 1", id="join"),
        pytest.param("join:", ["a", "b"], "ab", id="join with nothing"),
        pytest.param("substring:-2", "abcdef", "ef", id="substring from the end"),
        pytest.param("pad_right:4:.", "ab", "ab..", id="pad right"),
        pytest.param("replace_all:ä=ae,ö=oe", "Köln-Längе", "Koeln-Laengе", id="replace several"),
        pytest.param("replace_all:ab=x,a=y", "aab", "yx", id="the longest text goes first"),
        pytest.param("part:@:1", "a@b", "b", id="part"),
        pytest.param("part:@:2", "a@b", None, id="no such part"),
        pytest.param("after:@", "ab", None, id="nothing behind"),
        pytest.param("before:@", "ab", "ab", id="all before"),
        pytest.param("name", "de la cruz", "De la Cruz", id="a particle that begins the name"),
        pytest.param("name", "  JEAN-LUC  mcgregor ", "Jean-Luc McGregor", id="name"),
        pytest.param("initial", " ", None, id="no initial"),
        pytest.param("dn_escape", " #a+b ", "\\ #a\\+b\\ ", id="blanks in a name"),
        pytest.param("dn_escape", "#1", "\\#1", id="hash in a name"),
        pytest.param("decimal", "3.0", 3, id="whole decimal"),
        pytest.param("not", "no", True, id="opposite"),
        pytest.param("present", [], False, id="empty is not present"),
        pytest.param("present", 0, True, id="zero is present"),
        pytest.param("one_of:a,b", ["x", "B"], True, id="one of several"),
        pytest.param("one_of:a", None, False, id="nothing is none of them"),
        pytest.param("when:a=1:", "b", None, id="otherwise nothing"),
        pytest.param("when:a=1:2", None, "2", id="otherwise"),
        pytest.param("item:-1", ["a", "b"], "b", id="item from the end"),
        pytest.param("item:5", ["a"], None, id="no such item"),
        pytest.param("without:a", ["A", "b"], ["b"], id="without"),
        pytest.param("add_months:-1", "2026-03-31T10:00:00Z", "2026-02-28T10:00:00Z", id="a month earlier"),
        pytest.param("add_years:-1", "2024-02-29", "2023-02-28", id="a year earlier"),
        pytest.param("date:weekday", "2026-03-09", 1, id="a monday"),
        pytest.param("lower", ["A", None, "B"], ["a", "b"], id="text transforms see each value"),
        pytest.param("lower", None, None, id="no value passes"),
        pytest.param("join:,", None, None, id="no list passes"),
    ],
)
def test_transform(transform: str, value: Any, result: Any) -> None:
    assert compile_transform(transform)(value) == result


@pytest.mark.parametrize(
    ("transform", "value"),
    [
        pytest.param("date:iso", "soon", id="no date"),
        pytest.param("date:iso", "2026-02-30", id="no such day"),
        pytest.param("date:iso", "20261399120000Z", id="no generalized time"),
        pytest.param("add_days:10000", "9999-01-01", id="after the last year"),
        pytest.param("number", "4.5", id="no whole number"),
        pytest.param("decimal", "4,5,6", id="no number"),
        pytest.param("decimal", "1e999", id="number out of range"),
        pytest.param("add_months:10000", "9990-01-01", id="months after the last year"),
        pytest.param("base64_decode", "ä", id="no base64"),
        pytest.param("phone:DE", "call me", id="no phone number"),
        pytest.param("country:name", "Atlantis", id="no country"),
        pytest.param("country:name", "x" * 1000, id="endless country"),
        pytest.param("boolean", "perhaps", id="no boolean"),
    ],
)
def test_unreadable_value_is_told_without_showing_it(transform: str, value: str) -> None:
    with pytest.raises(TransformError) as caught:
        compile_transform(transform)(value)

    assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("transforms", "value"),
    [
        pytest.param(["replace:a:" + "a" * 60_000] * 5, "a" * 1000, id="a letter by many, again and again"),
        pytest.param(["replace_all:a=" + "a" * 60_000] * 5, "a" * 1000, id="one of several by many"),
        pytest.param(["join:" + "x" * 60_000], ["a"] * 10_000, id="much between many"),
        pytest.param(["pad_left:10000:x"], ["a"] * 10_000, id="many made wide"),
        pytest.param(["split:,", "prefix:" + "x" * 60_000], "a," * 10_000, id="much before many"),
        pytest.param(["base64_encode"] * 50, "a" * 1000, id="a third more, many times"),
        pytest.param(["title"], "a" * 100_000, id="a long text to begin with"),
    ],
)
def test_no_transforms_make_a_value_that_fills_the_memory(transforms: list[str], value: Any) -> None:
    def transformed() -> Any:
        found = value
        for transform in transforms:
            found = compile_transform(transform)(found)
        return found

    tracemalloc.start()
    try:
        with pytest.raises(TransformError, match="is or becomes longer than"):
            transformed()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 32 * 1024 * 1024


def test_parts_of_several_texts_are_one_list() -> None:
    assert compile_transform("split:;")(["a;b", "c", None]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        pytest.param("lowr", "there is no transform 'lowr'; did you mean lower?", id="misspelt"),
        pytest.param("xyzzy", "there is no transform 'xyzzy'", id="unknown"),
        pytest.param("lower:x", "lower takes no argument", id="argument too many"),
        pytest.param("truncate", "truncate needs an argument: truncate:N", id="argument missing"),
        pytest.param("truncate:0", "truncate needs a whole number from 1 to 10000", id="truncate to nothing"),
        pytest.param("truncate:²", "truncate needs a whole number from 1 to 10000", id="superscript"),
        pytest.param("prefix:", "prefix needs a text behind the colon", id="empty prefix"),
        pytest.param("replace:a", "replace needs the old and the new text: replace:OLD:NEW", id="replace by what"),
        pytest.param("replace::b", "replace needs the old and the new text: replace:OLD:NEW", id="replace nothing"),
        pytest.param("pad_left:5:ab", "pad_left needs a width and one character: pad_left:8:0", id="pad with two"),
        pytest.param(
            "map:a", "map needs pairs: map:OLD=NEW,OLD=NEW; a pair *=NEW is for all others", id="map without pairs"
        ),
        pytest.param("substring:a", "substring needs a whole number from 0 to 10000", id="substring from where"),
        pytest.param("phone:germany", "phone needs the two-letter code of a country: phone:DE", id="country by name"),
        pytest.param(
            "phone:QQ", "phone no region 'QQ': it is a two-letter country code, such as DE", id="no such country"
        ),
        pytest.param(
            "country:alph2",
            "country knows the forms alpha2, alpha3, name; did you mean alpha2?",
            id="form of countries",
        ),
        pytest.param("split:", "split needs a text behind the colon", id="split at nothing"),
    ],
)
def test_mistake_in_a_transform_is_explained(transform: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        compile_transform(transform)

    assert str(caught.value) == message


def test_unknown_date_format_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"knows the formats iso, day, .*; did you mean german"):
        compile_transform("date:germn")


@pytest.mark.parametrize("name", TRANSFORMS)
def test_each_transform_is_explained_and_does_what_its_example_says(name: str) -> None:
    spec = TRANSFORMS[name]

    assert spec.help.endswith(".")
    assert compile_transform(spec.example.transform)(spec.example.given) == spec.example.result
    assert spec.example.transform.partition(":")[0] == name
    assert (":" in spec.example.transform) is (spec.argument is not None)


@given(st.text())
def test_ascii_is_ascii_and_settled_after_one_pass(text: str) -> None:
    for function in (to_bare_ascii, slug):
        once = function(text)
        assert once.isascii()
        assert function(once) == once


@given(st.sampled_from(["lower", "upper", "title", "trim", "collapse_space", "slug", "digits"]), st.text())
def test_cleaning_twice_is_cleaning_once(name: str, text: str) -> None:
    clean = compile_transform(name)

    assert clean(clean(text)) == clean(clean(clean(text)))


def test_composed_and_decomposed_umlauts_are_the_same_letter() -> None:
    assert slug("u\u0308ber") == slug("über") == "ueber"


def test_names_in_other_scripts_are_spelled_as_scripts_of_hooks_spell_them() -> None:
    assert to_ascii("Жуков") == "Zhukov"
    assert slug("Παπαδόπουλος") == "papadopoulos"


@given(st.sampled_from(sorted(TRANSFORMS)), st.text() | st.integers() | st.booleans() | st.lists(st.text(), max_size=3))
def test_any_value_is_transformed_or_refused_by_name(name: str, value: Any) -> None:
    """Another error would make the whole mapping unusable, and not one person."""
    transform = compile_transform(TRANSFORMS[name].example.transform)
    with suppress(TransformError):
        transform(value)
