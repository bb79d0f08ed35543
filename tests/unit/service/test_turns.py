from collections import Counter
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.service.turns import QUANTUM, Ring, Turns

A, B, C = (UUID(int=number) for number in (1, 2, 3))


def serve(turns: Turns[str], count: int, *, cost: int = 1, again: bool = True) -> list[str]:
    """Give so many turns, one at a time; who had one waits for the next at once."""
    served = []
    for _ in range(count):
        turn = turns.take()
        if turn is None:
            break
        tenant_id, thing = turn
        served.append(thing)
        turns.end(tenant_id, thing, cost=cost)
        if again:
            turns.offer(tenant_id, thing)
    return served


def test_things_of_one_tenant_take_turns_in_the_order_they_came():
    turns: Turns[str] = Turns(at_once=1, per_tenant=1)
    for thing in ("a1", "a2", "a3"):
        turns.offer(A, thing)

    assert serve(turns, 5) == ["a1", "a2", "a3", "a1", "a2"]


def test_five_hundred_targets_of_one_tenant_are_one_turn_before_another_tenant():
    turns: Turns[str] = Turns(at_once=1, per_tenant=1)
    for number in range(500):
        turns.offer(A, f"a{number}")
    serve(turns, 3)
    turns.offer(B, "b")

    assert "b" in serve(turns, 2)


def test_who_took_much_sits_out_until_the_others_had_as_much():
    turns: Turns[str] = Turns(at_once=1, per_tenant=1)
    turns.offer(A, "much")
    serve(turns, 1, cost=3 * QUANTUM)
    turns.offer(B, "little")

    served = serve(turns, 100, cost=10)

    assert served[:30].count("little") > 20
    assert "much" in served


def test_alone_nobody_waits_for_a_debt():
    turns: Turns[str] = Turns(at_once=1, per_tenant=1)
    turns.offer(A, "a")

    assert serve(turns, 50, cost=100 * QUANTUM) == ["a"] * 50


def test_turns_in_the_long_run_are_as_the_weights():
    ring: Ring[str] = Ring()
    cost: Counter[str] = Counter()
    weights = {"light": 1, "double": 2, "heavy": 5}
    for _ in range(4_000):
        for key, weight in weights.items():
            ring.offer(key, weight=weight)
        key = ring.take()
        assert key is not None
        ring.charge(key, 50)
        cost[key] += 50

    assert cost["double"] / cost["light"] == pytest.approx(2, rel=0.05)
    assert cost["heavy"] / cost["light"] == pytest.approx(5, rel=0.05)


def test_one_tenant_alone_leaves_a_place_for_others():
    turns: Turns[str] = Turns(at_once=4, per_tenant=3)
    for number in range(10):
        turns.offer(A, f"a{number}")
    taken = [turns.take() for _ in range(4)]
    turns.offer(B, "b")

    assert [turn is not None for turn in taken] == [True, True, True, False]
    assert turns.take() == (B, "b")
    assert turns.take() is None


def test_offering_twice_is_waiting_once():
    turns: Turns[str] = Turns(at_once=9, per_tenant=9)
    turns.offer(A, "a")
    turns.offer(A, "a")

    assert turns.waiting == 1
    assert (turns.take(), turns.take()) == ((A, "a"), None)


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B, C]), st.integers(0, 6), st.integers(0, 2_000), st.booleans()), max_size=120
    ),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 2**32),
)
def test_caps_hold_and_whoever_waits_is_served(steps, at_once, per_tenant, seed):
    """Whatever is offered, taken and paid in whatever order, with weights from none to many."""
    rng = Random(seed)
    turns: Turns[str] = Turns(at_once=at_once, per_tenant=per_tenant)
    under_way: list[tuple[UUID, str]] = []
    waits: set[tuple[UUID, str]] = set()
    for tenant_id, number, cost, ends in steps:
        turns.offer(tenant_id, f"{tenant_id}-{number}", weight=number)
        waits.add((tenant_id, f"{tenant_id}-{number}"))
        if (turn := turns.take()) is not None:
            waits.discard(turn)
            under_way.append(turn)
        by_tenant = Counter(each for each, _ in under_way)
        assert len(under_way) <= at_once
        assert all(count <= per_tenant for count in by_tenant.values())
        if ends and under_way:
            turns.end(*under_way.pop(rng.randrange(len(under_way))), cost=cost)
    for turn in under_way:
        turns.end(*turn, cost=1)
    served = set()
    while (turn := turns.take()) is not None:
        served.add(turn)
        turns.end(*turn, cost=1)

    assert served == waits
    assert turns.waiting == 0
