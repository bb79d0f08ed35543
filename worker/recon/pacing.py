"""How fast a run lists now, and how long it still takes: pure. What is not known is None, never a guess."""

from worker.domain.run import Run, RunStatus
from worker.store.run_history import Listed

_LISTING = "listing"


def expected(run: Run) -> int | None:
    """How many accounts there are, as the target says, or as we know them."""
    known = run.accounts_total or run.statistics.get("known")
    return max(int(known), run.accounts_processed) if known else None


def pace(run: Run, listed: Listed) -> float | None:
    """Accounts a second of the last minute, while they are listed: its pages, as large as this run's are on average."""
    if not _is_listing(run) or not listed.pages or listed.recent == 0 or listed.seconds <= 0:
        return None
    return run.accounts_processed / listed.pages * listed.recent / listed.seconds


def seconds_left(run: Run, *, rate: float | None) -> float | None:
    """Until everything is listed, at this rate."""
    total = expected(run)
    if not _is_listing(run) or not rate or total is None:
        return None
    return (total - run.accounts_processed) / rate


def _is_listing(run: Run) -> bool:
    return run.status is RunStatus.RUNNING and run.phase == _LISTING
