"""What a repair would do, or why it does nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from worker.domain.account import Account
from worker.domain.connector import Connector
from worker.domain.discrepancy import (
    Discrepancy,
    DiscrepancyType,
    Finding,
    RepairAction,
    RepairDirection,
    Resolution,
    Suggestion,
)
from worker.domain.mapping import Direction, MappingRule
from worker.domain.operation import OperationType
from worker.recon.proposals import Effect, Known, Proposal, Refusal, Wish, propose, wishes_of_policy
from worker.store.identities import StoredIdentity

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANNA = StoredIdentity(UUID(int=1), "e1", "anna", {"department": "Sales"})
CONNECTOR = Connector(UUID(int=2), UUID(int=3), "CRM", "sql")
A, D = RepairAction, RepairDirection


def a_finding(kind: DiscrepancyType, *suggestions: Suggestion, **fields: Any) -> Discrepancy:
    finding = Finding(kind, f"{kind}:u1", "Words.", suggestions, external_uid="u1", **fields)
    return Discrepancy(uuid4(), CONNECTOR.id, uuid4(), finding, Resolution.PENDING, NOW, NOW, uuid4())


def an_account(**fields: Any) -> Account:
    return Account(UUID(int=4), CONNECTOR.id, "user", **({"uid": "u1", "identity_id": ANNA.id} | fields))


MISMATCH = a_finding(
    DiscrepancyType.MISMATCH,
    Suggestion(A.UPDATE, D.TO_TARGET, ""),
    identity_id=ANNA.id,
    attributes={
        "department": {"expected": "Sales", "actual": "Lab"},
        "title": {"expected": None, "actual": "x"},
        "active": {"expected": True, "actual": False},
    },
)
INBOUND = MappingRule("department", source="department", direction=Direction.BOTH)


def decide(discrepancy: Discrepancy, action: RepairAction | None = None, **fields: Any) -> Proposal | Refusal:
    wish = Wish(discrepancy.id, action, fields.pop("direction", None), fields.pop("identity_id", None))
    known = Known(CONNECTOR, fields.pop("account", an_account()), fields.pop("identity", ANNA), **fields)
    return propose(discrepancy, wish, known=known)


def proposed(discrepancy: Discrepancy, action: RepairAction | None = None, **fields: Any) -> Proposal:
    found = decide(discrepancy, action, **fields)
    assert isinstance(found, Proposal), found
    return found


def test_update_sends_only_what_differs_and_clears_with_null() -> None:
    found = proposed(MISMATCH)

    assert (found.effect, found.kind) == (Effect.OPERATION, OperationType.UPDATE)
    assert found.payload == {"attributes": {"department": "Sales", "title": None}, "active": True}
    assert found.changes["department"] == {"before": "Lab", "after": "Sales"}
    assert (found.before, found.after) == (
        {"department": "Lab", "title": "x", "active": False},
        {"department": "Sales", "title": None, "active": True},
    )


def test_values_flow_back_by_a_plain_two_way_rule() -> None:
    only = a_finding(DiscrepancyType.MISMATCH, attributes={"department": {"expected": "Sales", "actual": "Lab"}})

    found = proposed(only, A.UPDATE, direction=D.TO_IDENTITY, inbound=(INBOUND,))

    assert (found.effect, found.values) == (Effect.TAKE_OVER, {"department": "Lab"})


ORPHAN = a_finding(DiscrepancyType.ORPHAN)
MISSING = a_finding(DiscrepancyType.MISSING, identity_id=ANNA.id)


@pytest.mark.parametrize(
    ("discrepancy", "action", "known", "words"),
    [
        pytest.param(ORPHAN, None, {}, "choose an action", id="nothing suggested"),
        pytest.param(ORPHAN, A.CREATE, {}, "does not settle", id="wrong action"),
        pytest.param(ORPHAN, A.LINK, {"account": an_account(identity_id=None)}, "Choose whose", id="no owner named"),
        pytest.param(
            ORPHAN,
            A.LINK,
            {"account": an_account(identity_id=None), "identity": None, "identity_id": uuid4()},
            "no such identity",
            id="unknown owner",
        ),
        pytest.param(ORPHAN, A.LINK, {"identity_id": ANNA.id}, "has an owner already", id="owned meanwhile"),
        pytest.param(ORPHAN, A.DELETE, {"account": None}, "is gone", id="gone meanwhile"),
        pytest.param(ORPHAN, A.DELETE, {"protects": lambda _: True}, "protected", id="protected"),
        pytest.param(MISMATCH, None, {"account": an_account(live=1)}, "under way", id="busy"),
        pytest.param(MISSING, A.CREATE, {"identity": replace(ANNA, active=False)}, "not active", id="inactive person"),
        pytest.param(MISSING, A.CREATE, {"identity": None}, "is gone", id="person gone"),
        pytest.param(MISSING, A.CREATE, {"direction": D.TO_IDENTITY}, "at their source", id="people are not made here"),
        pytest.param(MISSING, A.INACTIVATE_IDENTITY, {"identity": replace(ANNA, active=False)}, "already", id="twice"),
        pytest.param(
            MISMATCH, A.UPDATE, {"direction": D.TO_IDENTITY, "inbound": (INBOUND,)}, "title", id="one-way attribute"
        ),
        pytest.param(MISMATCH, A.UNLINK, {"account": an_account(identity_id=None)}, "No link", id="not linked"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    discrepancy: Discrepancy, action: RepairAction | None, known: dict[str, Any], words: str
) -> None:
    found = decide(discrepancy, action, **known)

    assert isinstance(found, Refusal)
    assert words in found.reason
    assert not found.is_skip


def test_settled_finding_is_skipped() -> None:
    found = decide(replace(MISMATCH, resolution=Resolution.IGNORED))

    assert isinstance(found, Refusal)
    assert (found.is_skip, found.reason) == (True, "This is ignored already.")


def test_identifying_values_are_never_taken_from_an_account() -> None:
    rule = MappingRule("login", source="user_name", direction=Direction.BOTH)
    finding = a_finding(DiscrepancyType.MISMATCH, attributes={"login": {"expected": "anna", "actual": "boss"}})

    found = decide(finding, A.UPDATE, direction=D.TO_IDENTITY, inbound=(rule,))

    assert isinstance(found, Refusal)
    assert "tells people apart" in found.reason


def test_link_takes_the_explanation_of_the_suggestion_for_that_person() -> None:
    other, match = uuid4(), {"confidence": 0.7}
    collision = a_finding(
        DiscrepancyType.COLLISION,
        Suggestion(A.LINK, D.TO_IDENTITY, "", identity_id=other, match={"confidence": 0.8}),
        Suggestion(A.LINK, D.TO_IDENTITY, "", identity_id=ANNA.id, match=match),
    )

    found = proposed(collision, A.LINK, identity_id=ANNA.id, account=an_account(identity_id=None))

    assert (found.identity_id, found.match) == (ANNA.id, match)


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"missing": "create"}, {"missing": (A.CREATE, None)}, id="an action"),
        pytest.param(
            {"mismatch": "update:target_to_xavyo"}, {"mismatch": (A.UPDATE, D.TO_IDENTITY)}, id="with a direction"
        ),
        pytest.param({"missing": "delete"}, {}, id="an action that does not fit"),
        pytest.param({"collision": "link"}, {}, id="a collision is for a person"),
        pytest.param({"orphan": "ask", "odd": "create", "deleted": "create:sideways"}, {}, id="other words"),
    ],
)
def test_policy_repairs_what_it_can_name(policy: dict[str, str], chosen: dict[str, Any]) -> None:
    assert wishes_of_policy(policy) == chosen
