"""Secrets beside a payload: carried over when changes are merged, named and never held where they are stored."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain import coalesce, conflict, sealing
from worker.domain.operation import OperationType
from worker.domain.redaction import MARK, shown, shown_payload, unmarked

UPDATE, CREATE, DELETE = OperationType.UPDATE, OperationType.CREATE, OperationType.DELETE

NAMES = st.sampled_from(["title", "password", "pin"])


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, Any]:
    """A payload with values of some names, open or sealed."""
    opened = draw(st.dictionaries(NAMES, st.integers()))
    sealed = {name: text for name, text in draw(st.dictionaries(NAMES, st.text("ab"))).items() if name not in opened}
    return sealing.with_sealed({"attributes": opened}, sealed)


@given(payloads(), payloads())
def test_the_later_word_on_a_name_counts_whether_it_is_open_or_sealed(first: Any, then: Any) -> None:
    merged = coalesce.merge((UPDATE, first), (UPDATE, then))

    assert merged is not None
    said = first["attributes"] | sealing.sealed_of(first) | then["attributes"] | sealing.sealed_of(then)
    assert merged[1]["attributes"] | sealing.sealed_of(merged[1]) == said
    assert not merged[1]["attributes"].keys() & sealing.names_of(merged[1])


@given(payloads())
def test_what_is_stored_and_read_again_is_the_same(payload: Any) -> None:
    opened, secrets = sealing.stored(payload)

    again = sealing.joined(opened, secrets)
    assert again["attributes"] == payload["attributes"]
    assert sealing.sealed_of(again) == sealing.sealed_of(payload)
    assert sealing.names_of(opened) == sealing.names_of(payload)


def test_a_payload_without_secrets_is_stored_as_it_is() -> None:
    payload = {"attributes": {"title": "Dr"}, "active": True}

    assert sealing.stored(payload) == (payload, None)


def test_the_stored_payload_names_its_secrets_and_holds_none() -> None:
    opened, secrets = sealing.stored({"attributes": {"title": "Dr"}, "sealed": {"password": "QUJD"}})

    assert opened == {"attributes": {"title": "Dr"}, "secrets": ["password"]}
    assert json.loads(secrets or b"") == {"password": "QUJD"}


def test_a_newer_creation_replaces_the_secrets_planned_before() -> None:
    older = {"attributes": {"login": "ada"}, "sealed": {"password": "old", "pin": "old"}}
    newer = {"attributes": {"login": "ada"}, "sealed": {"password": "new"}}

    assert coalesce.merge((CREATE, older), (CREATE, newer)) == (CREATE, newer)


def test_a_removal_taken_back_carries_what_is_wanted_now() -> None:
    newer = {"attributes": {"login": "ada"}, "sealed": {"password": "new"}}

    assert coalesce.merge((DELETE, {"attributes": {}}), (UPDATE, newer)) == (UPDATE, newer)


def test_what_gives_way_in_a_conflict_hands_its_secrets_over() -> None:
    older = (UPDATE, {"attributes": {"title": "Dr"}, "sealed": {"password": "old", "pin": "old"}})
    newer = (UPDATE, {"attributes": {"title": "Prof"}, "sealed": {"password": "new"}})

    _, superseding = conflict.decided(conflict.ConflictOutcome.SUPERSEDED, older, newer)
    rejecting, _ = conflict.decided(conflict.ConflictOutcome.REJECTED, older, newer)

    assert superseding is not None
    assert rejecting is not None
    assert sealing.sealed_of(superseding[1]) == {"password": "new", "pin": "old"}
    assert sealing.sealed_of(rejecting[1]) == {"password": "old", "pin": "old"}


def test_sealed_values_are_in_no_dispute() -> None:
    older = (UPDATE, {"attributes": {}, "sealed": {"password": "old"}})
    newer = (UPDATE, {"attributes": {}, "sealed": {"password": "new"}})

    assert conflict.disputed(older, newer) == ()


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"attributes": {"title": "Dr"}, "sealed": {"seed": "QUJD"}}, id="with the sealed value"),
        pytest.param({"attributes": {"title": "Dr"}, "secrets": ["seed"]}, id="as stored"),
    ],
)
def test_a_secret_is_shown_as_its_mark(payload: dict[str, Any]) -> None:
    assert shown_payload(payload) == {"attributes": {"title": "Dr", "seed": MARK}}


def test_names_given_as_secret_are_hidden_beside_those_that_say_it_themselves() -> None:
    values = {"seed": "x", "password": "y", "title": "Dr", "pin": None}

    assert shown(values, secrets={"seed"}) == {"seed": MARK, "password": MARK, "title": "Dr", "pin": None}


def test_a_mark_that_comes_back_stands_for_what_was_sealed() -> None:
    stored = {"attributes": {"title": "Dr"}, "sealed": {"password": "QUJD", "pin": "REVG"}}

    found = unmarked({"attributes": {"title": "Prof", "password": MARK}}, stored)

    assert found == {"attributes": {"title": "Prof"}, "sealed": {"password": "QUJD"}}


def test_another_value_for_a_secret_replaces_what_was_sealed() -> None:
    stored = {"attributes": {}, "sealed": {"password": "QUJD"}}

    assert unmarked({"attributes": {"password": "new"}}, stored) == {"attributes": {"password": "new"}}
