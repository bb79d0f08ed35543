"""Pages of versions, which are numbered without gaps: a page begins at its newest one."""

from collections.abc import Sequence
from typing import Final

from worker.console.query import Query
from worker.console.views import HookVersionRow, MappingVersionRow, RuleVersionRow

PAGED: Final = ("newer", "older")
_MOST: Final = 1_000_000
_PAGE: Final = 50


def newest_of(query: Query) -> int | None:
    """The version that the page asked for begins with; None: the last one."""
    newer, older = (query.number(name, least=1, most=_MOST) for name in PAGED)
    return newer or older


def cursors_of(
    shown: Sequence[HookVersionRow | MappingVersionRow | RuleVersionRow], *, latest: int
) -> dict[str, int | None]:
    """Where the pages beside this one begin; None: there is none."""
    if not shown:
        return dict.fromkeys(PAGED)
    first, last = shown[0].version, shown[-1].version
    return {"newer": min(first + _PAGE, latest) if first < latest else None, "older": last - 1 if last > 1 else None}
