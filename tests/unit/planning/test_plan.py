from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.account import Account, AccountState
from worker.domain.connector import Connector, DeprovisionPolicy
from worker.domain.identity import Identity
from worker.domain.mapping import MappingRule, MappingVersion
from worker.domain.operation import OperationType
from worker.mapping import Mapped
from worker.planning.plan import PlannedChange, comparator_of, decide

CREATE, UPDATE, DELETE = OperationType.CREATE, OperationType.UPDATE, OperationType.DELETE
CONNECTOR = Connector(uuid4(), uuid4(), "app", "sql")
ANN = Identity(uuid4(), "1", "ann", {}, active=True)
GONE = replace(ANN, active=False)
MAPPING = MappingVersion(
    CONNECTOR.id,
    "user",
    1,
    (
        MappingRule("cn", source="cn"),
        MappingRule("mail", source="mail", case_sensitive=False),
        MappingRule("groups", source="groups", multi_valued=True),
        MappingRule("password", constant="first", on=("create",)),
        MappingRule("seen", constant="yes", on=("update",)),
    ),
)
COMPARATOR = comparator_of(MAPPING)


def mapped(on_update: dict[str, Any] | None = None, **attributes: Any) -> Mapped:
    return Mapped(ANN.id, attributes, active=True, on_update=on_update or {})


def account(**fields: Any) -> Account:
    return Account(uuid4(), CONNECTOR.id, "user", identity_id=ANN.id, **fields)


def planned(**wanted: Any) -> Account:
    """An account that planning has dealt with and that exists at the target."""
    found = {name: value for name, value in wanted.items() if value is not None}
    return account(
        uid="u1",
        state=AccountState.ACTIVE,
        wanted=found,
        wanted_active=True,
    )


def plan(
    identity: Identity = ANN,
    existing: Account | None = None,
    wish: Mapped | None = None,
    *,
    policy: DeprovisionPolicy = DeprovisionPolicy.DISABLE,
    in_scope: bool = True,
) -> PlannedChange | None:
    return decide(
        identity,
        account=existing,
        mapped=wish if wish is not None else mapped(cn="Ann"),
        connector=replace(CONNECTOR, deprovision=policy),
        in_scope=in_scope,
        comparator=COMPARATOR,
    )


def test_a_person_in_scope_without_account_gets_one() -> None:
    change = plan(wish=mapped(cn="Ann", mail=None))

    assert change is not None
    assert (change.kind, change.payload) == (CREATE, {"attributes": {"cn": "Ann"}, "active": True})
    assert change.wanted == {"cn": "Ann"}
    assert change.wanted_active is True


def test_what_holds_on_create_alone_is_sent_and_never_compared() -> None:
    wish = Mapped(ANN.id, {"cn": "Ann"}, active=True, on_create={"password": "first"})
    change = plan(wish=wish)

    assert change is not None
    assert change.payload["attributes"] == {"cn": "Ann", "password": "first"}
    assert change.wanted == {"cn": "Ann"}
    assert plan(existing=planned(cn="Ann"), wish=wish) is None


def test_what_holds_on_update_alone_follows_with_the_next_plan() -> None:
    wish = mapped(on_update={"seen": "yes"}, cn="Ann")
    created = plan(wish=wish)
    assert created is not None
    change = plan(existing=planned(**(created.wanted or {})), wish=wish)

    assert change is not None
    assert change.payload == {"attributes": {"seen": "yes"}}


