from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.coalesce import Change
from worker.domain.conflict import (
    ConflictOutcome,
    ConflictStrategy,
    Settled,
    Standing,
    decided,
    disputed,
    merged,
    settle,
    strategy_of,
)
from worker.domain.connector import Connector
from worker.domain.operation import OperationType

CREATE, UPDATE, DELETE = OperationType.CREATE, OperationType.UPDATE, OperationType.DELETE
LAST, FIRST, MERGE, MANUAL = ConflictStrategy


def update(active: bool | None = None, **attributes: Any) -> Change:
    return UPDATE, {"attributes": attributes} | ({} if active is None else {"active": active})


def create(**attributes: Any) -> Change:
    return CREATE, {"attributes": attributes, "active": True}


def standing(change: Change, *, is_fixed: bool = False) -> Standing:
    return Standing(uuid4(), change, is_fixed)


@pytest.mark.parametrize(
    ("older", "newer", "names"),
    [
        pytest.param(update(mail="a"), update(mail="b"), ("mail",), id="other values of one name"),
        pytest.param(update(mail="a"), update(mail="a"), (), id="the same value"),
        pytest.param(update(mail="a"), update(phone="1"), (), id="other names"),
        pytest.param(update(mail="a"), update(mail=None), ("mail",), id="cleared"),
        pytest.param(update(groups=["a", "b"]), update(groups=["b", "a"]), (), id="several values have no order"),
        pytest.param(update(groups=["a"]), update(groups="a"), (), id="one value alone or in a list"),
        pytest.param(update(flag=True), update(flag=1), ("flag",), id="true is not one"),
        pytest.param(update(active=True), update(active=False), ("active",), id="active and inactive"),
        pytest.param(update(active=True, mail="a"), update(mail="b"), ("mail",), id="silent about active"),
        pytest.param(create(mail="a", phone="1"), update(mail="b", phone="2"), ("mail", "phone"), id="a create, too"),
        pytest.param((DELETE, {"attributes": {}}), update(mail="b"), (), id="a delete has its turn"),
        pytest.param(update(mail="b"), (DELETE, {"attributes": {}}), (), id="and so has what is before one"),
    ],
)
def test_disputed_names_are_those_that_both_give_other_values(
    older: Change, newer: Change, names: tuple[str, ...]
) -> None:
    assert disputed(older, newer) == names


@pytest.mark.parametrize(
    ("strategy", "becomes", "newer", "outcome"),
    [
        pytest.param(LAST, None, update(mail="b", phone="1", fax="9"), "superseded", id="last write wins"),
        pytest.param(FIRST, update(mail="a", phone="1", fax="9"), None, "rejected", id="first write wins"),
        pytest.param(MERGE, None, update(mail="b", phone="1", fax="9"), "merged", id="merge"),
    ],
)
def test_nothing_is_lost_but_what_was_in_dispute(
    strategy: ConflictStrategy, becomes: Change | None, newer: Change | None, outcome: str
) -> None:
    older = standing(update(mail="a", phone="1"))

    settled = settle([older], update(mail="b", fax="9"), strategy=strategy)

    assert settled.changed == {older.id: becomes}
    assert settled.newer == newer
    assert [(c.older, c.affected, c.outcome) for c in settled.clashes] == [(older.id, ("mail",), outcome)]


@pytest.mark.parametrize(
    ("strategy", "newer", "outcome"),
    [
        pytest.param(LAST, update(mail="b", fax="9"), "applied", id="last write wins: it comes last anyway"),
        pytest.param(FIRST, update(fax="9"), "merged", id="first write wins: the rest runs"),
        pytest.param(MERGE, update(mail="b", fax="9"), "applied", id="merge: single values are the newer's"),
    ],
)
def test_what_runs_already_stays_as_it_is(strategy: ConflictStrategy, newer: Change, outcome: str) -> None:
    older = standing(update(mail="a", phone="1"), is_fixed=True)

    settled = settle([older], update(mail="b", fax="9"), strategy=strategy)

    assert (settled.newer, settled.changed) == (newer, {})
    assert [c.outcome for c in settled.clashes] == [outcome]


