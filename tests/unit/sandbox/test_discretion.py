import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.discretion import HIDDEN, discreet

SOURCE = 'def transform(ctx):\n    return {"mail": need(ctx["personal"], 4096)}\n'


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param('Key `"mail"` was not found', 'Key `"mail"` was not found', id="a name of the source"),
        pytest.param('Key `"Anna"` was not found', "Key `…` was not found", id="a key out of data"),
        pytest.param('Key `"personal x"` was not found', "Key `…` was not found", id="begins as a word of the source"),
        pytest.param(
            "Value `it`s ' \"` of type `string` does not match the type annotation `int` for argument `age`",
            "Value `…` of type `string` does not match the type annotation `int` for argument `age`",
            id="a value full of quotes",
        ),
        pytest.param(
            "Operation `+` not supported for types `string` and `int`",
            "Operation `+` not supported for types `string` and `int`",
            id="an operator and types",
        ),
        pytest.param(
            "Missing parameter `a` for call to `script.need`",
            "Missing parameter `a` for call to `script.need`",
            id="call",
        ),
        pytest.param("what `Anna` said to 'Bob' today", "what … today", id="an unknown shape, quoted"),
        pytest.param("what `mail` said to 'Bob today", "what `mail` said to …", id="a quote without end"),
        pytest.param("it doesn't fit 4096", "it doesn't fit 4096", id="an apostrophe, a number of the source"),
        pytest.param("47110815 is too much", "… is too much", id="a number out of data"),
    ],
)
def test_only_the_authors_own_words_are_quoted(message: str, shown: str) -> None:
    assert discreet(message, SOURCE) == shown


def test_limits_that_our_own_messages_name_are_no_values() -> None:
    assert discreet("this takes a list of at most 1000", SOURCE, is_ours=True) == "this takes a list of at most 1000"


@given(st.text(alphabet="`'\"aé \n.", max_size=30))
def test_a_value_is_hidden_whatever_quotes_it_holds(value: str) -> None:
    secret = f"{value}Geheim{value}"

    for shape in (
        "Key `{}` was not found",
        "Cannot parse `{}` as an integer in base 10",
        "something `{}`",
        "of '{}' is",
    ):
        shown = discreet(shape.format(secret), SOURCE)
        assert "Geheim" not in shown
        assert HIDDEN in shown
