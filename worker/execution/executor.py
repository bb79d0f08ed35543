"""Runs ONE operation: the life of a try in one place.

    before-hooks  ->  whose account is it  ->  the target, through the guard  ->  after-hooks  ->  an Outcome

Every failure becomes an outcome at one place (``classify``). The target is the truth: a create that meets its object,
a delete that meets nothing and an update to what is there already are done; a lost answer is read back at once.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, assert_never
from uuid import UUID

import structlog

from worker.connectors import Target, Targets
from worker.domain.account import TargetAccount
from worker.domain.errors import (
    AlreadyExists,
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    ProtectedAccount,
    SettingsError,
    TransientError,
    UnknownUid,
    Unsupported,
)
from worker.domain.operation import Operation, OperationType
from worker.domain.outcome import DeadLettered, Outcome, Released, Retry, Succeeded
from worker.domain.processing import Finished
from worker.domain.redaction import shown
from worker.execution.classify import Ended, outcome_of
from worker.execution.conflicts import Conflicts, reads_first
from worker.execution.following import with_follow_ups
from worker.execution.matching import Found, Matching
from worker.execution.naming import NameTaken, taken_by
from worker.execution.result import Done, finished_of, is_so, succeeded
from worker.execution.scripting import Scripting
from worker.execution.secrets import Secrets
from worker.execution.wish import Wish
from worker.execution.work import Foreseen, Prepared, Work, WorkLoader
from worker.mapping import account_hash
from worker.planning import FollowUps
from worker.store.pool import DatabaseTrouble

log = structlog.get_logger()

#: What was read for an operation holds for this long; people and other daemons go on deciding meanwhile.
PREPARED_S = 5.0


class Executor:
    """The operation processor: ``prepare`` reads for a batch, ``process`` runs one and raises only when cancelled."""

    def __init__(
        self,
        targets: Targets,
        loader: WorkLoader,
        scripting: Scripting,
        matching: Matching,
        *,
        secrets: Secrets,
        attempt_s: float,
    ) -> None:
        self._targets = targets
        self._loader = loader
        self._scripting = scripting
        self._matching = matching
        self._conflicts = Conflicts(loader.pool)
        self._follow_ups = FollowUps(loader.pool, targets)
        self._secrets = secrets
        self._attempt_s = attempt_s
        self._prepared: dict[UUID, Prepared] = {}

    async def prepare(self, tenant_id: UUID, operations: Sequence[Operation]) -> None:
        """Read a claimed batch's accounts and identities, and ask for all what each try would ask alone."""
        prepared = await self._loader.load(tenant_id, operations)
        try:
            works = [await self._loader.work_of(op, prepared[op.id]) for op in operations if op.id in prepared]
            foreseen = await self._foresee(works)
        except DatabaseTrouble:
            raise
        except Exception:  # noqa: BLE001 - one of them may be at fault: each try meets it alone, and says so
            foreseen = {}
        kept = {key: each for key, each in self._prepared.items() if _is_fresh(each)}  # some are given back unstarted
        self._prepared = kept | {key: replace(each, foreseen=foreseen.get(key)) for key, each in prepared.items()}

    async def _prepared_for(self, operation: Operation) -> Prepared | None:
        """What was read for an operation, read again when it has waited for its slot for long."""
        prepared = self._prepared.pop(operation.id, None)
        if prepared is None or not _is_fresh(prepared):
            await self.prepare(operation.tenant_id, [operation])
            prepared = self._prepared.pop(operation.id, None)
        return prepared

    async def _foresee(self, works: Sequence[Work]) -> dict[UUID, Foreseen]:
        """The answers of hooks and correlation, as far as they can be had before a try begins."""
        asked = [work.wish() for work in works]
        wishes = await self._scripting.before_all(works, asked)
        pairs = list(zip(works, wishes, strict=False))
        creates = [
            (work, wish)
            for work, wish in pairs
            if isinstance(wish, Wish) and wish.kind is OperationType.CREATE and work.account.uid is None
        ]
        alone = await self._matching.alone(creates)
        return {
            work.op.id: Foreseen(work.hooks, wish, made, work.op.id in alone)
            for work, wish, made in zip(works, asked, wishes, strict=False)
        }

    async def process(self, operation: Operation) -> Finished:
        """Run one claimed operation."""
        started = time.monotonic()
        try:
            prepared = await self._prepared_for(operation)
            work = await self._loader.work_of(operation, prepared) if prepared is not None else None
        except DatabaseTrouble:
            work = None
        except Exception as error:  # noqa: BLE001 - opening the target is part of the try
            return await self._unopened(operation, error, _since(started))
        if work is None:  # it cannot be read: it goes back and is claimed anew
            return Finished(operation, Released(), 0)
        try:
            async with asyncio.timeout(self._attempt_s):
                outcome, wish = await self.execute(work)
        except TimeoutError:  # below the lease, so nobody else has it yet; what was sent is read back by the next try
            outcome, wish = Retry("attempt_timeout", "The try did not end within its deadline."), None
        return finished_of(work, wish, outcome, _since(started))

    async def _unopened(self, operation: Operation, error: Exception, took: int) -> Finished:
        """A target that cannot even be opened is as sick as one that fails."""
        if isinstance(error, ConnectorError):
            try:
                target = await self._targets.get(operation.tenant_id, operation.connector_id)
                await self._report(target, error)
            except (*DatabaseTrouble, NotFound, SettingsError):  # who looks next finds out
                pass
        return Finished(operation, _outcome(error, operation, connector=str(operation.connector_id)), took)

    async def execute(self, work: Work) -> tuple[Outcome, Wish]:
        """The steps of a try, in order; the outcome, and what was wished for in the end."""
        wish = work.wish()
        try:
            await self._conflicts.stale(work.op, work)
            wish = await self._scripting.before(work, wish)
            wish = await self._secrets.added(work, wish)
            done = await self._call_connector(work, wish)
            await self._secrets.note(work, done.wish or wish, done.sent)
            wish = await self._scripting.after(work, done.wish or wish, done.uid)
            wish = await with_follow_ups(wish, work, follow_ups=self._follow_ups, scripting=self._scripting)
        except Exception as error:  # noqa: BLE001 - the one place where a failure becomes an outcome
            if isinstance(error, ConnectorError):
                await self._report(work.target, error)
            outcome = _outcome(error, work.op, connector=work.target.connector.name)
            return await self._scripting.failed(work, wish, outcome), wish
        await self._report(work.target, None)
        return succeeded(work, wish, done), wish

    async def _report(self, target: Target, error: ConnectorError | None) -> None:
        """Tell the breaker. The try has ended by now, and a database that is away may not change how."""
        try:
            await self._targets.report(target, error)
        except DatabaseTrouble as trouble:
            log.warning("target.not_reported", connector=target.connector.name, error=type(trouble).__name__)

    async def _call_connector(self, work: Work, wish: Wish) -> Done:
        match wish.kind:
            case OperationType.CREATE:
                return await self._create(work, wish)
            case OperationType.UPDATE:
                return await self._update(work, wish, work.uid)
            case OperationType.DELETE:
                return await self._delete(work)
            case _:
                assert_never(wish.kind)

    async def _create(self, work: Work, wish: Wish) -> Done:
        """Correlation first: an account that is already there becomes ours and is updated, never made twice.

        Where the target has the name for somebody else the hooks may have another one.
        """
        found = await self._known_account(work) or await self._matching.among_records(work, wish)
        asked = wish
        while found is None:
            try:
                done = await self._make(work, wish)
                return done if wish is asked else replace(done, wish=wish)
            except NameTaken as taken:
                wish = replace(await self._scripting.renamed(work, wish, taken), secrets=wish.secrets)
                if wish.naming.is_settled:
                    found = await self._matching.at_target(work, wish)
                    if found is None:
                        raise AlreadyExists from taken
        done = await self._adopt(work, wish, found.account, found.match)
        return done if wish is asked else replace(done, wish=wish)

    async def _make(self, work: Work, wish: Wish) -> Done:
        found = None
        if work.op.attempt_number > 1 or work.naming in wish.naming.offered:  # an earlier try may have made it
            found = await self._matching.at_target(work, wish)
        if found is None:
            if wish.naming.offered:
                await self._matching.refuse_taken(work, wish)
            try:
                with self._matching.making(work, wish), _noted(work, wish.to_send(), wish.active):
                    uid = await work.target.guard.create(work.op.object_class, wish.to_send(), active=wish.active)
                return Done(uid, wish.attributes, wish.active, sent=_sent(work, wish.to_send(), wish.active))
            except AlreadyExists as error:
                found = await self._matching.at_target(work, wish)
                if found is None:
                    raise (taken_by(wish, naming=work.naming) or error) from None
            except OutcomeUnknown:
                found = await self._matching.at_target(work, wish)
                if found is None:
                    raise
                adopted = await self._adopt(work, wish, found.account, found.match)
                if adopted.already_so:  # it is what we sent
                    return replace(adopted, already_so=False, sent=_sent(work, wish.to_send(), wish.active))
                return adopted
        return await self._adopt(work, wish, found.account, found.match)

    async def _known_account(self, work: Work) -> Found | None:
        """The object that our record names already: a create that was planned for somebody who returns."""
        if work.account.uid is None:
            return None
        live = await work.target.guard.get(work.op.object_class, work.account.uid)
        return Found(live, None) if live is not None else None

    async def _adopt(self, work: Work, wish: Wish, found: TargetAccount, match: dict[str, Any] | None) -> Done:
        """Bring an account that exists to what is wanted; the name it is known by stays as it is."""
        wanted = dict(wish.attributes)
        if match is not None and work.naming in found.attributes:
            wanted[work.naming] = found.attributes[work.naming]
        if match is not None:
            wanted |= work.unheard(found)
        managed = work.comparator.differences(wanted, actual=found.attributes)
        differing = {n: v for n, v in wanted.items() if n in managed or _is_asked_for(work, n, v, found)}
        active = wish.active if wish.active is not None and wish.active != found.active else None
        differing |= self._secrets.of_adopted(work, wish)
        if not differing and active is None:
            return Done(found.uid, {**found.attributes, **wanted}, found.active, already_so=True, match=match)
        try:
            done = await self._change(work, found.uid, differing, active)
        except UnknownUid:
            raise TransientError("The account was removed while it was looked at.") from None
        now_active = found.active if active is None else done.active
        return replace(done, attributes={**found.attributes, **wanted}, active=now_active, match=match)

    async def _update(self, work: Work, wish: Wish, uid: str | None) -> Done:
        if uid is None:  # nothing is there that we know of: what was an update has to make it
            return await self._create_instead(work, wish)
        if work.op.expected_hash is not None:
            found = await self._as_found(work, uid)
            if found is None:
                return await self._create_instead(work, wish)
            return await self._adopt(work, wish, found, None)
        if not wish.to_send() and wish.active is None:
            return Done(uid, work.account.observed, work.account.observed_active, already_so=True)
        seen = None
        try:
            if reads_first(work, wish):
                seen = await self._seen(work, uid)
                wish = await self._conflicts.external(work, wish, seen)
            done = await self._change(work, uid, wish.to_send(), wish.active, seen=seen)
        except UnknownUid:
            await self._conflicts.missing(work, tuple(sorted(wish.attributes)))
            return await self._create_instead(work, wish)
        known = seen.attributes if seen is not None else work.account.observed or {}
        is_active = seen.active if seen is not None and done.active is None else done.active
        return replace(done, attributes={**known, **wish.attributes}, active=is_active)

    async def _seen(self, work: Work, uid: str) -> TargetAccount:
        found = await work.target.guard.get(work.op.object_class, uid)
        if found is None:
            raise UnknownUid
        return found

    async def _change(
        self,
        work: Work,
        uid: str,
        attributes: dict[str, Any],
        active: bool | None,
        *,
        seen: TargetAccount | None = None,
    ) -> Done:
        try:
            with _noted(work, attributes, active):
                uid = await work.target.guard.update(work.op.object_class, uid, attributes, active=active, seen=seen)
        except OutcomeUnknown:
            found = await work.target.guard.get(work.op.object_class, uid)
            if found is None or not is_so(work, found, attributes, active):
                raise
            return Done(found.uid, attributes, found.active, sent=_sent(work, attributes, active))
        return Done(uid, attributes, active, sent=_sent(work, attributes, active))

    async def _create_instead(self, work: Work, wish: Wish) -> Done:
        """The account of an update is gone, or never was: it is made anew, unless it should be inactive anyway."""
        active = wish.active if wish.active is not None else work.account.wanted_active
        if active is False:
            return Done(None, already_so=True, is_gone=True)
        full = {**work.account.expected, **wish.attributes}
        again = replace(
            wish,
            kind=OperationType.CREATE,
            attributes={name: value for name, value in full.items() if value is not None},
            active=active,
        )
        made = await self._secrets.added(work, await self._scripting.before(work, again))
        done = await self._create(work, made)
        return done if done.wish is not None else replace(done, wish=made)

    async def _delete(self, work: Work) -> Done:
        if work.uid is None:
            return Done(None, already_so=True, is_gone=True)
        if work.op.expected_hash is not None and await self._as_found(work, work.uid) is None:
            return Done(None, already_so=True, is_gone=True)
        try:
            was_there = await work.target.guard.delete(work.op.object_class, work.uid)
        except OutcomeUnknown:
            if await work.target.guard.get(work.op.object_class, work.uid) is not None:
                raise
            was_there = True
        if not was_there:
            await self._conflicts.missing(work)
        return Done(None, already_so=not was_there, is_gone=True, sent=_sent(work, {}, None) if was_there else None)

    async def _as_found(self, work: Work, uid: str) -> TargetAccount | None:
        """Read the object of a repair again; ends the try when it is not as it was when the repair was decided."""
        found = await work.target.guard.get(work.op.object_class, uid)
        if found is None:
            return None
        if account_hash(work.comparator, found.attributes, active=found.active) != work.op.expected_hash:
            raise Ended(
                Succeeded(
                    uid, skipped="The account has changed since this repair was decided; the next run looks again."
                )
            )
        return found


