"""Comes for what nobody came for, and for what only time changes."""

from collections.abc import Awaitable, Callable

from worker.actions import Expiry, House
from worker.store import due_work


def sweep(house: House) -> Callable[[], Awaitable[None]]:
    """Come for work that sleeps too long, and for approvals that nobody decides."""
    expiry = Expiry(house)

    async def come() -> None:
        async with house.pool.acquire() as conn:
            await due_work.sweep(conn)
        await expiry.run_once()

    return come
