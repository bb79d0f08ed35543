"""What a look at one account finds."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from worker.domain.account import Account, TargetAccount
from worker.domain.comparison import AttributeRule, Comparator
from worker.domain.connector import DeprovisionPolicy
from worker.domain.correlation import CorrelationMatch, CorrelationResult, Decision, MatchType
from worker.domain.discrepancy import DiscrepancyType, RepairAction, RepairDirection
from worker.recon.classify import Rules, deleted, differences, mismatch, missing, unowned

ANNA = uuid4()
RULES = Rules(
    connector="CRM",
    comparator=Comparator([AttributeRule(name) for name in ("login", "department", "mail")]),
    hooked=frozenset({"mail"}),
    inbound=frozenset({"department"}),
)


def an_account(**fields: Any) -> Account:
    fields = {"wanted": {"login": "anna", "department": "Sales"}, "wanted_active": True, "identity_id": ANNA} | fields
    return Account(uuid4(), uuid4(), "user", uid="u1", **fields)


def seen(*, active: bool | None = True, **attributes: Any) -> TargetAccount:
    return TargetAccount("u1", {"login": "anna", "department": "Sales"} | attributes, active)


@pytest.mark.parametrize(
    ("account", "shown", "names"),
    [
        pytest.param(an_account(), seen(), [], id="as wanted"),
        pytest.param(an_account(), seen(department="Lab"), ["department"], id="another value"),
        pytest.param(an_account(), seen(active=False), ["active"], id="disabled at the target"),
        pytest.param(an_account(), seen(active=None), [], id="target does not know of active"),
        pytest.param(an_account(), seen(shoe_size=43), [], id="not managed"),
        pytest.param(an_account(), seen(mail="x@y.z"), [], id="computed by a hook that never ran here"),
        pytest.param(an_account(hooked={"mail": "a@y.z"}), seen(mail="x@y.z"), ["mail"], id="computed by a hook"),
        pytest.param(an_account(wanted=None, wanted_active=None), seen(login="x"), [], id="never planned"),
        pytest.param(an_account(wanted_active=False), seen(login="x", active=False), [], id="disabled and so wanted"),
        pytest.param(an_account(wanted_active=False), seen(login="x"), ["active"], id="enabled behind our back"),
        pytest.param(
            an_account(wanted={"login": "anna"}), seen(department="Lab"), ["department"], id="a value to be cleared"
        ),
    ],
)
def test_differences_are_those_of_what_we_keep(account: Account, shown: TargetAccount, names: list[str]) -> None:
    assert list(differences(account, shown, RULES)) == names


def test_mismatch_tells_expected_and_actual_and_how_to_settle_it() -> None:
    finding = mismatch(an_account(), seen(department="Lab"), RULES, who="anna", state_hash=7)

    assert finding is not None
    assert (finding.key, finding.state_hash) == ("mismatch:u1", 7)
    assert finding.attributes == {"department": {"expected": "Sales", "actual": "Lab"}}
    assert finding.explanation == "department of the account u1 of anna at CRM is not as wanted."
    assert [(each.action, each.direction) for each in finding.suggestions] == [
        (RepairAction.UPDATE, RepairDirection.TO_TARGET),
        (RepairAction.UPDATE, RepairDirection.TO_IDENTITY),
    ]


def test_account_that_should_have_been_removed_is_to_be_deleted() -> None:
    finding = mismatch(an_account(wanted=None, wanted_active=False), seen(), RULES, who="anna", state_hash=7)

    assert finding is not None
    assert [each.action for each in finding.suggestions] == [RepairAction.DELETE]
    assert finding.explanation.endswith("is active and should not be.")


def a_match(name: str, confidence: float) -> CorrelationMatch:
    return CorrelationMatch(UUID(int=len(name)), confidence, MatchType.FUZZY, name=name)


@pytest.mark.parametrize(
    ("result", "kind", "actions"),
    [
        pytest.param(
            CorrelationResult(Decision.AUTO, "e-mail is the same", a_match("anna", 0.999), (a_match("anna", 0.999),)),
            DiscrepancyType.UNLINKED,
            [RepairAction.LINK],
            id="owner found",
        ),
        pytest.param(
            CorrelationResult(Decision.REVIEW, "two", None, (a_match("anna", 0.6), a_match("berta", 0.02))),
            DiscrepancyType.COLLISION,
            [RepairAction.LINK],
            id="disputed",
        ),
        pytest.param(
            CorrelationResult(Decision.NONE, "nobody comes into question"),
            DiscrepancyType.ORPHAN,
            [RepairAction.LINK, RepairAction.DELETE],
            id="nobody's",
        ),
    ],
)
def test_account_without_a_link_is_one_of_three(
    result: CorrelationResult, kind: DiscrepancyType, actions: list[RepairAction]
) -> None:
    finding = unowned(uuid4(), uid="u9", result=result, rules=RULES, state_hash=1)

    assert (finding.type, finding.key) == (kind, f"{kind}:u9")
    assert [each.action for each in finding.suggestions] == actions
    assert result.reason in finding.explanation


def test_where_accounts_are_deleted_an_orphan_is_deleted_first() -> None:
    rules = Rules("CRM", RULES.comparator, deprovision=DeprovisionPolicy.DELETE)

    finding = unowned(uuid4(), uid="u9", result=CorrelationResult(Decision.NONE, "no"), rules=rules, state_hash=1)

    assert [each.action for each in finding.suggestions] == [RepairAction.DELETE, RepairAction.LINK]


@pytest.mark.parametrize(
    ("is_wanted", "first"), [pytest.param(True, "create", id="wanted"), pytest.param(False, "unlink", id="unwanted")]
)
def test_deleted_account_is_made_anew_only_when_it_is_wanted(is_wanted: bool, first: str) -> None:
    finding = deleted(uuid4(), uid="u1", identity_id=ANNA, who="anna", is_wanted=is_wanted, was_read=True, rules=RULES)

    assert finding.suggestions[0].action == first
    assert finding.explanation == "The account u1 of anna is gone from CRM: a separate look for it found nothing."


def test_missing_account_is_known_by_its_person() -> None:
    finding = missing(ANNA, who="anna", account_id=None, rules=RULES)

    assert (finding.key, finding.suggestions[0].identity_id) == (f"missing:{ANNA}", ANNA)
