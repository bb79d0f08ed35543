import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.library import mail, texts


@given(st.text(max_size=200))
def test_ascii_and_slug_never_leave_ascii(value: str) -> None:
    assert texts.ascii(value).isascii()
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", texts.slug(value))


@given(st.text(max_size=50), st.integers(0, 60), st.text(max_size=5))
def test_truncate_never_exceeds_its_length_and_leaves_short_texts_alone(value: str, length: int, suffix: str) -> None:
    cut = texts.truncate(value, length, suffix)

    assert len(cut) <= length or cut == value
    assert cut == value or len(value) > length


@given(st.text(max_size=60), st.text(max_size=60))
def test_similarity_is_a_share_and_full_for_equal_texts(first: str, second: str) -> None:
    score = texts.similarity(first, second)

    assert 0.0 <= score <= 1.0
    assert texts.similarity(first, first) == 1.0
    assert abs(score - texts.similarity(second, first)) < 0.2


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(lambda: texts.norm("  ＳＴＲＡẞＥ  x "), "strasse x", id="norm folds width, case and space"),
        pytest.param(lambda: texts.slug("Müller & Söhne GmbH"), "mueller-soehne-gmbh", id="slug"),
        pytest.param(lambda: texts.slug("a b", sep="."), "a.b", id="slug with dots"),
        pytest.param(lambda: texts.truncate("hello world", 6), "hello", id="truncate drops the open space"),
        pytest.param(
            lambda: texts.truncate("hello world", 8, suffix="..."), "hello...", id="truncate counts its suffix"
        ),
        pytest.param(lambda: texts.truncate("abc", 2, suffix="....."), "..", id="truncate never exceeds"),
        pytest.param(lambda: texts.pad_left("7", 3, "0"), "007", id="pad left"),
        pytest.param(lambda: texts.pad_right("7", 3), "7  ", id="pad right"),
    ],
)
def test_small_functions(call: object, expected: object) -> None:
    assert callable(call)
    assert call() == expected


@pytest.mark.parametrize(
    ("pattern", "values", "filled"),
    [
        pytest.param("{a}-{b:2}", {"a": "x", "b": "yzz"}, "x-yz", id="cut"),
        pytest.param("{n}{t}{o}", {"n": 7, "t": True, "o": None}, "7true", id="numbers, booleans, none"),
        pytest.param("{{a}} {a}", {"a": "{b}"}, "{a} {b}", id="braces are not filled twice"),
        pytest.param("{ a }", {"a": "x"}, "{ a }", id="no name"),
    ],
)
def test_template(pattern: str, values: dict[str, object], filled: str) -> None:
    assert texts.template(pattern, values) == filled


def test_a_template_cannot_grow_beyond_what_a_text_may_be() -> None:
    with pytest.raises(ValueError, match="longer than 64 KiB"):
        texts.template("{a}" * 10_000, {"a": "x" * 60_000})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: texts.slug(None), "not None", id="none"),  # type: ignore[arg-type]  # a script may hand in anything
        pytest.param(lambda: texts.slug(["a"]), "not a list", id="list"),  # type: ignore[arg-type]  # a script may hand in anything
        pytest.param(lambda: texts.slug("a" * (64 * 1024 + 1)), "longer than 64 KiB", id="too long"),
        pytest.param(lambda: texts.truncate("a", -1), "between", id="negative length"),
        pytest.param(lambda: texts.truncate("a", True), "between", id="boolean length"),
        pytest.param(lambda: texts.pad_left("a", 5, "ab"), "one character", id="two fill characters"),
        pytest.param(lambda: texts.template("{a}", {"a": []}), "not a list", id="list in a template"),
        pytest.param(lambda: texts.template("{a}", {"a": 1 << 70}), "64 bits", id="large number in a template"),
        pytest.param(lambda: texts.similarity("a" * 257, "a"), "at most 256", id="long comparison"),
        pytest.param(lambda: mail.build("", "ex.org"), "no valid mail address", id="empty address"),
    ],
)
def test_refusals_are_sentences_for_the_author(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()
