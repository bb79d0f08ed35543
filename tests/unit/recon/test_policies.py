"""What may repair itself, and what a person has to decide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.discrepancy import DiscrepancyType, RepairAction, RepairDirection
from worker.domain.errors import InvalidRequest
from worker.recon.policies import DIRECTIONS, automatic, checked, rules_of
from worker.recon.proposals import wishes_of_policy

KINDS = st.sampled_from([*DiscrepancyType, "other"])
WORDS = st.sampled_from([*RepairAction, "other", ""])
WAYS = st.sampled_from(["", *(f":{each}" for each in RepairDirection), ":sideways", ":"])


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        pytest.param({"lost": "create"}, "'lost' is no kind of finding; there is missing, orphan, ", id="kind"),
        pytest.param({"collision": "link"}, "A collision is for a person to decide", id="collision"),
        pytest.param({"orphan": "link"}, "'link' cannot settle an orphan by itself; delete can.", id="orphan"),
        pytest.param({"missing": "delete"}, "by itself; create, inactivate_identity can.", id="action"),
        pytest.param({"missing": "create:target_to_xavyo"}, "is no direction of create", id="direction"),
        pytest.param({"mismatch": "update:"}, "'' is no direction of update", id="half a direction"),
    ],
)
def test_what_cannot_be_is_told_in_words(policy: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked(policy)

    assert sentence in str(caught.value)


def test_a_policy_is_kept_as_it_is_said() -> None:
    said = {"missing": "create", "mismatch": "update:target_to_xavyo", "orphan": None}

    assert checked(said) == {"missing": "create", "mismatch": "update:target_to_xavyo"}
    told = {rule.kind.value: (rule.action, rule.direction) for rule in rules_of(checked(said))}
    assert told["missing"] == (RepairAction.CREATE, RepairDirection.TO_TARGET)
    assert told["mismatch"] == (RepairAction.UPDATE, RepairDirection.TO_IDENTITY)
    assert told["orphan"] == told["collision"] == (None, None)


@given(st.dictionaries(KINDS, st.none() | st.builds(str.__add__, WORDS, WAYS)))
def test_what_is_accepted_is_what_a_run_does(policy: dict[str, str | None]) -> None:
    try:
        stored = checked(policy)
    except InvalidRequest:
        return

    done = wishes_of_policy(stored)
    assert set(done) == {DiscrepancyType(kind) for kind, text in policy.items() if text is not None}
    assert all(action in automatic(kind) for kind, (action, _) in done.items())
    assert all(way is None or way in DIRECTIONS[action] for action, way in done.values())