def test_a_merge_keeps_what_a_running_one_adds() -> None:
    older = standing(update(groups=["staff", "new"]), is_fixed=True)

    settled = settle([older], update(groups=["staff", "other"]), strategy=MERGE, base={"groups": ["staff"]})

    assert settled.newer == update(groups=["staff", "new", "other"])
    assert [c.outcome for c in settled.clashes] == [ConflictOutcome.MERGED]


def test_a_newer_one_with_nothing_but_the_dispute_is_rejected_while_the_older_runs() -> None:
    settled = settle([standing(update(mail="a"), is_fixed=True)], update(mail="b"), strategy=FIRST)

    assert settled.newer is None
    assert [c.outcome for c in settled.clashes] == [ConflictOutcome.REJECTED]


def test_both_wait_while_a_person_decides() -> None:
    older = standing(update(mail="a"))

    settled = settle([older], update(mail="b"), strategy=MANUAL)

    assert settled.waits
    assert (settled.newer, settled.changed) == (update(mail="b"), {})


def test_what_stands_before_a_delete_is_no_matter() -> None:
    lane = [standing(update(mail="a")), standing((DELETE, {"attributes": {}}))]

    assert settle(lane, update(mail="b"), strategy=LAST) == Settled(update(mail="b"), {})


def test_what_one_between_says_is_not_taken_over_from_an_older_one() -> None:
    first, second = standing(update(mail="a", phone="1")), standing(update(phone="2"))

    settled = settle([first, second], update(mail="b"), strategy=LAST)

    assert settled.newer == update(mail="b")
    assert settled.changed == {first.id: None}


def test_a_create_that_is_superseded_is_made_by_the_newer_one() -> None:
    older = standing(create(cn="Ann", mail="a", phone="1"))

    settled = settle([older], update(mail="b", phone=None), strategy=LAST)

    assert settled.newer == (CREATE, {"attributes": {"cn": "Ann", "mail": "b"}, "active": True})


@pytest.mark.parametrize(
    ("older", "newer", "both"),
    [
        pytest.param(["a", "b", "c"], ["a", "b", "d"], ["a", "b", "c", "d"], id="both add"),
        pytest.param(["a"], ["b"], None, id="each removes the other's"),
        pytest.param(["a", "b", "c"], ["b"], ["b", "c"], id="one adds, one removes"),
        pytest.param(None, ["a", "b", "c"], ["c"], id="cleared, and one added"),
        pytest.param("c", ["a", "b"], ["c"], id="a single value is one of several"),
    ],
)
def test_several_values_are_merged_by_what_each_adds_and_removes(older: Any, newer: Any, both: Any) -> None:
    found = merged(update(groups=older), update(groups=newer), base={"groups": ["a", "b"]})

    assert found == update(groups=both)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param("applied", (update(mail="a", x="1"), update(mail="b", y="2")), id="applied"),
        pytest.param("superseded", (None, update(x="1", mail="b", y="2")), id="superseded"),
        pytest.param("merged", (None, update(x="1", mail="b", y="2")), id="merged"),
        pytest.param("rejected", (update(mail="a", x="1", y="2"), None), id="rejected"),
    ],
)
def test_what_a_person_decides_becomes_of_both(outcome: str, expected: tuple[Change | None, Change | None]) -> None:
    assert decided(ConflictOutcome(outcome), update(mail="a", x="1"), update(mail="b", y="2")) == expected


