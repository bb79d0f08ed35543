from uuid import UUID

import pytest

from worker.console.query import BadQuery, Query, address, local_path
from worker.domain.operation import OperationStatus

ONE = UUID("01935000-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("values", "read"),
    [
        pytest.param({"x": "nonsense"}, lambda q: q.uuid("x"), id="id"),
        pytest.param({"x": "yesterday"}, lambda q: q.moment("x"), id="time"),
        pytest.param({"x": "1"}, lambda q: q.flag("x"), id="flag"),
        pytest.param({"x": "done"}, lambda q: q.one_of("x", OperationStatus), id="status"),
        pytest.param({"x": "2"}, lambda q: q.word("x", ("1",)), id="word"),
        pytest.param({"x": "0"}, lambda q: q.number("x", least=1, most=9), id="number out of range"),
        pytest.param({"x": "a" * 201}, lambda q: q.text("x"), id="too long"),
        pytest.param({"x": "1"}, lambda q: q.only("y"), id="unknown filter"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(values, read):
    with pytest.raises(BadQuery, match="x"):
        read(Query(values))


def test_empty_values_are_none():
    query = Query({"a": " ", "b": ""})

    assert query.text("a") is None
    assert query.uuid("b") is None


def test_values_are_read_as_what_they_are():
    query = Query({"id": str(ONE), "at": "2026-11-22T03:12:40", "on": "true", "s": "failed"})

    assert query.uuid("id") == ONE
    assert query.moment("at").tzinfo is not None
    assert query.flag("on") is True
    assert query.one_of("s", OperationStatus) is OperationStatus.FAILED


def test_addresses_carry_no_empty_parameter():
    found = address("/x", {"a": None, "b": "", "c": ONE, "d": True, "e": "ä b"})

    assert found == f"/x?c={ONE}&d=true&e=%C3%A4+b"
    assert address("/x", {"a": None}) == "/x"


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        pytest.param("/approvals?x=1", "/approvals?x=1", id="a page of ours"),
        pytest.param("//evil.example", "/", id="another host"),
        pytest.param("/\\evil.example", "/", id="another host by backslash"),
        pytest.param("https://evil.example", "/", id="another scheme"),
        pytest.param("/a\r\nSet-Cookie: x=1", "/", id="a header"),
        pytest.param(None, "/", id="nothing"),
    ],
)
def test_nobody_is_led_to_another_site(wanted, led):
    assert local_path(wanted, default="/") == led
