"""Causes that many differences have in common."""

from typing import Any

import pytest

from worker.recon.reports import cause_of, one_cause_groups


@pytest.mark.parametrize(
    ("expected", "actual", "cause"),
    [
        pytest.param("Sales", None, "there is no value", id="absent"),
        pytest.param(None, "Sales", "there is a value where none should be", id="to be cleared"),
        pytest.param("Sales", "SALES", "upper and lower case differ", id="case"),
        pytest.param("New York", "NewYork", "blanks differ", id="blanks"),
        pytest.param("+49 30 1", "0049-30-1", "it is '0049-30-1'", id="something else"),
        pytest.param("030/12", "030 12", "signs other than letters and digits differ", id="punctuation"),
        pytest.param("Müller", "Mller", "letters beyond ASCII differ", id="umlauts lost"),
        pytest.param("a@new.org", "a", "the end is missing", id="suffix lost"),
        pytest.param("anna", "X-anna", "'X-' is put before it", id="prefix added"),
        pytest.param("anna", "anna.old", "'.old' is put behind it", id="suffix added"),
        pytest.param(True, False, "it is False", id="a flag"),
        pytest.param(["a"], ["b"], "other values", id="lists"),
    ],
)
def test_cause_is_the_same_for_the_same_change(expected: Any, actual: Any, cause: str) -> None:
    assert cause_of(expected, actual) == cause


def test_one_mapping_mistake_is_one_group() -> None:
    mismatches = [{"mail": {"expected": f"u{n}@x.org", "actual": f"U{n}@X.ORG"}} for n in range(5)]
    mismatches.append({"title": {"expected": "a", "actual": "b"}})

    assert one_cause_groups(mismatches) == [
        {"attribute_name": "mail", "cause": "upper and lower case differ", "count": 5}
    ]
