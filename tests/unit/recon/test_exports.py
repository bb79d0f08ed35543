"""Files of findings: no cell is a formula, every line is a record again."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.recon.exports import COLUMNS, csv_header, csv_line, json_line, safe_cell

DANGEROUS = "=+-@\t\r\n＝＋－＠"
TEXTS = st.text() | st.text(st.sampled_from(DANGEROUS + " \u00a0\u200b'\";,1a|!"), max_size=8)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")', id="formula"),
        pytest.param("+1", "'+1", id="plus"),
        pytest.param("-1", "'-1", id="minus, as text"),
        pytest.param(-1, "-1", id="minus, as number"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        pytest.param("\t=1", "'\t=1", id="tab"),
        pytest.param("\r=1", "'\r=1", id="carriage return"),
        pytest.param("＝1", "'＝1", id="full width"),
        pytest.param("  =1", "'  =1", id="behind blanks"),
        pytest.param("\u200b=1", "'\u200b=1", id="behind what nobody sees"),
        pytest.param("a=1", "a=1", id="in the middle"),
        pytest.param(None, "", id="nothing"),
        pytest.param(True, "true", id="a flag"),
        pytest.param(["=1"], '["=1"]', id="a list"),
        pytest.param({"secret": True}, '{"secret": true}', id="a secret"),
    ],
)
def test_cell(value: Any, cell: str) -> None:
    assert safe_cell(value) == cell


@given(TEXTS)
def test_no_text_becomes_a_formula_and_all_of_it_is_there(text: str) -> None:
    cell = safe_cell(text)

    assert cell.removeprefix("'") == text or cell == text
    assert not cell.lstrip()[:1] or cell.lstrip()[0] not in "=+-@＝＋－＠"
    assert cell[:1] not in {"\t", "\r", "\n"}


@given(st.fixed_dictionaries({name: st.none() | TEXTS for name in COLUMNS}))
def test_a_line_is_one_record_again_whatever_is_in_it(row: dict[str, Any]) -> None:
    read = list(csv.DictReader(io.StringIO(csv_header() + csv_line(row), newline="")))

    assert [list(each) for each in read] == [list(COLUMNS)]
    assert read[0] == {name: safe_cell(value) for name, value in row.items()}


@given(st.fixed_dictionaries({name: st.none() | TEXTS for name in COLUMNS}))
def test_a_json_line_is_one_object_on_one_line(row: dict[str, Any]) -> None:
    line = json_line(row)

    assert line.count("\n") == 1
    assert json.loads(line) == row
