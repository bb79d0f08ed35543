import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.errors import InvalidRequest
from worker.intake import CloudEvent, parse
from worker.intake.events import BATCH, MAX_ATTRIBUTE, MAX_BODY, MAX_DEPTH, MAX_EVENTS, STRUCTURED

EVENT = {"specversion": "1.0", "id": "1", "source": "/hr", "type": "identity.updated", "data": {"external_id": "7"}}


def structured(event: Any, media: str = STRUCTURED) -> list[CloudEvent]:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return parse({"Content-Type": media}, body)


def refused(event: Any, media: str = STRUCTURED) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        structured(event, media)
    return caught.value


def test_structured_mode_is_one_event_in_the_body() -> None:
    (event,) = structured({**EVENT, "subject": "7", "time": "2026-11-22T05:30:00Z", "extension": "x"})

    assert (event.id, event.source, event.type, event.subject) == ("1", "/hr", "identity.updated", "7")
    assert event.time is not None
    assert event.data == {"external_id": "7"}


def test_batch_mode_is_a_list_of_events() -> None:
    events = structured([EVENT, {**EVENT, "id": "2"}], f"{BATCH}; charset=UTF-8")

    assert [event.id for event in events] == ["1", "2"]
    assert structured([], BATCH) == []


def test_binary_mode_has_the_attributes_in_headers_and_the_data_in_the_body() -> None:
    headers = {
        "ce-specversion": "1.0",
        "CE-Id": "1",
        "ce-source": "/hr/M%C3%BCller",
        "ce-type": "identity.updated",
        "content-type": "application/json",
    }
    (event,) = parse(headers, b'{"external_id": "7"}')

    assert event == CloudEvent("1", "/hr/Müller", "identity.updated", data={"external_id": "7"})
    assert parse(headers, b"")[0].data == {}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        pytest.param({"specversion": "0.3"}, "specversion", id="another version"),
        pytest.param({"specversion": None}, "specversion", id="no version"),
        pytest.param({"id": None}, "id", id="no id"),
        pytest.param({"id": " "}, "id", id="a blank id"),
        pytest.param({"id": 5}, "id", id="an id that is no text"),
        pytest.param({"id": "é" * MAX_ATTRIBUTE}, "id", id="an id longer than an index takes"),
        pytest.param({"source": ""}, "source", id="no source"),
        pytest.param({"type": None}, "type", id="no type"),
        pytest.param({"subject": ""}, "subject", id="an empty subject"),
        pytest.param({"time": "yesterday"}, "time", id="not a time"),
        pytest.param({"time": "2026-11-22T05:30:00"}, "time", id="a time without offset"),
        pytest.param({"time": 5}, "time", id="a number as time"),
        pytest.param({"data": [1]}, "data", id="data that is no object"),
        pytest.param({"data_base64": "e30="}, "data_base64", id="binary data"),
        pytest.param({"datacontenttype": "text/xml"}, "datacontenttype", id="data that is not JSON"),
    ],
)
def test_a_mistake_is_named_with_its_field(changed: dict[str, Any], field: str) -> None:
    event = {**EVENT, **changed}

    assert refused(event).fields["field"] == field
    assert refused([EVENT, event], BATCH).fields["field"] == f"[1].{field}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[", id="half of it"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'"text"', id="no object"),
        pytest.param(b'{"data": {"a": NaN}}', id="NaN"),
        pytest.param(b'{"data": {"a": -Infinity}}', id="infinity"),
        pytest.param(b'{"data": {"a": 1e999}}', id="a number beyond all numbers"),
        pytest.param(b'{"data": {"a": ' + b"9" * 5000 + b"}}", id="a number of 5000 digits"),
        pytest.param(b'{"data": {"a": "\\u0000"}}', id="NUL"),
        pytest.param(b'{"data": {"\\u0000": 1}}', id="NUL in a name"),
        pytest.param(b'{"data": {"a": ["\\ud800"]}}', id="half of a surrogate pair"),
        pytest.param(b'{"id": "1", "id": "2"}', id="a name that comes twice"),
        pytest.param(b'{"a":' * 100_000, id="nested without end"),
        pytest.param(json.dumps({"data": {"a": json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)}}).encode(), id="deep"),
        pytest.param(b" " * (MAX_BODY + 1), id="too long"),
    ],
)
def test_what_could_trip_somebody_up_later_is_refused(body: bytes) -> None:
    assert "field" in refused(body).fields


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert structured(b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":"\\ud83d\\ude00"}}')[
        0
    ].data == {"a": "😀"}


def test_a_batch_has_a_limit() -> None:
    assert refused([EVENT] * (MAX_EVENTS + 1), BATCH).fields["field"] == "body"
    assert refused(EVENT, BATCH).fields["field"] == "body"


@pytest.mark.parametrize("media", ["text/plain", "", "application/cloudevents+json; charset=latin-1"])
def test_another_content_type_is_named(media: str) -> None:
    assert refused(EVENT, media).fields["field"] == "content-type"


def test_a_header_that_is_not_percent_encoded_utf8_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse({"ce-specversion": "1.0", "ce-id": "%ff", "content-type": "application/json"}, b"{}")
    assert caught.value.fields["field"] == "ce-id"


@given(st.binary(max_size=200), st.sampled_from([STRUCTURED, BATCH, "application/json", "x"]))
def test_whatever_comes_is_read_or_refused(body: bytes, media: str) -> None:
    with suppress(InvalidRequest):
        parse({"content-type": media, "ce-specversion": "1.0"}, body)
