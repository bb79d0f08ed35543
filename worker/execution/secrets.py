"""The secret attributes of a try: opened just before the target is called, and then known by their fingerprints alone.

What an operation carries was sealed when it was planned or asked for. An account that has to be made anew, where only a
change was planned, is given what the mapping makes of its person now.
"""

from dataclasses import replace
from typing import Any

import structlog

from worker.domain import sealing
from worker.domain.errors import UnreadableSecret
from worker.domain.operation import OperationType
from worker.execution.wish import Wish
from worker.execution.work import Work
from worker.mapping import MappingEngine, MappingError
from worker.security import Vault, changed, fingerprints, open_values
from worker.store import work as store
from worker.store.pool import DatabaseTrouble, Pool
from worker.store.tenant import tenant

log = structlog.get_logger()

#: Before the name of an attribute that a hook set: what a mapping makes of the same is told apart by another mark.
HOOK = "hook "


class Secrets:
    """Adds the secrets to a wish, and notes which were given."""

    def __init__(self, pool: Pool, vault: Vault, mapper: MappingEngine) -> None:
        self._pool = pool
        self._vault = vault
        self._mapper = mapper

    async def added(self, work: Work, wish: Wish) -> Wish:
        """The wish with the values of its secrets; what a hook set counts, and is not sent again when it is as before.

        Raises UnreadableSecret where the operation speaks of a value that cannot be had.
        """
        if wish.kind is OperationType.DELETE:
            return wish
        wish = self._without_given(work, wish)
        values = self.opened(work)
        if wish.kind is OperationType.CREATE and work.op.operation_type is not OperationType.CREATE:
            values = await self._mapped(work) | values
        secrets = {name: value for name, value in values.items() if name not in wish.attributes}
        return replace(wish, secrets=secrets) if secrets or wish.secrets else wish

    def of_adopted(self, work: Work, wish: Wish) -> dict[str, Any]:
        """Those that an account gets that was there before: not what a mapping gives to new ones alone."""
        if not work.op.origin.is_coalesced or work.mapping is None:
            return wish.secrets
        kept = {rule.target for rule in work.mapping.rules if rule.secret and "update" in rule.on}
        return {name: value for name, value in wish.secrets.items() if name in kept}

    async def note(self, work: Work, wish: Wish, sent: dict[str, Any] | None) -> None:
        """Note what the account was given; a database that is away means that it is given once more, later."""
        names = (sent or {}).get("attributes", {}).keys()
        given = {name: value for name, value in wish.secrets.items() if name in names} if _is_planned(work) else {}
        hooked = {HOOK + name: value for name, value in _of_hooks(work, wish).items() if name in names}
        if not (given or hooked):
            return
        place = {"tenant_id": work.op.tenant_id, "account_id": work.op.account_id}
        marks = fingerprints(given | hooked, vault=self._vault, **place)
        try:
            async with tenant(self._pool, work.op.tenant_id) as conn:
                await store.mark_secrets(conn, work.op.tenant_id, account_id=work.op.account_id, marks=marks)
        except DatabaseTrouble as trouble:
            log.warning("secrets.not_noted", operation_id=str(work.op.id), error=type(trouble).__name__)

    def opened(self, work: Work) -> dict[str, Any]:
        """The values that the operation carries sealed, by attribute. Raises UnreadableSecret where one is lost."""
        names, sealed = sealing.names_of(work.op.payload), sealing.sealed_of(work.op.payload)
        if lost := sorted(names - sealed.keys()):
            raise UnreadableSecret(
                f"The secret value of {lost[0]} is not with this operation any more: send it again with the value.",
                field=lost[0],
            )
        return open_values(sealed, vault=self._vault, tenant_id=work.op.tenant_id, account_id=work.op.account_id)

    async def _mapped(self, work: Work) -> dict[str, Any]:
        """What the mapping gives to a new account of this person; nothing where it has no secrets or cannot say."""
        mapping = work.mapping
        if mapping is None or work.identity is None or not any(rule.secret for rule in mapping.rules):
            return {}
        [mapped] = await self._mapper.map_identities([work.identity], mapping=mapping)
        if isinstance(mapped, MappingError):
            return {}
        return {name: value for name, value in mapped.for_create().items() if name in mapped.secrets}

    def _without_given(self, work: Work, wish: Wish) -> Wish:
        """Without what a hook computes as it did before."""
        hooked = {HOOK + name: value for name, value in _of_hooks(work, wish).items()}
        known = work.account.secret_marks or {}
        if wish.kind is not OperationType.UPDATE or not hooked.keys() & known.keys():
            return wish
        place = {"tenant_id": work.op.tenant_id, "account_id": work.op.account_id}
        new = changed(hooked, known=known, vault=self._vault, **place)
        given = {name.removeprefix(HOOK) for name in hooked.keys() - new.keys()}
        return replace(wish, attributes={name: value for name, value in wish.attributes.items() if name not in given})


def _is_planned(work: Work) -> bool:
    """Whether a mapping asked for it: what a person sends once says nothing about what is wanted."""
    return work.op.origin.is_coalesced


def _of_hooks(work: Work, wish: Wish) -> dict[str, Any]:
    """The secrets that hooks set, with a value."""
    return {
        name: value
        for name, value in (wish.hooked or {}).items()
        if value is not None and name in wish.attributes and work.is_secret(name)
    }
