"""Comes for what nobody came for, and for what only time changes."""

from collections.abc import Awaitable, Callable

from worker.actions import Expiry, House
from worker.recon import Retention, Retired, Terms
from worker.settings import Settings
from worker.store import due_work


def sweep(house: House) -> Callable[[], Awaitable[None]]:
    """Come for work that sleeps too long, and for approvals that nobody decides."""
    expiry = Expiry(house)

    async def come() -> None:
        async with house.pool.acquire() as conn:
            await due_work.sweep(conn)
        await expiry.run_once()

    return come


def retire(house: House, settings: Settings) -> Callable[[], Awaitable[Retired]]:
    """Let go of what reconciliation has kept for long enough."""
    keep = settings.keep
    terms = Terms(keep.runs_days, keep.findings_days, keep.proposals_days, keep.cases_days)
    return Retention(house.pool, terms).run_once
