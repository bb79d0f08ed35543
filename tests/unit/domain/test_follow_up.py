from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from worker.domain.errors import HookError
from worker.domain.follow_up import Place, key_of, refusal, unknown_names
from worker.domain.hook import FollowUp, FollowUpType, HookResult, Patch
from worker.domain.hook_trials import answer_of, check_expected, differences
from worker.domain.redaction import MARK

PLACE = Place(
    connector_name="badges",
    identity_id=UUID(int=1),
    account_id=UUID(int=2),
    object_class="user",
    is_enabled=True,
    known=frozenset({"note", "pin"}),
    secrets=frozenset({"pin"}),
)


def update(**attributes: Any) -> FollowUp:
    return FollowUp(FollowUpType.UPDATE, attributes=attributes)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(update(note="x"), {"attributes": {"note": "x"}}, id="update"),
        pytest.param(FollowUp(FollowUpType.ENABLE), {"attributes": {}, "active": True}, id="enable"),
        pytest.param(FollowUp(FollowUpType.DISABLE), {"attributes": {}, "active": False}, id="disable"),
    ],
)
def test_a_follow_up_is_the_payload_of_an_operation(wanted: FollowUp, expected: dict[str, Any]) -> None:
    assert wanted.payload == expected


@pytest.mark.parametrize(
    ("wanted", "is_enabled", "said"),
    [
        pytest.param(update(note="x"), True, None, id="an update"),
        pytest.param(update(note="x"), False, None, id="an update of somebody who left"),
        pytest.param(FollowUp(FollowUpType.DISABLE), False, None, id="disabled already"),
        pytest.param(FollowUp(FollowUpType.ENABLE), True, None, id="enabled"),
        pytest.param(FollowUp(FollowUpType.ENABLE), False, "enables nobody against that", id="not to be active"),
        pytest.param(update(PIN="1"), True, "PIN is a secret at badges", id="a secret by the mapping"),
        pytest.param(update(password="x"), True, "password is a secret", id="a secret by its name"),
        pytest.param(update(note=MARK), True, "note is a secret", id="a mark"),
        pytest.param(update(note=["a", MARK]), True, "note is a secret", id="a mark in a list"),
    ],
)
def test_what_our_records_forbid_is_refused(wanted: FollowUp, is_enabled: bool, said: str | None) -> None:
    found = refusal(wanted, replace(PLACE, is_enabled=is_enabled))

    assert (found is None) if said is None else said in (found or "")


def test_what_no_record_knows_is_for_the_target_to_say() -> None:
    assert unknown_names(update(Note="x", badge="b", area=1), PLACE) == ["area", "badge"]


def test_the_key_names_operation_hook_and_place() -> None:
    key = key_of(UUID(int=1), UUID(int=2), 3)

    assert key == f"follow-up:{UUID(int=1)}:{UUID(int=2)}:3"


def test_trials_show_what_would_follow_and_tests_may_expect_it() -> None:
    said = HookResult(Patch(follow_up=(FollowUp(FollowUpType.DISABLE, "badges"), update(note="x"))))
    answer = answer_of(said)

    assert answer == {
        "follow_up": [{"type": "disable", "resource": "badges"}, {"type": "update", "attributes": {"note": "x"}}]
    }
    assert differences(check_expected(answer), answer) == []
    [found] = differences({"follow_up": []}, answer)
    assert found.startswith("follow_up is ")
    assert "error" in answer_of(HookError("x", hook_class="hook.follow_up"))