@pytest.mark.parametrize(
    ("before", "now", "sent"),
    [
        pytest.param({"cn": "Ann"}, {"cn": "Anna"}, {"cn": "Anna"}, id="a changed value"),
        pytest.param({"cn": "Ann", "mail": "a@x"}, {"cn": "Ann", "mail": None}, {"mail": None}, id="a cleared value"),
        pytest.param({"cn": "Ann"}, {"cn": "Ann", "mail": "a@x"}, {"mail": "a@x"}, id="a new value"),
        pytest.param({"groups": ["a", "b"]}, {"groups": ["b", "c"]}, {"groups": ["b", "c"]}, id="a changed set"),
        pytest.param({"groups": ["a"]}, {"groups": None}, {"groups": None}, id="an emptied set"),
    ],
)
def test_only_what_changed_is_sent(before: dict[str, Any], now: dict[str, Any], sent: dict[str, Any]) -> None:
    change = plan(existing=planned(**before), wish=mapped(**now))

    assert change is not None
    assert (change.kind, change.payload) == (UPDATE, {"attributes": sent})


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param({"cn": "Ann"}, {"cn": "Ann"}, id="the same"),
        pytest.param({"cn": "Ann"}, {"cn": "Ann", "mail": None}, id="no value is no change"),
        pytest.param({"mail": "ann@x"}, {"mail": "Ann@X"}, id="case, where it does not count"),
        pytest.param({"groups": ["a", "b"]}, {"groups": ["b", "a"]}, id="the order of a set"),
    ],
)
def test_nothing_to_change_is_no_operation_and_no_write(before: dict[str, Any], now: dict[str, Any]) -> None:
    assert plan(existing=planned(**before), wish=mapped(**now)) is None


def test_an_attribute_that_left_the_mapping_is_left_alone() -> None:
    assert plan(existing=planned(cn="Ann", shoe="42"), wish=mapped(cn="Ann")) is None


def test_a_linked_account_gets_what_differs_from_what_was_observed() -> None:
    linked = account(uid="u1", state=AccountState.ACTIVE, observed={"cn": "A.", "mail": "ann@x", "shoe": "42"})
    change = plan(existing=linked, wish=mapped(cn="Ann", mail="ann@x"))

    assert change is not None
    assert (change.kind, change.payload) == (UPDATE, {"attributes": {"cn": "Ann"}})


def test_a_linked_account_that_is_as_wanted_only_has_it_noted() -> None:
    linked = account(uid="u1", state=AccountState.ACTIVE, observed={"cn": "Ann"}, observed_active=True)
    change = plan(existing=linked)

    assert change is not None
    assert change.kind is None
    assert change.wanted == {"cn": "Ann"}


def test_a_linked_account_that_is_disabled_is_enabled() -> None:
    linked = account(uid="u1", state=AccountState.ACTIVE, observed={"cn": "Ann"}, observed_active=False)
    change = plan(existing=linked)

    assert change is not None
    assert change.payload == {"attributes": {}, "active": True}


@pytest.mark.parametrize(
    "existing",
    [
        pytest.param(account(wanted={"cn": "Ann"}, wanted_active=True), id="its creation was given up"),
        pytest.param(account(state=AccountState.DEAD, wanted={"cn": "Ann"}, wanted_active=True), id="it died"),
        pytest.param(
            account(uid="u1", state=AccountState.DEAD, wanted={"cn": "Ann"}, wanted_active=True), id="it vanished"
        ),
        pytest.param(account(uid="u1", wanted_active=False, live=1), id="its removal is on its way"),
    ],
)
def test_where_nothing_is_and_nothing_comes_an_account_is_made_again(existing: Account) -> None:
    change = plan(existing=existing)

    assert change is not None
    assert (change.kind, change.payload) == (CREATE, {"attributes": {"cn": "Ann"}, "active": True})


def test_a_creation_on_its_way_gets_later_changes_as_an_update() -> None:
    coming = replace(planned(cn="Ann"), uid=None, state=AccountState.PENDING, live=1)
    change = plan(existing=coming, wish=mapped(cn="Anna"))

    assert plan(existing=coming) is None
    assert change is not None
    assert (change.kind, change.payload) == (UPDATE, {"attributes": {"cn": "Anna"}})


@pytest.mark.parametrize(
    ("identity", "in_scope"),
    [pytest.param(GONE, True, id="inactive"), pytest.param(ANN, False, id="out of scope")],
)
def test_deprovisioning_follows_the_policy(identity: Identity, in_scope: bool) -> None:
    existing = planned(cn="Ann")
    disabled = plan(identity, existing, in_scope=in_scope)
    deleted = plan(identity, existing, in_scope=in_scope, policy=DeprovisionPolicy.DELETE)

    assert disabled is not None
    assert (disabled.kind, disabled.payload) == (UPDATE, {"attributes": {}, "active": False})
    assert (disabled.wanted, disabled.wanted_active) == ({"cn": "Ann"}, False)
    assert deleted is not None
    assert (deleted.kind, deleted.wanted, deleted.wanted_active) == (DELETE, None, False)
    assert plan(identity, existing, in_scope=in_scope, policy=DeprovisionPolicy.NONE) is None


