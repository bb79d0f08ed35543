"""The shape of what an after-hook wants to follow; every mistake has a sentence for the author."""

from typing import Any

import pytest

from worker.domain.hook import FollowUp, FollowUpType, Patch
from worker.hooks.follow_ups import MAX_AFTER_S
from worker.hooks.replies import decision_of

UPDATE: dict[str, Any] = {"type": "update", "attributes": {"note": "x"}}


def test_follow_ups_are_read_with_what_they_leave_out() -> None:
    said = [
        {"type": "disable", "resource": " badges ", "after_seconds": MAX_AFTER_S},
        {"type": "update", "attributes": {"note": "left", "groups": ["a", 1, True]}},
        {"type": "enable", "attributes": {}},
    ]

    found = decision_of("after_update", {"value": {"follow_up": said, "tags": {"a": 1}}})

    assert found == Patch(
        tags={"a": 1},
        follow_up=(
            FollowUp(FollowUpType.DISABLE, "badges", after_seconds=MAX_AFTER_S),
            FollowUp(FollowUpType.UPDATE, attributes={"note": "left", "groups": ["a", 1, True]}),
            FollowUp(FollowUpType.ENABLE),
        ),
    )
    assert decision_of("after_create", {"value": {"follow_up": []}}) == Patch()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        pytest.param({"type": "disable"}, "follow_up is a list of dicts", id="no list"),
        pytest.param(["disable"], "follow_up is a list of dicts", id="no dict in it"),
        pytest.param([UPDATE] * 6, "6 entries; at most 5", id="too many"),
        pytest.param([UPDATE, {"type": "delete"}], r"follow_up\[1\] has no type .* update, enable or", id="delete"),
        pytest.param([{"type": ["update"]}], "has no type that is known", id="a type that is no text"),
        pytest.param([{}], "has no type that is known", id="no type"),
        pytest.param([{**UPDATE, "who": "bo"}], "has the key 'who'", id="somebody else"),
        pytest.param([{**UPDATE, "resource": 7}], "resource is the name or the id", id="resource no text"),
        pytest.param([{**UPDATE, "resource": " "}], "resource is the name or the id", id="resource empty"),
        pytest.param([{"type": "update"}], "an update has attributes", id="nothing to update"),
        pytest.param([{"type": "update", "attributes": []}], "an update has attributes", id="attributes a list"),
        pytest.param([{"type": "enable", "attributes": {"a": 1}}], "only an update has", id="enable with some"),
        pytest.param([{"type": "update", "attributes": {"": 1}}], "'' is no name", id="no name"),
        pytest.param([{"type": "update", "attributes": {"a": None}}], "'a' is None.*clears nothing", id="nan and None"),
        pytest.param([{"type": "update", "attributes": {"a": [None]}}], "'a' is None", id="None in a list"),
        pytest.param([{"type": "update", "attributes": {"a": {"b": 1}}}], "neither a value nor", id="nested"),
        pytest.param([{**UPDATE, "after_seconds": -1}], "whole number from 0 to 604800", id="before"),
        pytest.param([{**UPDATE, "after_seconds": MAX_AFTER_S + 1}], "seven days", id="too late"),
        pytest.param([{**UPDATE, "after_seconds": 1.5}], "whole number", id="half a second"),
        pytest.param([{**UPDATE, "after_seconds": True}], "whole number", id="a boolean"),
    ],
)
def test_a_mistake_is_told(said: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decision_of("after_create", {"value": {"follow_up": said}})


@pytest.mark.parametrize(
    ("function", "message"),
    [
        pytest.param("before_update", "nothing has happened yet", id="before"),
        pytest.param("on_error", "it would follow each failed try", id="on error"),
    ],
)
def test_only_what_happened_can_be_followed(function: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decision_of(function, {"value": {"follow_up": [UPDATE]}})
