import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.letters import SHORT, Form, normalized

#: Marks of several classes, those that are several in one, and letters with and without.
SIGNS = "\u0301\u0327\u0344\u0f73\u0f71\u05b0\u0591\u0345aé\u1e9bﬁ가\u1100\u1161\U0001d15e"


@given(st.text(st.sampled_from(SIGNS), min_size=1, max_size=40), st.integers(1, 60))
def test_a_long_text_has_the_normal_forms_of_the_standard(part: str, times: int) -> None:
    text = part * times + part[::-1] * (SHORT // len(part) + 1)

    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert normalized(text, form) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("form", ["NFC", "NFKD"])
@pytest.mark.timeout(60)
def test_a_megabyte_of_marks_in_the_worst_order_comes_to_an_end(form: Form) -> None:
    """The interpreter alone would need hours for it."""
    text = "a" + "\u0301\u0316" * 500_000

    made = normalized(text, form)

    assert made.count("\u0316") == 500_000
    assert made.index("\u0316") < made.index("\u0301")
