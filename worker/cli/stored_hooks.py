"""``provisiond hooks`` on the database: a file becomes a version of a hook, a version becomes the active one."""

import argparse
from pathlib import Path
from typing import Any
from uuid import UUID

from worker.actions import hook_trials, hook_versions
from worker.actions import hooks as acts
from worker.cli import scripts, verdicts
from worker.cli.context import Desk, acting
from worker.cli.output import say, say_json, show
from worker.cli.verdicts import FINE, WRONG
from worker.domain.errors import HookError, InvalidRequest, NotFound
from worker.domain.hook import HookScript
from worker.domain.hook_trials import answer_of, differences
from worker.hooks import dry_seed
from worker.sandbox import FUNCTIONS
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
        version = options.version
        if options.file is not None:
            path = Path(options.file)
            hook_id = await _made(desk, options.hook, kind="library" if scripts.is_library(path) else "hook")
            failed = [] if options.force else await _failing(desk, hook_id, path)
            if failed:
                for line in failed:
                    say(line)
                return WRONG
            version = await _stored(desk, hook_id, path, note=options.note or "")
        else:
            hook_id = (await _hook(desk, options.hook))["id"]
        done = await hook_versions.activate(
            desk.house, desk.principal, hook_id=hook_id, version=version, force=options.force
        )
        if options.json:
            say_json(
                {"hook": options.hook, "version": done.version, "previous": done.previous, "tests": len(done.tests)}
            )
        else:
            before = f", was version {done.previous}" if done.previous not in {None, done.version} else ""
            say(f"{options.hook}: version {done.version} is active{before}; {len(done.tests)} saved tests were run.")
        return 0

    return acting(options, act, runs_scripts=True)


def replay(options: argparse.Namespace) -> int:
    """Give the last recorded calls of a stored hook to a file; exit 1 when it decides one of them otherwise."""

    async def act(desk: Desk) -> int:
        source = scripts.source_of(Path(options.file))
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
    """The hook of this name; it is made where there is none."""
    try:
        found: UUID = (await _hook(desk, name))["id"]
    except NotFound:
        return await acts.create(desk.house, desk.principal, name=name, kind=kind)
    return found


async def _stored(desk: Desk, hook_id: UUID, path: Path, *, note: str) -> int:
    """The version that this file is, stored now unless it is the newest one already."""
    source = scripts.source_of(path)
    newest = (await _versions(desk, hook_id))[:1]
    if newest and newest[0]["source"] == source:
        version: int = newest[0]["version"]
        return version
    number, _ = await hook_versions.add(desk.house, desk.principal, hook_id=hook_id, source=source, note=note)
    return number


async def _failing(desk: Desk, hook_id: UUID, path: Path) -> list[str]:
    """What the cases beside a file say against it, with the libraries that are active now."""
    cases = scripts.cases_of(path)
    if not cases:
        return []
    draft = hook_trials.Script(hook_id=hook_id, source=scripts.source_of(path))
    script: HookScript = await hook_trials.chosen(desk.house, desk.principal, draft)
    lines = []
    for case in cases:
        function = case.function or FUNCTIONS[0]
        seeds = [dry_seed(case.name or function)]
        [answer] = await desk.house.box.execute_batch(script, function, [case.context], seeds=seeds)
        found = differences(case.expected or {}, answer_of(answer))
        if found:
            why = answer.detail if isinstance(answer, HookError) else "; ".join(found)
            lines.append(f"{path}: {verdicts.UNEXPECTED}: {case.name}: {why}")
    return lines


def _told(row: Record, *, active: int | None) -> dict[str, Any]:
    return {
        "version": row["version"],
        "active": row["version"] == active,
        "sha": row["sha"],
        "note": row["note"],
        "created_at": row["created_at"],
        "created_by": row["created_by_name"],
    }
