"""Texts normalised together come out as those normalised one by one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from worker.correlation.columns.texts import matches_each, normalise_many
from worker.correlation.normalize import NORMALISERS
from worker.correlation.rules import SERVICE_PATTERN

SIGNS = st.sampled_from("abeou AEnz äÜøßéþĳŁ'`-_.,@+\\()[]\t\n0123\u0301\u1e9e\u2019İ")
TEXTS = st.lists(st.text(SIGNS, max_size=12), max_size=6)


@pytest.mark.parametrize("name", NORMALISERS)
@given(texts=TEXTS)
@example(texts=[])
@example(texts=["Dr. Müller, Anna (Sales)", "O'Neill [x]", "anna\nmueller"])
@example(texts=["ACME\\anna.m@x", "SMTP:Anna+x@B.example", "E-00042", "+49 30 1234567", "1.2.1990"])
def test_a_column_is_normalised_as_its_texts_are(name: str, texts: list[str]) -> None:
    assert normalise_many([name], texts) == [NORMALISERS[name](text) for text in texts]


@given(texts=st.lists(st.sampled_from(["svc-a", "anna", "a.ADMIN3", "adm", "administrator", "x\nsvc", "no-reply", ""])))
def test_service_accounts_are_told_in_a_column_as_one_by_one(texts: list[str]) -> None:
    pattern = f"(?:{SERVICE_PATTERN})"

    assert matches_each(SERVICE_PATTERN, texts) == matches_each(pattern, texts)