@pytest.mark.parametrize(
    ("settings", "policy", "strategy"),
    [
        pytest.param({}, {}, LAST, id="unsaid"),
        pytest.param({"conflict_strategy": "merge"}, {}, MERGE, id="in the settings"),
        pytest.param({}, {"conflict_strategy": "manual"}, MANUAL, id="in the policy"),
        pytest.param({"conflict_strategy": "coin"}, {}, LAST, id="a word that is none"),
        pytest.param({"conflict_strategy": ["merge"]}, {}, LAST, id="not even a word"),
    ],
)
def test_a_connector_says_how_its_conflicts_are_settled(
    settings: dict[str, Any], policy: dict[str, str], strategy: ConflictStrategy
) -> None:
    connector = Connector(UUID(int=1), UUID(int=2), "app", "sql", settings=settings, policy=policy)

    assert strategy_of(connector) is strategy


VALUES = st.one_of(st.none(), st.sampled_from("abc"), st.lists(st.sampled_from("abc"), unique=True, min_size=1))
CHANGES = st.builds(
    lambda attributes, active: (UPDATE, {"attributes": attributes} | ({} if active is None else {"active": active})),
    st.dictionaries(st.sampled_from(["mail", "phone", "groups"]), VALUES),
    st.sampled_from([None, True, False]),
)
LANES = st.lists(st.builds(lambda change, is_fixed: Standing(uuid4(), change, is_fixed), CHANGES, st.booleans()))


def _end(lane: list[Standing], settled: Settled) -> dict[str, Any]:
    """What the account has when all that is left has run, in order."""
    changes = [settled.changed.get(each.id, each.change) for each in lane]
    return _run([*changes, settled.newer])


def _run(changes: list[Change | None]) -> dict[str, Any]:
    account: dict[str, Any] = {}
    for change in changes:
        if change is not None:
            account |= change[1]["attributes"]
            account |= {"active": change[1]["active"]} if "active" in change[1] else {}
    # several values are a set: two who name the same ones in another order agree, and one of them is that value
    return {name: _as_set(value) if isinstance(value, list) else value for name, value in account.items()}


def _as_set(values: list[str]) -> Any:
    return values[0] if len(values) == 1 else sorted(values)


@given(LANES, CHANGES)
def test_the_last_write_wins_as_if_all_had_run_in_order(lane: list[Standing], newer: Change) -> None:
    settled = settle(lane, newer, strategy=LAST)

    assert _end(lane, settled) == _run([*(each.change for each in lane), newer])


@given(LANES, CHANGES)
def test_the_first_write_wins_and_what_is_in_no_dispute_is_done_all_the_same(
    lane: list[Standing], newer: Change
) -> None:
    settled = settle(lane, newer, strategy=FIRST)
    in_dispute = {name for clash in settled.clashes for name in clash.affected}
    before = _run([each.change for each in lane])

    assert _end(lane, settled) == {
        name: before[name] if name in in_dispute else value
        for name, value in _run([*(each.change for each in lane), newer]).items()
    }


@given(LANES, CHANGES, st.sampled_from([LAST, FIRST, MERGE]))
def test_what_is_fixed_is_never_changed_and_nothing_is_left_in_dispute_with_what_waits(
    lane: list[Standing], newer: Change, strategy: ConflictStrategy
) -> None:
    settled = settle(lane, newer, strategy=strategy)

    assert not {each.id for each in lane if each.is_fixed} & settled.changed.keys()
    if strategy is LAST:
        left = [each for each in lane if not each.is_fixed and settled.changed.get(each.id, each.change) is not None]
        assert not any(settled.newer and disputed(each.change, newer) for each in left)


@given(CHANGES, CHANGES, st.dictionaries(st.just("groups"), st.lists(st.sampled_from("abcd"), unique=True)))
def test_a_merge_of_several_values_has_what_either_added(older: Change, newer: Change, base: dict[str, Any]) -> None:
    found = merged(older, newer, base=base)[1]["attributes"].get("groups")
    values = [each[1]["attributes"].get("groups") for each in (older, newer)]
    if all(isinstance(value, list) for value in values) and disputed(older, newer):
        added = {v for value in values for v in value} - set(base.get("groups", []))
        assert added <= set(found if isinstance(found, list) else [])
