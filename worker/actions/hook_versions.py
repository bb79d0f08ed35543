"""What people do with the versions of a hook: store a draft, make one the active one, go back to an earlier one."""

from dataclasses import dataclass
from uuid import UUID

from worker.actions import hook_trials
from worker.actions.hook_scripts import Checked, check, refuse_invalid, script_of, the_hook, the_version
from worker.actions.hook_trials import Tried
from worker.actions.house import Act, House, acting, refuse_outdated, refuse_unstorable
from worker.domain.errors import Forbidden, InvalidRequest, SavedTestsFailed, WrongState
from worker.domain.hook import HookScript
from worker.domain.script_changes import unified
from worker.security import Principal, Role, require
from worker.store import hook_tests, hooks
from worker.store.hook_tests import SavedTest
from worker.store.sql import Record
from worker.store.tenant import tenant

MAX_NOTE = 1000
#: How much of a difference the audit keeps.
MAX_AUDITED = 4000


@dataclass(frozen=True, slots=True)
class Activated:
    """A version that is active now, the one before it, and what its saved tests said."""

    version: int
    previous: int | None
    tests: tuple[Tried, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A version about to be activated, read in one transaction."""

    hook: Record
    row: Record
    script: HookScript
    tests: list[SavedTest]


async def add(
    house: House, principal: Principal, *, hook_id: UUID, source: str, note: str = "", seen: int | None = None
) -> tuple[int, Checked]:
    """Store a source as the next version, not active yet, with the libraries as they are active now; its number.

    Raises NotFound, Outdated, InvalidRequest for libraries that are missing, InvalidScript for what cannot run.
    """
    require(principal.roles, Role.ADMIN)
    if len(note) > MAX_NOTE:
        raise InvalidRequest(f"A note has at most {MAX_NOTE} characters.")
    refuse_unstorable("note", note)
    refuse_unstorable("source", source)
    async with tenant(house.pool, principal.tenant_id) as conn:
        row = await the_hook(conn, principal.tenant_id, hook_id)
    refuse_outdated(row["version"], seen=seen)
    checked = await check_of(house, principal, row, source)
    refuse_invalid(checked)
    async with acting(house, principal, Role.ADMIN) as act:
        row = await the_hook(act.conn, act.tenant_id, hook_id, lock=True)
        refuse_outdated(row["version"], seen=seen)
        number = await hooks.add_version(
            act.conn,
            tenant_id=act.tenant_id,
            hook_id=hook_id,
            source=source,
            created_by=act.by,
            note=note.strip(),
            functions=checked.validation.functions,
            loads=checked.validation.loads,
            libraries=checked.pinned,
        )
        act.note("hook.version", "hook", hook_id, name=row["name"], version=number, note=note.strip())
    return number, checked


async def check_of(house: House, principal: Principal, hook: Record, source: str) -> Checked:
    """``check`` of a source for this hook or library."""
    return await check(house, principal.tenant_id, source, library=hook["name"] if hook["kind"] == "library" else None)


async def activate(
    house: House,
    principal: Principal,
    *,
    hook_id: UUID,
    version: int,
    force: bool = False,
    seen: int | None = None,
) -> Activated:
    """Run the saved tests of a hook against a version, and make it the active one; also back to an earlier one.

    Raises NotFound, Outdated, SavedTestsFailed unless ``force``, WrongState when the tests changed meanwhile, and
    Forbidden for the author of a new version where two persons are wanted.
    """
    require(principal.roles, Role.ADMIN)
    found = await _candidate(house, principal, hook_id, version)
    refuse_outdated(found.hook["version"], seen=seen)
    if house.two_person_approval and found.row["created_by"] == principal.id and not found.row["was_active"]:
        raise Forbidden("Who wrote this version cannot activate it; another person has to.")
    tried = await hook_trials.run_saved(house, found.script, found.tests)
    failed = [each for each in tried if each.mismatches]
    if failed and not force:
        raise _refused(failed, version)
    async with acting(house, principal, Role.ADMIN) as act:
        return await _switch(act, found, tuple(tried), forced=bool(failed))


async def difference(house: House, principal: Principal, *, hook_id: UUID, before: int, after: int) -> str:
    """A unified diff of the sources of two versions. Raises NotFound."""
    async with tenant(house.pool, principal.tenant_id) as conn:
        await the_hook(conn, principal.tenant_id, hook_id)
        old, new = [await the_version(conn, principal.tenant_id, hook_id, each) for each in (before, after)]
    return _difference(old, new)


async def _candidate(house: House, principal: Principal, hook_id: UUID, version: int) -> _Candidate:
    async with tenant(house.pool, principal.tenant_id) as conn:
        hook = await the_hook(conn, principal.tenant_id, hook_id)
        row = await the_version(conn, principal.tenant_id, hook_id, version)
        script = await script_of(conn, principal.tenant_id, hook, version)
        tests = await hook_tests.everyone(conn, tenant_id=principal.tenant_id, hook_id=hook_id)
    return _Candidate(hook, row, script, tests)


async def _switch(act: Act, found: _Candidate, tried: tuple[Tried, ...], *, forced: bool) -> Activated:
    hook_id, version = found.hook["id"], found.script.version
    hook = await the_hook(act.conn, act.tenant_id, hook_id, lock=True)
    if await hook_tests.everyone(act.conn, tenant_id=act.tenant_id, hook_id=hook_id) != found.tests:
        raise WrongState("Somebody else changed the saved tests meanwhile; activate again.")
    previous = hook["active_version"]
    old = await the_version(act.conn, act.tenant_id, hook_id, previous) if previous is not None else None
    await hooks.activate(act.conn, tenant_id=act.tenant_id, hook_id=hook_id, version=version, activated_by=act.by)
    act.note(
        "hook.activate",
        "hook",
        hook_id,
        name=hook["name"],
        version=version,
        previous=previous,
        sha=found.script.sha,
        tests=len(tried),
        forced=forced,
        diff=_difference(old, found.row)[:MAX_AUDITED] if old is not None else None,
    )
    return Activated(version, previous, tried)


def _refused(failed: list[Tried], version: int) -> SavedTestsFailed:
    names = ", ".join(each.test.name for each in failed[:5])
    return SavedTestsFailed(
        f"{len(failed)} of the saved tests fail with version {version}: {names}. Mend it or them, or force.",
        members={"tests": [each.as_json() for each in failed]},
    )


def _difference(old: Record, new: Record) -> str:
    names = (f"version {old['version']}", f"version {new['version']}")
    return unified(old["source"], new["source"], names=names)
