import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.mapping.documents import MAX_DEPTH, DocumentError, read_document

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_what_json_writes_is_read_as_json_reads_it(value: object, indent: int | None, is_ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)

    assert read_document(text).value == json.loads(text)


@given(st.text('{}[]",:0123456789.eE-+ truefalsnu\\\n'))
def test_whatever_is_not_json_is_told_with_a_place_inside(text: str) -> None:
    try:
        found = read_document(text)
    except DocumentError as error:
        place = error.place
    else:
        place = found.place(())
        assert found.value == json.loads(text)

    assert 1 <= place.line <= text.count("\n") + 1
    assert place.column >= 1


def test_places_of_members_and_items() -> None:
    document = read_document('{\n  "rules": [\n    {"target": "a"},\n    {"target": "b",\n     "on": ["x"]}\n  ]\n}')

    assert document.place(("rules", 0, "target")) == (3, 16)
    assert document.place(("rules", 1)) == (4, 5)
    assert document.place(("rules", 1, "on", 0)) == (5, 13)
    assert document.place(("rules", 1, "source")) == (4, 5)
    assert document.place(("nothing",)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        pytest.param("", (1, 1), "a value belongs here", id="empty"),
        pytest.param('{"a" 1}', (1, 6), "a colon belongs here", id="no colon"),
        pytest.param("{a: 1}", (1, 2), "the name of a member belongs here", id="bare name"),
        pytest.param("[1 2]", (1, 4), "a comma or ] belongs here", id="no comma"),
        pytest.param("[1,\n]", (2, 1), "nothing follows this comma", id="comma at the end"),
        pytest.param('{"a": 1,\n "a": 2}', (2, 2), "'a' is given twice", id="twice"),
        pytest.param('["a\n"]', (1, 4), "invalid control character", id="line feed in text"),
        pytest.param('"a', (1, 1), "unterminated string", id="open text"),
        pytest.param("NaN", (1, 1), "a value belongs here", id="nan"),
        pytest.param("[1e999]", (1, 2), "too large", id="infinite"),
        pytest.param("1 2", (1, 3), "the end belongs here", id="two values"),
        pytest.param("[" * (MAX_DEPTH + 2), (1, MAX_DEPTH + 2), "inside each other", id="too deep"),
        pytest.param("9" * 5000, (1, 1), "too large", id="endless number"),
    ],
)
def test_mistake_is_told_with_its_place(text: str, place: tuple[int, int], message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_document(text)

    assert caught.value.place == place
    assert message in str(caught.value)
