from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.coalesce import Change, merge
from worker.domain.operation import OperationType

CREATE, UPDATE, DELETE = OperationType.CREATE, OperationType.UPDATE, OperationType.DELETE


def payload(active: bool | None = None, **attributes: Any) -> dict[str, Any]:
    return {"attributes": attributes} | ({} if active is None else {"active": active})


@pytest.mark.parametrize(
    ("older", "newer", "merged"),
    [
        pytest.param(
            (CREATE, payload(active=True, cn="Ann", mail="a@x")),
            (UPDATE, payload(mail="b@x")),
            (CREATE, payload(active=True, cn="Ann", mail="b@x")),
            id="create then update is a create of both",
        ),
        pytest.param(
            (CREATE, payload(active=True, cn="Ann", phone="1")),
            (UPDATE, payload(phone=None)),
            (CREATE, payload(active=True, cn="Ann")),
            id="a create has nothing to clear",
        ),
        pytest.param(
            (CREATE, payload(active=True, cn="Ann")),
            (UPDATE, payload(active=False)),
            (CREATE, payload(active=False, cn="Ann")),
            id="create then disable is a create of an inactive account",
        ),
        pytest.param((CREATE, payload(cn="Ann")), (DELETE, payload()), None, id="create then delete is nothing"),
        pytest.param(
            (CREATE, payload(active=True, cn="Ann", phone="1")),
            (CREATE, payload(active=True, cn="Anna")),
            (CREATE, payload(active=True, cn="Anna")),
            id="a create says everything, so the newer one replaces",
        ),
        pytest.param(
            (UPDATE, payload(cn="Ann", mail="a@x")),
            (UPDATE, payload(mail=None)),
            (UPDATE, payload(cn="Ann", mail=None)),
            id="the newer value wins, null included",
        ),
        pytest.param(
            (UPDATE, payload(active=False)),
            (UPDATE, payload(cn="Ann")),
            (UPDATE, payload(active=False, cn="Ann")),
            id="an update that is silent about active keeps the disable",
        ),
        pytest.param(
            (UPDATE, payload(active=False)),
            (UPDATE, payload(active=True, cn="Ann")),
            (UPDATE, payload(active=True, cn="Ann")),
            id="enable after disable is an enable",
        ),
        pytest.param(
            (UPDATE, payload(cn="Ann")), (DELETE, payload()), (DELETE, payload()), id="update then delete is a delete"
        ),
        pytest.param(
            (UPDATE, payload(cn="Ann", phone="1")),
            (CREATE, payload(active=True, cn="Anna")),
            (CREATE, payload(active=True, cn="Anna")),
            id="a create after an update replaces it",
        ),
        pytest.param(
            (DELETE, payload()),
            (CREATE, payload(active=True, cn="Ann")),
            (UPDATE, payload(active=True, cn="Ann")),
            id="a delete taken back is an update",
        ),
        pytest.param(
            (DELETE, payload()),
            (UPDATE, payload(active=True, cn="Ann")),
            (UPDATE, payload(active=True, cn="Ann")),
            id="an update after a delete that never ran stands alone",
        ),
        pytest.param((DELETE, payload()), (DELETE, payload()), (DELETE, payload()), id="delete twice is one delete"),
    ],
)
def test_merge_keeps_the_effect_of_both_in_order(older: Change, newer: Change, merged: Change | None) -> None:
    assert merge(older, newer) == merged


attributes = st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 3), max_size=3)
values = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3)
updates = st.builds(
    lambda names, active: (UPDATE, payload(active=active, **names)), attributes, st.none() | st.booleans()
)
creates = st.builds(lambda names, active: (CREATE, payload(active=active, **names)), values, st.booleans())
deletes = st.just((DELETE, payload()))

Account = tuple[dict[str, Any], bool] | None


def applied(account: Account, change: Change | None) -> Account:
    """The model: what a target holds after a change."""
    if change is None:
        return account
    kind, body = change
    if kind is DELETE:
        return None
    named, was_active = account if account is not None else ({}, True)
    kept = {} if kind is CREATE else named
    both = {**kept, **body["attributes"]}
    return {name: value for name, value in both.items() if value is not None}, body.get("active", was_active)


@given(account=st.tuples(values, st.booleans()), older=updates, newer=updates | deletes)
def test_on_an_existing_account_the_merged_change_ends_where_both_would(
    account: Account, older: Change, newer: Change
) -> None:
    assert applied(account, merge(older, newer)) == applied(applied(account, older), newer)


@given(older=creates, newer=updates | deletes | creates)
def test_where_no_account_is_the_merged_change_ends_where_both_would(older: Change, newer: Change) -> None:
    assert applied(None, merge(older, newer)) == applied(applied(None, older), newer)


@given(account=st.tuples(values, st.booleans()), newer=creates)
def test_a_delete_taken_back_brings_all_that_is_wanted(account: Account, newer: Change) -> None:
    ended = applied(account, merge((DELETE, payload()), newer))

    assert ended is not None
    assert {**ended[0], **newer[1]["attributes"]} == ended[0]
    assert ended[1] is newer[1]["active"]


@given(first=updates | creates, second=updates, third=updates | deletes)
def test_merging_does_not_depend_on_the_grouping(first: Change, second: Change, third: Change) -> None:
    left = merge(first, second)
    right = merge(second, third)

    assert left is not None
    assert right is not None
    assert merge(left, third) == merge(first, right)
