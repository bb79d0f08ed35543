"""``provisiond hooks`` on the database: a file becomes a version of a hook, a version becomes the active one."""

import argparse
from pathlib import Path
from typing import Any
from uuid import UUID

from worker.actions import hook_trials, hook_versions
from worker.actions import hooks as acts
from worker.actions.hook_versions import Activated
from worker.cli import scripts, trying, verdicts
from worker.cli.context import Desk, acting
from worker.cli.output import say, say_json, show
from worker.cli.verdicts import FINE, WRONG
from worker.domain.errors import HookError, InvalidRequest, NotFound
from worker.domain.hook import HookScript
from worker.domain.hook_trials import answer_of
from worker.store import hooks
from worker.store.sql import Record
from worker.store.tenant import tenant

COLUMNS = {
    "version": "version",
    "active": "active",
    "sha": "sha",
    "created_at": "stored",
    "created_by": "by",
    "note": "note",
}
MOST = 100


def list_versions(options: argparse.Namespace) -> int:
    """The versions of a stored hook, the newest first, and which of them each file is."""

    async def act(desk: Desk) -> int:
        hook = await _hook(desk, options.hook)
        rows = [_told(row, active=hook["active_version"]) for row in await _versions(desk, hook["id"])]
        if options.json:
            say_json(rows)
            return 0
        show(rows, COLUMNS, as_json=False, empty=f"{options.hook} has no version yet.")
        return 0

    return acting(options, act)


def activate(options: argparse.Namespace) -> int:
    """Make a file, or a version that is stored, what runs from now on; exit 1 when its own cases fail."""
    if (options.file is None) == (options.version is None):
        raise InvalidRequest("Say what is to run: a FILE, or --version of one that is stored.")

    async def act(desk: Desk) -> int:
        if options.file is None:
            hook_id, version = (await _hook(desk, options.hook))["id"], options.version
        else:
            path = Path(options.file)
            try:
                script = await _draft(desk, path)
            except HookError as error:
                return trying.tell(verdicts.of_failure(options.file, error), as_json=options.json)
            cases = [] if options.force else scripts.cases_of(path)
            found = await trying.tried(desk.house.box, script, cases, file=options.file) if cases else None
            if found is not None and not found.ok:
                return trying.tell(found, as_json=options.json)
            hook_id = await _made(desk, options.hook, kind="library" if scripts.is_library(path) else "hook")
            version = await _stored(desk, hook_id, script, note=options.note or "")
        done = await hook_versions.activate(
            desk.house, desk.principal, hook_id=hook_id, version=version, force=options.force
        )
        _tell_activated(options, done)
        return FINE

    return acting(options, act, runs_scripts=True)


def _tell_activated(options: argparse.Namespace, done: Activated) -> None:
    if options.json:
        say_json({"hook": options.hook, "version": done.version, "previous": done.previous, "tests": len(done.tests)})
        return
    before = f", was version {done.previous}" if done.previous not in {None, done.version} else ""
    say(f"{options.hook}: version {done.version} is active{before}; {len(done.tests)} saved tests were run.")


def replay(options: argparse.Namespace) -> int:
    """Give the last recorded calls of a stored hook to a file; exit 1 when it decides one of them otherwise."""

    async def act(desk: Desk) -> int:
        try:
            source = scripts.source_of(Path(options.file))
        except HookError as error:
            return trying.tell(verdicts.of_failure(options.file, error), as_json=options.json)
        draft = hook_trials.Script(hook_id=(await _hook(desk, options.hook))["id"], source=source)
        found = await hook_trials.replay(desk.house, desk.principal, draft, last=options.last)
        changed = [
            {
                "call": str(each.call.id),
                "function": each.call.function,
                "before": answer_of(each.before),
                "after": answer_of(each.after),
            }
            for each in found
            if each.is_changed
        ]
        if options.json:
            say_json({"calls": len(found), "changed": changed})
        else:
            for line in verdicts.replay_lines(options.file, calls=len(found), changed=changed):
                say(line)
        return WRONG if changed else FINE

    return acting(options, act, runs_scripts=True)


async def _hook(desk: Desk, name: str) -> Record:
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        found = await hooks.by_name(conn, tenant_id=desk.tenant_id, name=name)
    if found is None:
        raise NotFound(f"There is no hook {name}.")
    return found


async def _versions(desk: Desk, hook_id: UUID) -> list[Record]:
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        return await hooks.versions(conn, tenant_id=desk.tenant_id, hook_id=hook_id, limit=MOST)


async def _made(desk: Desk, name: str, *, kind: str) -> UUID:
    """The hook of this name; it is made where there is none. Raises InvalidRequest where it is of the other kind."""
    try:
        found = await _hook(desk, name)
    except NotFound:
        return await acts.create(desk.house, desk.principal, name=name, kind=kind)
    if found["kind"] != kind:
        meant = "in a folder lib, and so a library" if kind == "library" else "in no folder lib, and so no library"
        raise InvalidRequest(f"{name} is a {found['kind']}, but the file is {meant}. Give --hook another name.")
    hook_id: UUID = found["id"]
    return hook_id


async def _draft(desk: Desk, path: Path) -> HookScript:
    """The script of a file with the libraries that are active now. Raises HookError for what cannot be one."""
    draft = hook_trials.Script(source=scripts.source_of(path))
    script: HookScript = await hook_trials.chosen(desk.house, desk.principal, draft)
    return script


async def _stored(desk: Desk, hook_id: UUID, script: HookScript, *, note: str) -> int:
    """The version that this script is, stored now unless the newest one is the same, with the same libraries."""
    newest = (await _versions(desk, hook_id))[:1]
    if newest and newest[0]["sha"] == script.sha:
        version: int = newest[0]["version"]
        return version
    number, _ = await hook_versions.add(desk.house, desk.principal, hook_id=hook_id, source=script.source, note=note)
    return number


def _told(row: Record, *, active: int | None) -> dict[str, Any]:
    return {
        "version": row["version"],
        "active": row["version"] == active,
        "sha": row["sha"],
        "note": row["note"],
        "created_at": row["created_at"],
        "created_by": row["created_by_name"],
    }
