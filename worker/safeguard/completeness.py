"""Whether a listing may be believed: only then is what it does not show gone.

A target or a source whose list broke off, whose paging skips, or that was emptied, looks like one whose people are all
gone. Nothing is concluded from such a list until a person has seen what it would mean.
"""

from dataclasses import dataclass

from worker.safeguard.limits import DEFAULT_LIMITS, SafeguardLimits


@dataclass(frozen=True, slots=True)
class Listing:
    """What a listing showed, against what was known before it began.

    ``seen`` counts distinct objects; ``is_ended``: the last page said that it is the last; ``total`` is what the other
    side says it has, when it says so; ``known`` counts the objects we knew, ``lost`` those of them that were not shown;
    ``last_seen`` is what the last good run saw.
    """

    seen: int
    is_ended: bool
    total: int | None = None
    known: int = 0
    lost: int = 0
    last_seen: int | None = None


@dataclass(frozen=True, slots=True)
class Completeness:
    """The verdict; ``reason`` says in one sentence why a listing is not believed."""

    is_complete: bool
    reason: str = ""


def judge(listing: Listing, limits: SafeguardLimits = DEFAULT_LIMITS) -> Completeness:
    """Decide; the first doubt is the one told."""
    doubt = _doubt(listing, limits.shrink_percent)
    return Completeness(doubt is None, doubt or "")


def _doubt(listing: Listing, shrink_percent: float) -> str | None:
    if not listing.is_ended:
        return f"The list broke off after {listing.seen}: its last page does not say that it is the last."
    if listing.total is not None and listing.seen < listing.total:
        return f"The list shows {listing.seen}, but says that there are {listing.total}."
    if listing.seen == 0 and (listing.known or listing.last_seen):
        return f"The list is empty; before there were {max(listing.known, listing.last_seen or 0)}."
    if _is_too_much(listing.lost, listing.known, shrink_percent):
        return f"{listing.lost} of the {listing.known} that were known are not in the list."
    if listing.last_seen and _is_too_much(listing.last_seen - listing.seen, listing.last_seen, shrink_percent):
        return f"The list shows {listing.seen}; the last complete one showed {listing.last_seen}."
    return None


def _is_too_much(lost: int, known: int, shrink_percent: float) -> bool:
    return lost * 100 > known * shrink_percent
