"""``provisiond hooks``: scripts as files, in the sandbox of the daemon and with its limits. No database is needed."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from worker.cli import scripts, trying, verdicts
from worker.cli.box import open_box
from worker.cli.configuration import environ_of
from worker.cli.output import say, say_json
from worker.cli.scripts import Case
from worker.cli.verdicts import FINE, WRONG, Verdict
from worker.domain.errors import HookError, InvalidRequest
from worker.domain.hook import HookScript, Library, Validation
from worker.domain.hook_trials import answer_of
from worker.hooks import HookExecutor, library_order, refused
from worker.sandbox import MAX_LIBRARIES
from worker.settings import Hooks, load

_T = TypeVar("_T")


def validate(options: argparse.Namespace) -> int:
    """Say everything that is wrong with each file; exit 1 when one cannot be used."""

    async def look(box: HookExecutor, path: Path) -> tuple[str, Validation]:
        try:
            script = await _script(box, path, options.lib)
        except HookError as error:
            return "", refused(error)
        library = scripts.is_library(path)
        return script.source, await box.validate(script.source, libraries=script.libraries, is_library=library)

    def tell(path: Path, found: tuple[str, Validation]) -> int:
        source, validation = found
        if options.json:
            verdicts.write_line(verdicts.report_of(str(path), validation))
        else:
            _say_all(verdicts.review_lines(str(path), source, validation))
        return FINE if validation.ok else WRONG

    return _each_file(options, look, tell)


def test(options: argparse.Namespace) -> int:
    """Run one function of each file, or the cases saved beside it; exit by the worst class."""
    call = scripts.call_of(Path(options.context) if options.context else None, function=options.function)
    is_chosen = options.function is not None or options.context is not None

    async def look(box: HookExecutor, path: Path) -> Verdict:
        cases = [] if is_chosen else scripts.cases_of(path)
        try:
            script = await _script(box, path, options.lib)
        except HookError as error:
            return verdicts.of_failure(str(path), error)
        return await trying.tried(box, script, cases or [call], file=str(path))

    return _each_file(options, look, lambda _, found: trying.tell(found, as_json=options.json))


def replay(options: argparse.Namespace) -> int:
    """Run recorded calls again and tell those that are decided otherwise now; exit 1 when there is one.

    The calls are those of a file, or with ``--hook`` those that a stored hook was last asked.
    """
    if (options.calls is None) == (options.hook is None):
        raise InvalidRequest("Say which calls: --calls with a file, or --hook with the name of one that is stored.")
    if options.hook is not None:
        from worker.cli import stored_hooks  # noqa: PLC0415 - files need nothing of the database

        return stored_hooks.replay(options)
    calls = scripts.calls_of(Path(options.calls))

    async def look(box: HookExecutor) -> list[dict[str, Any]]:
        then: Sequence[dict[str, Any] | None] = [call.expected for call in calls]
        if options.against:
            then = await _decisions(box, await _script(box, Path(options.against), options.lib), calls)
        now = await _decisions(box, await _script(box, Path(options.file), options.lib), calls)
        return [
            {"call": call.name, "function": call.function, "before": before, "after": after}
            for call, before, after in zip(calls, then, now, strict=True)
            if before != after
        ]

    try:
        changed = asyncio.run(_in_box(options, look))
    except HookError as error:  # one of the files is no script
        return trying.tell(verdicts.of_failure(options.file, error), as_json=options.json)
    if options.json:
        say_json({"calls": len(calls), "changed": changed})
    else:
        _say_all(verdicts.replay_lines(options.file, calls=len(calls), changed=changed))
    return WRONG if changed else FINE


def versions(options: argparse.Namespace) -> int:
    """What a version of each file is known by, wherever it is stored; exit 1 when one cannot be used.

    With ``--hook`` the versions of one that is stored.
    """
    if options.hook is not None:
        from worker.cli import stored_hooks  # noqa: PLC0415 - files need nothing of the database

        return stored_hooks.list_versions(options)
    if not options.file:
        raise InvalidRequest("Say which: FILES, or --hook with the name of one that is stored.")

    async def look(box: HookExecutor, path: Path) -> tuple[str, Validation]:
        try:
            script = await _script(box, path, options.lib)
        except HookError as error:
            return "", refused(error)
        library = scripts.is_library(path)
        return script.sha, await box.validate(script.source, libraries=script.libraries, is_library=library)

    def tell(path: Path, found: tuple[str, Validation]) -> int:
        sha, validation = found
        functions = list(validation.functions)
        usable = ", ".join(functions) or "a library"
        if options.json:
            verdicts.write_line({"file": str(path), "sha": sha, "ok": validation.ok, "functions": functions})
        else:
            say(f"{sha[:16]:16}  {path}  {usable if validation.ok else 'cannot be used'}")
        return FINE if validation.ok else WRONG

    return _each_file(options, look, tell)


async def _script(box: HookExecutor, path: Path, folder: str | None) -> HookScript:
    """A file with the libraries that it loads, from ``folder`` or the one beside it. Raises HookError."""
    source = scripts.source_of(path)
    if "load(" not in source:  # who loads is told by the sandbox alone; this only spares most files the question
        return HookScript(source, name=path.stem)
    where = Path(folder) if folder else scripts.libraries_of(path)
    wanted = (await box.validate(source)).loads
    sources: dict[str, str] = {}
    loads: dict[str, Sequence[str]] = {}
    waiting = list(wanted)
    while waiting and len(sources) <= MAX_LIBRARIES:
        name = waiting.pop()
        if name not in sources:
            sources[name] = scripts.library_source(where, name)
            loads[name] = (await box.validate(sources[name], is_library=True)).loads
            waiting += loads[name]
    libraries = [Library(name, sources[name]) for name in library_order(wanted, loads)]
    return HookScript(source, name=path.stem, libraries=tuple(libraries))


async def _decisions(box: HookExecutor, script: HookScript, calls: Sequence[Case]) -> list[dict[str, Any]]:
    return [answer_of((await trying.answer(box, script, call))[0]) for call in calls]


def _each_file(
    options: argparse.Namespace,
    look: Callable[[HookExecutor, Path], Awaitable[_T]],
    tell: Callable[[Path, _T], int],
) -> int:
    """Look at every file, as many at once as there are sandboxes; tell in their order; the worst code."""
    paths = scripts.files_of(options.file)
    at_once = _settings(options).workers

    async def run(box: HookExecutor) -> int:
        room = asyncio.Semaphore(at_once)

        async def one(path: Path) -> _T:
            async with room:
                return await look(box, path)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(path)) for path in paths]
                return max([tell(path, await task) for path, task in zip(paths, tasks, strict=True)])
        except ExceptionGroup as failed:  # several files may have what cannot be read: one of them is told
            raise failed.exceptions[0] from failed

    return asyncio.run(_in_box(options, run))


async def _in_box(options: argparse.Namespace, act: Callable[[HookExecutor], Awaitable[_T]]) -> _T:
    async with open_box(_settings(options)) as box:
        return await act(box)


def _settings(options: argparse.Namespace) -> Hooks:
    return load(environ=environ_of(options)).hooks


def _say_all(lines: Sequence[str]) -> None:
    for line in lines:
        say(line)
