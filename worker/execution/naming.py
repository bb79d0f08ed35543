"""Unique names: of what a hook offers, the first that no other account has or is about to get is the account's.

Names are taken in the database before anything is sent, for a whole batch at once, so that namesakes who are created
at the same moment, by whichever process, get different ones. What is taken stays the account's for its later tries. The
target has the last word: what it says is taken counts as taken.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from worker.domain.errors import HookError
from worker.domain.hook import HookClass
from worker.execution.wish import Wish
from worker.store import taken_names
from worker.store.pool import Pool
from worker.store.taken_names import Name, Taking, Where, normal
from worker.store.tenant import tenant

#: The first look is for so many candidates of each: most people get their first.
FIRST_LOOK = 8
#: Each time others are faster one of them has got a name.
MOST_ROUNDS = 200


class NameTaken(Exception):
    """The target has these names, by attribute, for somebody else; another one may do."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(", ".join(values))
        self.values = dict(values)

    @property
    def names(self) -> frozenset[Name]:
        """The names as they are compared."""
        return frozenset((attribute, normal(value)) for attribute, value in self.values.items())


@dataclass(frozen=True, slots=True)
class Offer:
    """Candidates for one attribute of one account, the best first. ``refused`` are names that the target has already.

    ``is_again``: an earlier try may have taken one of them, which is then the one.
    """

    account_id: UUID
    operation_id: UUID
    attribute: str
    candidates: tuple[str, ...]
    refused: frozenset[Name] = frozenset()
    iteration: int = 0
    is_again: bool = False

    def within(self, limit: int | None) -> list[str]:
        """The first candidates that the target has not refused; all where an earlier choice must be found."""
        left = [each for each in self.candidates if (self.attribute, normal(each)) not in self.refused]
        return left if self.is_again else left[:limit]


class Names:
    """Takes names for accounts."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def choose(
        self, where: Where, offers: Sequence[Offer], *, is_blind: bool = False, is_dry: bool = False
    ) -> list[str | None]:
        """The name each account gets, None: all that it was offered are taken.

        ``is_blind``: the target cannot be asked, so all of our own accounts are looked at, once for all offers.
        ``is_dry``: only look.
        """
        others = await self._of_accounts(where, offers) if is_blind else {}
        how = _How(where, FIRST_LOOK, others, is_dry=is_dry)
        chosen = await self._settle(how, offers)
        short = [at for at, value in enumerate(chosen) if value is None and len(offers[at].candidates) > FIRST_LOOK]
        if short:
            rest = await self._settle(replace(how, look=None), [offers[at] for at in short])
            for at, value in zip(short, rest, strict=True):
                chosen[at] = value
        return chosen

    async def remember(self, where: Where, taking: Taking) -> None:
        """Keep a name that a hook made itself of the number of the iteration: later tries begin with that."""
        async with tenant(self._pool, where.tenant_id) as conn:
            await taken_names.take(conn, where, [taking])

    async def give_back(self, where: Where, account_id: UUID, names: Collection[Name]) -> None:
        """Let names go that the account did not get after all."""
        async with tenant(self._pool, where.tenant_id) as conn:
            await taken_names.give_back(conn, where, account_id, names)

    async def _of_accounts(self, where: Where, offers: Sequence[Offer]) -> dict[Name, UUID]:
        """Who of our accounts has a name of these offers, though nobody took it for them."""
        names = {(offer.attribute, normal(each)) for offer in offers for each in offer.within(None)}
        async with tenant(self._pool, where.tenant_id) as conn:
            return await taken_names.of_accounts(conn, where, names)

    async def _settle(self, how: "_How", offers: Sequence[Offer]) -> list[str | None]:
        """Take names until each has one, or none of those looked at is left for it."""
        chosen: list[str | None] = [None] * len(offers)
        left = list(range(len(offers)))
        for _ in range(MOST_ROUNDS):
            found, got = await self._round(how, [offers[at] for at in left])
            for at, value in zip(left, found, strict=True):
                if value is not None and (offers[at].attribute, normal(value)) in got:
                    chosen[at] = value
            left = [at for at, value in zip(left, found, strict=True) if value is not None and chosen[at] is None]
            if not left:
                return chosen
        raise HookError("others took every name first, again and again", hook_class=HookClass.BUSY, retryable=True)

    async def _round(self, how: "_How", offers: Sequence[Offer]) -> tuple[list[str | None], set[Name]]:
        """What each could have by what is known now, and which of these names were got."""
        names = {(offer.attribute, normal(each)) for offer in offers for each in offer.within(how.look)}
        async with tenant(self._pool, how.where.tenant_id) as conn:
            holders = await taken_names.among(conn, how.where, names)
            held = {name: holder.account_id for name, holder in holders.items() if holder.is_held}
            found = assign(offers, {**how.others, **held}, look=how.look)
            wanted = [
                Taking(offer.attribute, value, offer.account_id, offer.operation_id, offer.iteration)
                for offer, value in zip(offers, found, strict=True)
                if value is not None
            ]
            if how.is_dry:
                return found, {each.name for each in wanted}
            stale = {
                each.name: holders[each.name]
                for each in wanted
                if each.name in holders.keys() - held.keys() and holders[each.name].account_id != each.account_id
            }
            if not stale:
                return found, await taken_names.take(conn, how.where, wanted)
            # In a transaction of its own: of two that forget and take, each might wait for the other.
            await taken_names.drop(conn, how.where, stale)
        return found, set()


@dataclass(frozen=True, slots=True)
class _How:
    """Among whom names are looked for, and how many candidates of each (None: all).

    ``others`` have names that nobody took for them.
    """

    where: Where
    look: int | None
    others: Mapping[Name, UUID]
    is_dry: bool


def taken_by(wish: Wish, *, naming: str) -> NameTaken | None:
    """What the target may mean that says that the account exists; None where no other name can be had.

    It does not say by which attribute: all that were offered count as taken, without any the one it is known by.
    """
    if not wish.naming.may_change:
        return None
    values = {name: wish.attributes.get(name) for name in wish.naming.offered or (naming,)}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    return NameTaken(texts) if texts else None


def assign(offers: Sequence[Offer], taken: Mapping[Name, UUID], *, look: int | None) -> list[str | None]:
    """Who gets what, in the order of the offers: what is their own already, else the first that nobody has."""
    given = dict(taken)
    found: list[str | None] = []
    for offer in offers:
        names = {value: (offer.attribute, normal(value)) for value in offer.within(look)}
        own = next((value for value, name in names.items() if given.get(name) == offer.account_id), None)
        value = own or next((value for value, name in names.items() if name not in given), None)
        if value is not None:
            given[names[value]] = offer.account_id
        found.append(value)
    return found
