"""A note goes when nothing of its claim is held any more, and never before."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from worker.domain.operation import Operation, OperationType
from worker.queue.notes import Notes

TENANTS = [UUID(int=n) for n in range(1, 3)]
CLAIMS = [UUID(int=n) for n in range(10, 16)]


def claimed(tenant: UUID, claim: UUID | None) -> Operation:
    return Operation(
        UUID(int=7), tenant, UUID(int=2), UUID(int=3), OperationType.UPDATE, "user", {}, claim_id=claim
    )  # fmt: skip


@given(
    added=st.lists(st.tuples(st.sampled_from(TENANTS), st.sampled_from(CLAIMS))),
    held=st.sets(st.sampled_from(CLAIMS)),
)
def test_what_is_over_is_all_that_was_noted_and_is_not_held(added: list[tuple[UUID, UUID]], held: set[UUID]) -> None:
    notes = Notes()
    for tenant, claim in added:
        notes.add(tenant, [claimed(tenant, claim)])

    over = notes.over(held)

    assert {(t, c) for t, ids in over.items() for c in ids} == {(t, c) for t, c in added if c not in held}
    for tenant, ids in over.items():
        notes.end(tenant, ids)
    assert notes.over(held) == {}
    assert {(t, c) for t, ids in notes.over(set()).items() for c in ids} == {(t, c) for t, c in added if c in held}


def test_what_was_never_claimed_is_not_noted_and_a_lost_lease_forgets_all() -> None:
    notes = Notes()
    notes.add(TENANTS[0], [claimed(TENANTS[0], None)])
    assert notes.over(set()) == {}

    notes.add(TENANTS[0], [claimed(TENANTS[0], CLAIMS[0])])
    notes.clear()

    assert notes.over(set()) == {}