def _is_asked_for(work: Work, name: str, value: Any, found: TargetAccount) -> bool:
    """Whether the operation itself names an attribute that no mapping manages, and the account has another value.

    A planned create names some that are for new accounts only: they are left as they are found.
    """
    if name not in work.op.attributes or any(rule.name == name for rule in work.comparator.rules):
        return False
    is_for_new_ones = work.op.operation_type is OperationType.CREATE and work.op.origin.is_coalesced
    return not is_for_new_ones and found.attributes.get(name) != value


def _sent(work: Work, attributes: dict[str, Any], active: bool | None) -> dict[str, Any]:
    """What was sent, without its secrets."""
    return {"attributes": shown(attributes, secrets=work.secrets), "active": active}


@contextmanager
def _noted(work: Work, attributes: dict[str, Any], active: bool | None) -> Iterator[None]:
    """Let an error of the target say what was sent."""
    try:
        yield
    except (ProtectedAccount, Unsupported):  # nothing was
        raise
    except ConnectorError as error:
        error.fields["sent"] = _sent(work, attributes, active)
        raise


def _outcome(error: Exception, op: Operation, *, connector: str) -> Outcome:
    """What a failed try ends in; what is our own bug is logged with its place."""
    outcome = outcome_of(error, op)
    if isinstance(outcome, Retry) and outcome.error_code == "internal_error":
        log.error("operation.bug", operation_id=str(op.id), cause=f"{connector} {type(error).__name__}", exc_info=error)
    if isinstance(error, ConnectorError) and isinstance(outcome, Retry | DeadLettered):
        return replace(outcome, sent=error.fields.get("sent"))
    return outcome


def _is_fresh(prepared: Prepared) -> bool:
    return time.monotonic() - prepared.read_at < PREPARED_S


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
