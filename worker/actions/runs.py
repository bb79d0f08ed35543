"""What people do with runs: start, pause, resume, cancel."""

from uuid import UUID

from worker.actions.deltas import why_no_delta
from worker.actions.house import Act, House, acting, refuse_unstorable
from worker.connectors import abilities
from worker.domain.connector import Connector
from worker.domain.errors import InvalidRequest, NotFound, WrongState
from worker.domain.run import Only, Run, RunKind, RunMode, RunTrigger
from worker.recon import LONGEST_UID, can_be_kept
from worker.security import Principal, Role
from worker.store import connectors, identities, runs

#: How many accounts and people one run can be asked to look at.
MOST_ONLY = 100


async def start(
    house: House,
    principal: Principal,
    *,
    connector_id: UUID,
    mode: RunMode | None = None,
    dry_run: bool = False,
    only: Only | None = None,
) -> Run:
    """Start a run of a connector: a reconciliation of a target, an import of a source; full unless ``mode`` is given.

    With ``only`` it looks at those accounts, and at the accounts of those people, and at nothing else. Raises NotFound,
    InvalidRequest, or WrongState while a run of the connector lives, or while the connector is to be left alone.
    """
    _refuse_odd(mode, only)
    async with acting(house, principal, Role.OPERATOR) as act:
        connector = await connectors.get(act.conn, tenant_id=act.tenant_id, connector_id=connector_id)
        if connector is None:
            raise NotFound(f"There is no connector {connector_id}.")
        if connector.closed_because:
            raise WrongState(connector.closed_because)
        if only is not None:
            await _refuse_unreadable(act, connector, only)
        if mode is RunMode.DELTA and not connector.is_target:
            raise InvalidRequest(f"{why_no_delta(connector)}.")
        wanted = RunMode.DELTA if only else mode or RunMode.FULL
        run = await runs.create(
            act.conn,
            tenant_id=act.tenant_id,
            connector_id=connector_id,
            kind=RunKind.RECONCILIATION if connector.is_target else RunKind.IMPORT,
            mode=wanted,
            dry_run=dry_run,
            trigger=RunTrigger.MANUAL,
            created_by=act.by,
            statistics=only.kept() if only else None,
        )
        told = only.kept() if only else {}
        act.note("run.start", "run", run.id, connector=connector.name, mode=wanted.value, dry_run=dry_run, **told)
    return run


async def pause(house: House, principal: Principal, *, run_id: UUID) -> Run:
    """Put a run down at its next page."""
    async with acting(house, principal, Role.OPERATOR) as act:
        run = await runs.request_pause(act.conn, tenant_id=act.tenant_id, run_id=run_id)
        act.note("run.pause", "run", run_id)
    return run


async def resume(house: House, principal: Principal, *, run_id: UUID) -> Run:
    """Let a paused run go on where it stopped."""
    async with acting(house, principal, Role.OPERATOR) as act:
        run = await runs.resume(act.conn, tenant_id=act.tenant_id, run_id=run_id)
        act.note("run.resume", "run", run_id)
    return run


async def cancel(house: House, principal: Principal, *, run_id: UUID) -> Run:
    """End a run at its next page, or at once when nobody works on it."""
    async with acting(house, principal, Role.OPERATOR) as act:
        run = await runs.request_cancel(act.conn, tenant_id=act.tenant_id, run_id=run_id)
        act.note("run.cancel", "run", run_id)
    return run


def _refuse_odd(mode: RunMode | None, only: Only | None) -> None:
    """Raise InvalidRequest, in words, for accounts that no run can be about."""
    if only is None:
        return
    if mode is not None:
        raise InvalidRequest("A run over single accounts has no mode: it reads them one by one. Leave the mode out.")
    if not only.uids and not only.identity_ids:
        raise InvalidRequest("Name at least one account (uid) or person to look at.")
    if len(only.uids) + len(only.identity_ids) > MOST_ONLY:
        raise InvalidRequest(f"Name at most {MOST_ONLY} accounts and people; start a full run for more.")
    for uid in only.uids:
        refuse_unstorable("uid", uid)
        if not uid.strip():
            raise InvalidRequest("A uid is empty.")
        if not can_be_kept(uid):
            raise InvalidRequest(f"A uid is too long: it has more than {LONGEST_UID} bytes.")


async def _refuse_unreadable(act: Act, connector: Connector, only: Only) -> None:
    """Raise where single accounts cannot be read: InvalidRequest, SettingsError; NotFound for unknown people."""
    if not connector.is_target:
        raise InvalidRequest(f"{connector.name} is a source, which is read as a whole: it has no single accounts.")
    if "get" not in abilities(connector):
        raise InvalidRequest(f"{connector.name} cannot read a single account; start a full run instead.")
    known = await identities.get(act.conn, tenant_id=act.tenant_id, ids=list(only.identity_ids))
    for identity_id in only.identity_ids:
        if identity_id not in known:
            raise NotFound(f"There is no identity {identity_id}.")