@pytest.mark.parametrize("policy", [DeprovisionPolicy.DISABLE, DeprovisionPolicy.DELETE])
@pytest.mark.parametrize(
    "existing",
    [
        pytest.param(None, id="no account"),
        pytest.param(account(), id="never made"),
        pytest.param(account(state=AccountState.DEAD), id="dead"),
        pytest.param(account(uid="u1", wanted={"cn": "Ann"}, wanted_active=False), id="removed before"),
    ],
)
def test_there_is_nothing_to_remove(policy: DeprovisionPolicy, existing: Account | None) -> None:
    assert plan(GONE, existing, policy=policy) is None


def test_a_removal_needs_no_mapping() -> None:
    existing = planned(cn="Ann")
    arguments: dict[str, Any] = {"account": existing, "mapped": None, "connector": CONNECTOR, "comparator": COMPARATOR}

    assert decide(GONE, in_scope=True, **arguments) is not None
    assert decide(ANN, in_scope=True, **arguments) is None


def test_coming_back_enables_and_sends_what_changed_meanwhile() -> None:
    existing = planned(cn="Ann", mail="a@x")
    gone = plan(GONE, existing)
    assert gone is not None
    disabled = replace(existing, wanted=gone.wanted, wanted_active=False)
    change = plan(ANN, disabled, mapped(cn="Anna", mail="a@x"))

    assert change is not None
    assert (change.kind, change.payload) == (UPDATE, {"attributes": {"cn": "Anna"}, "active": True})


@pytest.mark.parametrize(
    "wanted",
    [pytest.param({"cn": "Ann"}, id="a refused disable"), pytest.param(None, id="a refused delete")],
)
def test_who_comes_back_after_a_refused_removal_is_noted_as_wanted_active_and_left_alone(wanted: Any) -> None:
    existing = replace(planned(), wanted=wanted, wanted_active=None, observed={"cn": "Ann"}, observed_active=True)
    change = plan(ANN, existing, mapped(cn="Ann"))

    assert change is not None
    assert (change.kind, change.wanted, change.wanted_active) == (None, {"cn": "Ann"}, True)


@pytest.mark.parametrize("policy", [DeprovisionPolicy.DISABLE, DeprovisionPolicy.DELETE])
def test_a_refused_removal_is_asked_for_again(policy: DeprovisionPolicy) -> None:
    existing = replace(planned(cn="Ann"), wanted_active=None, observed={"cn": "Ann"}, observed_active=True)
    change = plan(GONE, existing, policy=policy)

    assert change is not None
    assert change.kind is (UPDATE if policy is DeprovisionPolicy.DISABLE else DELETE)


values = st.one_of(st.none(), st.sampled_from(["", "a", "A", "b"]))
attributes = st.dictionaries(st.sampled_from(["cn", "mail"]), values, max_size=2)


@given(attributes, attributes)
def test_planning_twice_plans_nothing_the_second_time(before: dict[str, Any], now: dict[str, Any]) -> None:
    existing = planned(**before)
    change = plan(existing=existing, wish=mapped(**now))
    if change is None:
        return
    after = replace(existing, wanted=change.wanted, wanted_active=change.wanted_active)

    assert plan(existing=after, wish=mapped(**now)) is None


def test_what_a_target_is_to_be_heard_about_is_left_as_it_is_and_not_wanted_otherwise() -> None:
    linked = account(uid="u1", state=AccountState.ACTIVE, observed={"cn": "Anna", "mail": "old"}, observed_active=True)

    change = decide(
        ANN,
        account=linked,
        mapped=mapped(cn="Ann", mail="new"),
        connector=CONNECTOR,
        in_scope=True,
        comparator=COMPARATOR,
        unheard={"cn"},
    )

    assert change is not None
    assert change.payload == {"attributes": {"mail": "new"}}
    assert change.wanted == {"mail": "new"}
