from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.share import ROTATE_S, VALID_S, Need, Part, Share, divided, fair_slots

A, B, C, D = (UUID(int=number) for number in range(1, 5))
NOW = 1_000 * ROTATE_S


def part(worker: UUID, slots: int, *, wants: int = 8, rate: float | None = None, until: float = NOW + 5) -> Part:
    return Part(worker, slots, rate, wants, until)


@pytest.mark.parametrize(
    ("slots", "wants", "turn", "fair"),
    [
        pytest.param(8, {A: 8}, 0, {A: 8}, id="alone"),
        pytest.param(8, {A: 8, B: 8}, 0, {A: 4, B: 4}, id="two"),
        pytest.param(8, {A: 1, B: 8}, 0, {A: 1, B: 7}, id="what one leaves the other takes"),
        pytest.param(8, {A: 2, B: 8, C: 8}, 0, {A: 2, B: 3, C: 3}, id="three, one of them modest"),
        pytest.param(7, {A: 8, B: 8}, 0, {A: 4, B: 3}, id="an odd one"),
        pytest.param(7, {A: 8, B: 8}, 1, {A: 3, B: 4}, id="an odd one, in the next turn"),
        pytest.param(1, {A: 8, B: 8, C: 8}, 1, {A: 0, B: 1, C: 0}, id="fewer slots than processes"),
        pytest.param(1, {A: 0, B: 8}, 0, {A: 0, B: 1}, id="who wants nothing has no turn"),
        pytest.param(0, {A: 8}, 0, {A: 0}, id="nothing to share"),
    ],
)
def test_slots_are_shared_fairly(slots, wants, turn, fair):
    assert fair_slots(slots, wants, turn=turn) == fair


def test_alone_a_process_has_all_of_it():
    parts, share = divided([], A, Need(0, 8), slots=8, rate=20.0, now=NOW)

    assert share == Share(8, 20.0, is_settled=True, is_alone=True)
    assert parts == [Part(A, 8, 20.0, 8, NOW + VALID_S)]


def test_who_joins_takes_nothing_that_another_holds():
    _, share = divided([part(A, 8, rate=20.0)], B, Need(0, 8), slots=8, rate=20.0, now=NOW)

    assert (share.slots, share.is_settled, share.is_alone) == (0, False, False)


def test_who_is_to_have_less_uses_less_first_and_gives_back_when_it_asks_again():
    parts = [part(A, 8, rate=20.0), part(B, 0, rate=0.0)]
    parts, first = divided(parts, A, Need(8, 8, rate=20.0), slots=8, rate=20.0, now=NOW)
    _, early = divided(parts, B, Need(0, 8, rate=0.0), slots=8, rate=20.0, now=NOW)
    parts, second = divided(parts, A, Need(4, 8, rate=10.0), slots=8, rate=20.0, now=NOW + 1)
    _, late = divided(parts, B, Need(0, 8, rate=0.0), slots=8, rate=20.0, now=NOW + 1)

    assert (first.slots, first.rate, first.is_settled) == (4, 10.0, False)
    assert early.slots == 0
    assert second == Share(4, 10.0, is_settled=True, is_alone=False)
    assert late == Share(4, 10.0, is_settled=True, is_alone=False)


def test_part_of_a_silent_process_goes_to_the_others_when_its_time_is_over():
    silent = part(A, 8, rate=5.0, until=NOW + 1)
    before = divided([silent], B, Need(0, 8), slots=8, rate=5.0, now=NOW)[1]
    after = divided([silent], B, Need(0, 8), slots=8, rate=5.0, now=NOW + 1)[1]

    assert (before.slots, after) == (0, Share(8, 5.0))


def test_process_with_nothing_to_do_leaves_its_slots_to_others():
    parts = divided([part(A, 4), part(B, 4)], A, Need(0, 0), slots=8, rate=None, now=NOW)[0]

    assert divided(parts, B, Need(4, 8), slots=8, rate=None, now=NOW)[1].slots == 8


def test_limit_that_a_person_lowers_is_kept_as_soon_as_calls_have_ended():
    _, share = divided([part(B, 4)], A, Need(4, 8), slots=2, rate=None, now=NOW)

    assert share.slots <= 1


def test_single_slot_goes_round():
    """Four processes, one slot: each has it in some turn."""
    had, parts, now = set(), [], NOW
    uses = dict.fromkeys((A, B, C, D), 0)
    for _ in range(60):
        now += ROTATE_S / 5
        for worker in (A, B, C, D):
            parts, share = divided(parts, worker, Need(uses[worker], 8), slots=1, rate=None, now=now)
            uses[worker] = share.slots
            had |= {worker} if share.slots else set()

    assert had == {A, B, C, D}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([A, B, C, D]), st.integers(0, 12), st.floats(0, 8), st.floats(0.0, 1.0), st.booleans()
        ),
        max_size=80,
    ),
    st.integers(1, 12),
    st.floats(0.5, 500) | st.none(),
)
def test_together_never_more_than_the_whole_whenever_who_asks(steps, slots, rate):
    """Calls begin up to the share that a process knows of, end when they like; a process may die or fall silent."""
    parts: list[Part] = []
    shares: dict[UUID, tuple[Share, float]] = {}
    calls = dict.fromkeys((A, B, C, D), 0)
    now = NOW
    for worker, wants, passes, busy, dies in steps:
        now += passes
        for each, (_, until) in list(shares.items()):
            if until <= now:  # its time is over: it knows that by itself, and its calls have ended or failed
                del shares[each]
                calls[each] = 0
        if dies:
            shares.pop(worker, None)
            calls[worker] = 0
            continue
        pace = shares[worker][0].rate if worker in shares else 0.0
        need = Need(calls[worker], wants, rate=pace)
        parts, share = divided(parts, worker, need, slots=slots, rate=rate, now=now)
        shares[worker] = (share, now + VALID_S)
        calls[worker] = max(min(calls[worker], 12), int(share.slots * busy))

        assert sum(held.slots for held, _ in shares.values()) <= slots
        assert sum(calls.values()) <= slots
        if rate is not None:
            assert sum(held.rate or 0 for held, _ in shares.values()) <= rate * (1 + 1e-9)
        assert all(held.slots >= 0 for held in parts)


@given(st.integers(1, 12), st.lists(st.integers(1, 12), min_size=1, max_size=4), st.floats(0, 10_000))
def test_after_a_few_rounds_all_that_can_be_used_is_shared_out(slots, wants, begins):
    workers = [A, B, C, D][: len(wants)]
    start = (begins // ROTATE_S) * ROTATE_S
    parts: list[Part] = [replace(part(A, slots), until=start + VALID_S)]
    last: dict[UUID, Share] = {}
    for step in range(4):  # within one turn
        for worker, wanted in zip(workers, wants, strict=True):
            using = last[worker].slots if worker in last else (slots if worker == A else 0)
            need = Need(using, wanted)
            parts, last[worker] = divided(parts, worker, need, slots=slots, rate=None, now=start + step)

    assert sum(share.slots for share in last.values()) == min(slots, sum(wants))
    assert {worker: share.slots for worker, share in last.items()} == fair_slots(
        slots, dict(zip(workers, wants, strict=True)), turn=int(start // ROTATE_S)
    )
