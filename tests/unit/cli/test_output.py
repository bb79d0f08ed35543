import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from worker.cli import output

ID = UUID("01a2020e-cf9a-75eb-a224-f19eccaa69c9")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(None, "–", id="nothing"),
        pytest.param(True, "yes", id="true"),
        pytest.param(False, "no", id="false"),
        pytest.param(0, "0", id="zero is a value"),
        pytest.param(datetime(2026, 1, 2, 3, 4, 5, 678, UTC), "2026-01-02 03:04:05", id="moment"),
        pytest.param(date(2026, 1, 2), "2026-01-02", id="day"),
        pytest.param({"name": "Jürgen"}, '{"name": "Jürgen"}', id="document"),
        pytest.param(ID, str(ID), id="id"),
    ],
)
def test_cell(value: Any, said: str) -> None:
    assert output.cell(value) == said


def test_a_table_for_nobody_at_a_terminal_is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    output.show([{"id": ID, "what": "x" * 500}], {"id": "id", "what": "what"}, as_json=False, empty="")

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [str(ID), "x" * 500]


@pytest.mark.parametrize("text", ["root:x:0", "[red]x", "[/]", "ends with \\"])
def test_nothing_that_is_shown_is_markup(capsys: pytest.CaptureFixture[str], text: str) -> None:
    output.say(text)
    output.complain(text)
    output.show([{"id": text}], {"id": "id"}, as_json=False, empty="")
    output.facts({"id": text}, as_json=False)

    told = capsys.readouterr()
    assert told.err.splitlines() == [text]
    assert [line.rstrip() for line in told.out.splitlines()] == [text, "id", text, f"id  {text}"]


def test_facts_without_a_value_are_left_out_and_documents_take_a_line_for_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.facts({"user_name": "[red]x", "error": None, "attributes": {"mail": "a@b", "o": 1}}, as_json=False)

    assert capsys.readouterr().out.splitlines() == [
        "user name   [red]x",
        "attributes  mail  a@b",
        "            o     1",
    ]


def test_json_holds_what_people_are_spared(capsys: pytest.CaptureFixture[str]) -> None:
    output.facts({"id": ID, "error": None}, as_json=True)

    assert json.loads(capsys.readouterr().out) == {"id": str(ID), "error": None}


def test_json_of_rows_holds_more_than_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.show([{"id": 1, "more": 2}], {"id": "id"}, as_json=True, empty="nothing")

    assert json.loads(capsys.readouterr().out) == [{"id": 1, "more": 2}]


def test_no_rows_are_said_in_words_and_are_an_empty_list_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    output.show([], {"id": "id"}, as_json=False, empty="There is none.")
    output.show([], {"id": "id"}, as_json=True, empty="There is none.")

    assert capsys.readouterr().out == "There is none.\n[]\n"


@pytest.mark.parametrize(
    ("widths", "room", "places"),
    [
        pytest.param([36, 9, 6], 80, [0, 1, 2], id="all"),
        pytest.param([36, 9, 6], 55, [0, 1, 2], id="all, exactly"),
        pytest.param([36, 9, 6], 54, [0, 1], id="the last one is too much"),
        pytest.param([36, 90, 6], 80, [0, 2], id="a wide one is left out for a narrow one behind it"),
        pytest.param([36, 9], 20, [0], id="the first one in any case"),
        pytest.param([], 80, [], id="no column"),
    ],
)
def test_columns_that_fit(widths: list[int], room: int, places: list[int]) -> None:
    assert output.fitting(widths, room=room) == places
