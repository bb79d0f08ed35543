"""Which claims of this process are noted in the database, so that the notes of those that are over can be cleared away.

A note says what a claim brought, for whoever has to put it back when this process dies. It may stay longer than it is
true, never shorter.
"""

from collections import defaultdict
from collections.abc import Container, Sequence
from uuid import UUID

from worker.domain.operation import Operation
from worker.store import claims
from worker.store.pool import Pool
from worker.store.tenant import tenant


class Notes:
    """Ids of claims by their tenant."""

    def __init__(self) -> None:
        self._claims: dict[UUID, set[UUID]] = defaultdict(set)

    def add(self, tenant_id: UUID, claimed: Sequence[Operation]) -> None:
        """Note the claims of what is held from now on."""
        self._claims[tenant_id].update(op.claim_id for op in claimed if op.claim_id is not None)

    def over(self, held: Container[UUID | None]) -> dict[UUID, list[UUID]]:
        """Those that brought nothing of what is held, by tenant."""
        found = {tenant_id: [one for one in ids if one not in held] for tenant_id, ids in self._claims.items()}
        return {tenant_id: ids for tenant_id, ids in found.items() if ids}

    def end(self, tenant_id: UUID, claim_ids: Sequence[UUID]) -> None:
        """They are cleared away."""
        self._claims[tenant_id].difference_update(claim_ids)

    async def clear_away(self, pool: Pool, owner: UUID, *, held: Container[UUID | None]) -> int:
        """Clear away those of which the owner holds nothing any more; how many. The rows of operations decide."""
        ended = 0
        for tenant_id, claim_ids in self.over(held).items():
            async with tenant(pool, tenant_id) as conn:
                gone = await claims.end(conn, tenant_id, owner, claim_ids)
            self.end(tenant_id, gone)
            ended += len(gone)
        return ended

    def clear(self) -> None:
        """The lease is lost: whoever rescues what was held clears them away."""
        self._claims.clear()
