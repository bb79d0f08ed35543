"""Scripts as stored and as they run: a version with the libraries it pins, and a new source checked in the sandbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from worker.actions.house import House
from worker.domain.errors import HookError, InvalidRequest, InvalidScript, NotFound
from worker.domain.hook import HookClass, HookScript, Library, Validation
from worker.hooks import library_order
from worker.sandbox import MAX_LIBRARIES
from worker.store import hooks
from worker.store.hooks import Pin
from worker.store.pool import Connection
from worker.store.sql import Record
from worker.store.tenant import tenant

Pinned = tuple[Pin, Library]


@dataclass(frozen=True, slots=True)
class Checked:
    """A source as the sandbox sees it, together with the libraries that are active now."""

    source: str
    validation: Validation
    pinned: tuple[Pinned, ...] = ()

    @property
    def libraries(self) -> tuple[Library, ...]:
        """What it loads, in the order in which it is built."""
        return tuple(library for _, library in self.pinned)


async def the_hook(conn: Connection, tenant_id: UUID, hook_id: UUID, *, lock: bool = False) -> Record:
    """A hook or library. Raises NotFound."""
    row = await hooks.get(conn, tenant_id=tenant_id, hook_id=hook_id, lock=lock)
    if row is None:
        raise NotFound(f"There is no hook {hook_id}.")
    return row


async def the_version(conn: Connection, tenant_id: UUID, hook_id: UUID, version: int) -> Record:
    """A stored version. Raises NotFound."""
    rows = await hooks.versions(conn, tenant_id=tenant_id, hook_id=hook_id, version=version)
    if not rows:
        raise NotFound(f"This hook has no version {version}.")
    return rows[0]


async def script_of(conn: Connection, tenant_id: UUID, hook: Record, version: int) -> HookScript:
    """A stored version as it runs. Raises NotFound."""
    row = await the_version(conn, tenant_id, hook["id"], version)
    libraries = await hooks.pinned(conn, tenant_id=tenant_id, hook_id=hook["id"], version=version)
    return HookScript(
        row["source"],
        name=hook["name"],
        version=version,
        id=hook["id"],
        api=row["api"],
        libraries=libraries,
        tenant_id=tenant_id,
    )


async def check(house: House, tenant_id: UUID, source: str, *, library: str | None = None) -> Checked:
    """Look at a source in the sandbox, with the active versions of the libraries it loads; nothing is stored.

    ``library``: the name that the source has as a library, so that one which loads itself in the end is found.
    Raises InvalidRequest for libraries that are missing, too many, or load each other.
    """
    is_library = library is not None
    first = await house.box.validate(source, is_library=is_library, tenant_id=tenant_id)
    if not first.loads:
        return Checked(source, first)
    async with tenant(house.pool, tenant_id) as conn:
        pinned = await _resolved(conn, tenant_id, first.loads, library)
    libraries = tuple(library for _, library in pinned)
    whole = await house.box.validate(source, libraries=libraries, is_library=is_library, tenant_id=tenant_id)
    return Checked(source, whole, pinned)


def refuse_invalid(checked: Checked) -> None:
    """Raise InvalidScript, with all that the sandbox said, for a source that cannot run.

    Raises HookError, to be tried again, when there was no sandbox for it.
    """
    found = checked.validation
    if found.ok:
        return
    first = next(each for each in found.diagnostics if each.severity == "error")
    if first.code == HookClass.BUSY:
        raise HookError(first.message, hook_class=first.code, retryable=True)
    diagnostics = [
        {
            "severity": each.severity,
            "line": each.line,
            "column": each.column,
            "code": each.code,
            "message": each.message,
        }
        for each in found.diagnostics
    ]
    raise InvalidScript(
        f"Line {first.line}, column {first.column}: {first.message}",
        members={"class": first.code, "line": first.line, "column": first.column, "diagnostics": diagnostics},
    )


async def _resolved(conn: Connection, tenant_id: UUID, loads: Sequence[str], library: str | None) -> tuple[Pinned, ...]:
    """What a script loads, itself or through others, as it is active now, in the order in which it is built."""
    known: dict[str, Record] = {}
    wanted = set(loads) - {library}
    while wanted and len(known) <= MAX_LIBRARIES:
        found = await hooks.libraries(conn, tenant_id=tenant_id, names=sorted(wanted))
        active = {row["name"]: row for row in found if row["source"] is not None}
        known |= active
        wanted = {each for row in active.values() for each in row["loads"]} - known.keys() - {library}
    if wanted:
        raise InvalidRequest(f"The script loads more than {MAX_LIBRARIES} libraries, itself or through others.")
    graph = {name: tuple(row["loads"]) for name, row in known.items()}
    try:
        ordered = library_order([library], graph | {library: loads}) if library else library_order(loads, graph)
    except HookError as error:
        raise InvalidRequest(f"The script cannot be built: {error.detail}.") from error
    return tuple(_pinned(known[name]) for name in ordered if name != library)


def _pinned(row: Record) -> Pinned:
    return Pin(row["name"], str(row["id"]), row["version"], row["sha"]), Library(row["name"], row["source"])
