"""What people do with hooks and libraries themselves: make, describe, delete, let a suspended one run again."""

import re
from uuid import UUID

from worker.actions.hook_scripts import script_of, the_hook
from worker.actions.house import Act, House, acting, refuse_outdated, refuse_unstorable
from worker.domain.errors import InvalidRequest, WrongState
from worker.security import Principal, Role
from worker.store import hooks

KINDS = ("hook", "library")

_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,100}")
_LIBRARY_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}")


async def create(house: House, principal: Principal, *, name: str, kind: str = "hook", description: str = "") -> UUID:
    """Make a hook, or a library that hooks load, without a script yet; its id.

    Raises InvalidRequest for a name that cannot be, WrongState for one that is taken.
    """
    named = _name(name, kind)
    refuse_unstorable("description", description)
    async with acting(house, principal, Role.ADMIN) as act:
        hook_id = await hooks.insert(
            act.conn, tenant_id=act.tenant_id, name=named, kind=kind, description=description.strip()
        )
        act.note("hook.create", "hook", hook_id, name=named, kind=kind)
    return hook_id


async def describe(
    house: House,
    principal: Principal,
    *,
    hook_id: UUID,
    name: str | None = None,
    description: str | None = None,
    seen: int | None = None,
) -> None:
    """Change name or description. Raises NotFound, Outdated, InvalidRequest, and WrongState for a name that is taken.

    A library that versions of hooks load keeps its name: they name it in their source.
    """
    async with acting(house, principal, Role.ADMIN) as act:
        row = await the_hook(act.conn, act.tenant_id, hook_id, lock=True)
        refuse_outdated(row["version"], seen=seen)
        named = row["name"] if name is None else _name(name, row["kind"])
        if named != row["name"]:
            await _refuse_loaded(act, hook_id, row["name"])
        refuse_unstorable("description", description)
        said = row["description"] if description is None else description.strip()
        if not await hooks.describe(act.conn, tenant_id=act.tenant_id, hook_id=hook_id, name=named, description=said):
            raise WrongState(f"There is a hook called {named} already; choose another name.")
        act.note("hook.describe", "hook", hook_id, name=named, was=row["name"])


async def delete(house: House, principal: Principal, *, hook_id: UUID, seen: int | None = None) -> None:
    """Delete a hook with its versions and tests. Raises NotFound, Outdated, WrongState when it is bound or loaded."""
    async with acting(house, principal, Role.ADMIN) as act:
        row = await the_hook(act.conn, act.tenant_id, hook_id, lock=True)
        refuse_outdated(row["version"], seen=seen)
        await _refuse_loaded(act, hook_id, row["name"])
        if not await hooks.delete(act.conn, tenant_id=act.tenant_id, hook_id=hook_id):
            raise WrongState(f"{row['name']} is bound to connectors; delete its bindings first.")
        act.note("hook.delete", "hook", hook_id, name=row["name"], active_version=row["active_version"])


async def resume(house: House, principal: Principal, *, hook_id: UUID) -> None:
    """Let a suspended hook run again, as it is. Raises NotFound, and WrongState when it is not suspended."""
    async with acting(house, principal, Role.OPERATOR) as act:
        row = await the_hook(act.conn, act.tenant_id, hook_id, lock=True)
        is_lifted = await hooks.resume(act.conn, tenant_id=act.tenant_id, hook_id=hook_id)
        if row["active_version"] is not None:
            script = await script_of(act.conn, act.tenant_id, row, row["active_version"])
            is_lifted = house.box.resume(script.conduct) or is_lifted
        if not is_lifted:
            raise WrongState(f"{row['name']} is not suspended.")
        act.note("hook.resume", "hook", hook_id, name=row["name"], reason=row["suspended_reason"])


def _name(name: str, kind: str) -> str:
    named = name.strip()
    refuse_unstorable("name", named)
    if kind not in KINDS:
        raise InvalidRequest(f"A hook is of the kind {' or '.join(KINDS)}.")
    if kind == "library" and not _LIBRARY_NAME.fullmatch(named):
        raise InvalidRequest(
            "Scripts load a library by its name: up to 100 letters, digits and . _ / -, with none of . / - in front."
        )
    if kind == "library" and {"", ".", ".."} & set(named.split("/")):
        raise InvalidRequest(
            "The name of a library is a path below lib, as in names/login: none of its parts is empty, . or .."
        )
    if not _NAME.fullmatch(named):
        raise InvalidRequest("A hook has a name of 1 to 100 characters on one line.")
    return named


async def _refuse_loaded(act: Act, hook_id: UUID, name: str) -> None:
    users = await hooks.users(act.conn, tenant_id=act.tenant_id, hook_id=hook_id)
    if users:
        raise WrongState(f"{name} is loaded by versions of {', '.join(users)}.")
