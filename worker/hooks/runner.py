"""The door of the room: run a script or a mapping's expressions in a sandbox child, and get values or named errors.

Whatever a script does, the caller meets a HookError with a class and a sentence; the daemon lives, other calls go on. A
batch in which a child dies is run again one by one, so that one bad context fails alone.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from structlog.typing import FilteringBoundLogger

from worker.domain.errors import HookError, SurroundingsError
from worker.domain.hook import (
    Diagnostic,
    ExpressionResult,
    HookClass,
    HookLimits,
    HookResult,
    HookScript,
    Library,
    Suspension,
    Validation,
)
from worker.hooks.check import check_source, definition_of
from worker.hooks.child import Child, ChildLost, Reply, StartFailed
from worker.hooks.encoding import Line, batches, encode_context
from worker.hooks.job import Job, NotBuilt
from worker.hooks.pool import Pool, PoolStatus
from worker.hooks.replies import expression_results, failed, hook_result, refused, validation
from worker.hooks.strikes import DEADLINE, KILL
from worker.hooks.suspensions import Suspensions
from worker.sandbox import wall_ceiling
from worker.telemetry import metrics

MAX_BUDGET_MS = 5000
#: A child works this long on a batch, then hands over what it has; the rest is sent again.
BATCH_MS = 1000
#: Building a program: the child's own timer is shorter for each source, this holds for all expressions of a mapping.
BUILD_S = 10.0
GRACE_S = 0.25
#: Failures after which the process that reported them ends itself: the context that caused them must be found.
_COLLAPSES = frozenset({HookClass.MEMORY, HookClass.CRASH})
_DEADLY = _COLLAPSES | {HookClass.TIMEOUT}
#: The key under which children are lent to look at sources; never suspended.
_VALIDATION = "validate"

#: Nothing more can be said about such a source.
_HOPELESS = frozenset({HookClass.SYNTAX, HookClass.LIMIT, HookClass.DEADLINE})
_UNTYPED = Diagnostic("warning", 1, 1, "types", "lint and types were not looked at: it takes too long")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class HookStatus:
    """The sandbox as health pages show it: ``level`` is full or partial, ``missing`` the layers this kernel refused."""

    level: str
    missing: tuple[str, ...]
    suspended: frozenset[str]
    pool: PoolStatus


class HookExecutor:
    """Runs scripts in sandboxed children. Use as an async context manager, or ``start`` and ``aclose``."""

    def __init__(
        self,
        *,
        workers: int,
        limits: HookLimits | None = None,
        require_seccomp: bool = False,
        log: FilteringBoundLogger,
    ) -> None:
        self._limits = limits or HookLimits()
        self._require_seccomp = require_seccomp
        self._log = log
        self._workers = max(workers, 1)
        self._pool = Pool(self._launch, workers=self._workers, limits=self._limits, log=log)
        self._suspensions = Suspensions(log)
        self._level = "none"
        self._missing: tuple[str, ...] = ()

    async def start(self) -> None:
        """Start the first child, on the loop's own thread. Raises SurroundingsError: no child, too little hardening."""
        try:
            first = await self._pool.start()
        except StartFailed as error:
            raise SurroundingsError(f"The script sandbox does not start: {error}") from error
        self._level, self._missing = first.level, first.missing
        metrics.sandbox_level.set(1 if "seccomp" in self._missing else 2)
        if self._require_seccomp and "seccomp" in self._missing:
            await self.aclose()
            raise SurroundingsError("This kernel has no seccomp, and the settings require it for the script sandbox")
        if self._missing:
            self._log.warning("hook.sandbox_partial", missing=self._missing)

    async def aclose(self) -> None:
        """End every child; calls that wait get hook.busy."""
        await self._pool.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def budget_ms(self) -> int:
        """What a call has that does not come with a budget of its own."""
        return self._limits.budget_ms

    @property
    def status(self) -> HookStatus:
        """Counts of this moment."""
        return HookStatus(self._level, self._missing, self._suspensions.keys, self._pool.status)

    @property
    def suspensions(self) -> tuple[Suspension, ...]:
        """What was suspended here and is neither settled nor resumed yet.

        Each ends after ten minutes, or earlier by ``resume``. Whoever stores one, so that every daemon heeds it until a
        person ends it, says so by ``settle``.
        """
        return self._suspensions.unsettled

    async def execute(
        self,
        script: HookScript,
        function: str,
        context: dict[str, Any],
        *,
        budget_ms: int | None = None,
        seed: bytes = b"",
    ) -> HookResult:
        """Run one function of a script, with its own budget where it has one (at most 5 s). Raises HookError."""
        [result] = await self.execute_batch(script, function, [context], budget_ms=budget_ms, seeds=[seed])
        if isinstance(result, HookError):
            raise result
        return result

    async def execute_batch(
        self,
        script: HookScript,
        function: str,
        contexts: Sequence[dict[str, Any]],
        *,
        budget_ms: int | None = None,
        seeds: Sequence[bytes] | None = None,
    ) -> list[HookResult | HookError]:
        """Run one function of a script on each context; a failure is a value in its place.

        ``seeds``: for each context what its random values are drawn from (32 bytes; the same seed, the same values);
        without one a script that asks for a random value fails.
        """
        budget = min(budget_ms or self._limits.budget_ms, MAX_BUDGET_MS)
        request = {"op": "run", "function": function}
        job = Job(script.sha, request, {}, budget, script=script, tenant_id=script.tenant_id)
        try:
            job = replace(job, definition=definition_of(script))
        except HookError as error:
            return [job.entitled(error) for _ in contexts]
        return await self._each(job, contexts, hook_result, seeds)

    async def evaluate(
        self, expressions: Mapping[str, str], contexts: Sequence[dict[str, Any]], *, tenant_id: UUID | None = None
    ) -> list[dict[str, ExpressionResult]]:
        """Compute every expression at every context.

        A context's keys ``identity``, ``account``, ``attributes``, ``params`` and ``now`` are the names an expression
        may use; absent ones are None. Errors are per expression, as values.
        """
        names = tuple(expressions)
        try:
            texts = {name: check_source(text) for name, text in expressions.items()}
        except HookError as error:
            return [dict.fromkeys(names, ExpressionResult(error=error)) for _ in contexts]
        key = key_of_expressions(expressions)
        job = Job(key, {"op": "evaluate"}, {"expressions": texts}, self._limits.budget_ms, tenant_id=tenant_id)

        def read(line: bytes) -> dict[str, ExpressionResult]:
            return expression_results(line, names)

        found = await self._each(job, contexts, read)
        return [
            dict.fromkeys(names, ExpressionResult(error=each)) if isinstance(each, HookError) else each
            for each in found
        ]

    async def validate(
        self,
        source: str,
        *,
        libraries: Sequence[Library] = (),
        is_library: bool = False,
        tenant_id: UUID | None = None,
    ) -> Validation:
        """Everything that can be said about a source without running it; hostile sources end in a diagnostic.

        ``libraries``: as in HookScript; those that are loaded and did not come along are an error, and named in
        ``loads`` all the same. A source that is itself a library need not define a function that the daemon calls.
        """
        try:
            definition = definition_of(HookScript(source, libraries=tuple(libraries)))
        except HookError as error:
            return refused(error)
        request = {"op": "validate", "is_library": is_library} | definition
        job = Job(_VALIDATION, request, {}, self._limits.budget_ms, tenant_id=tenant_id)
        try:
            found = await self._review(job, is_thorough=False)
        except HookError as error:
            return refused(error)
        if {each.code for each in found.diagnostics} & _HOPELESS:
            return found
        try:
            return await self._review(job, is_thorough=True)
        except HookError:  # it was not the script that took too long, but looking at its types
            return replace(found, diagnostics=(*found.diagnostics, _UNTYPED))

    async def _review(self, job: Job, *, is_thorough: bool) -> Validation:
        request = job.request | {"is_thorough": is_thorough}
        async with self._pool.lend(job.key, group=job.group) as child:
            reply = await self._ask(child, job, request, [], timeout_s=BUILD_S)
        return validation(reply.header.get("report"))

    def resume(self, key: str) -> bool:
        """Let what was suspended (by the ``key`` of the suspension) run again; false if it was not."""
        return self._suspensions.resume(key)

    def settle(self, key: str) -> None:
        """A suspension is stored where all daemons look: here it ends within seconds."""
        self._suspensions.settle(key)

    async def _each(
        self,
        job: Job,
        contexts: Sequence[dict[str, Any]],
        read: Callable[[bytes], _T | HookError],
        seeds: Sequence[bytes] | None = None,
    ) -> list[_T | HookError]:
        results: list[_T | HookError | None] = [None] * len(contexts)
        places: list[int] = []
        lines: list[Line] = []
        for place, (context, seed) in enumerate(zip(contexts, seeds or [b""] * len(contexts), strict=True)):
            try:
                lines.append(Line(encode_context(context, limit=self._limits.max_context_bytes), seed))
                places.append(place)
            except HookError as error:
                results[place] = job.entitled(error)
        for place, line in zip(places, await self._all_batches(job, lines), strict=True):
            results[place] = job.entitled(line) if isinstance(line, HookError) else self._noted(job, read(line))
        return [result for result in results if result is not None]

    async def _all_batches(self, job: Job, lines: Sequence[Line]) -> list[bytes | HookError]:
        """Batches side by side, never more than could run at once: waiting room is for other callers."""
        queue = list(enumerate(batches(lines)))
        done: dict[int, list[bytes | HookError]] = {}
        if len(queue) == 1:
            return await self._batch(job, queue[0][1])
        pending = iter(queue)

        async def work() -> None:
            for number, batch in pending:
                done[number] = await self._batch(job, batch)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._workers, len(queue))):
                group.create_task(work())
        return [line for number in sorted(done) for line in done[number]]

    async def _batch(self, job: Job, lines: list[Line]) -> list[bytes | HookError]:
        done: list[bytes | HookError] = []
        step = len(lines)
        while len(done) < len(lines):
            rest = lines[len(done) :]
            if self._suspensions.holds(job.conduct):
                done += [_suspended()] * len(rest)
                break
            try:
                reply = await self._run(job, rest[:step])
            except NotBuilt as unbuilt:
                done += [unbuilt.error] * len(rest)
            except HookError as error:
                if step > 1 and error.hook_class in _DEADLY:
                    step = 1  # one of these contexts kills: find it
                else:
                    done += [error] * (1 if step == 1 else len(rest))
            else:
                done += reply.lines
        return done

    async def _run(self, job: Job, lines: list[Line]) -> Reply:
        """One batch on one child, which learns the program first. Raises HookError, NotBuilt."""
        request = job.request | {"key": job.key, "budget_ms": job.budget_ms, "batch_ms": BATCH_MS}
        async with self._pool.lend(job.key, group=job.group) as child:
            if job.key not in child.known:
                try:
                    await self._ask(child, job, request | job.definition, [], timeout_s=BUILD_S)
                except HookError as error:
                    raise NotBuilt(error) from error
                child.known.add(job.key)
            timeout_s = 2 * wall_ceiling(job.budget_ms / 1000) + BATCH_MS / 1000 + GRACE_S
            if any(line.seed for line in lines):
                request["seeds"] = [line.seed.hex() for line in lines]
            return await self._ask(child, job, request, [line.text for line in lines], timeout_s=timeout_s)

    async def _ask(
        self, child: Child, job: Job, header: dict[str, Any], lines: list[bytes], *, timeout_s: float
    ) -> Reply:
        """One message to one child. Raises HookError when it did not survive or had to refuse."""
        # One of many is found, and counted, when each is tried alone.
        counts = len(lines) <= 1 and job.key != _VALIDATION
        try:
            reply = await child.ask(header, lines, timeout_s=timeout_s)
        except ChildLost as lost:
            self._log.warning("hook.sandbox_lost", key=job.key[:16], pid=child.pid, hook_class=lost.hook_class)
            error = HookError(str(lost), hook_class=lost.hook_class, retryable=not lost.is_ours)
            if lost.is_ours and counts:
                self._suspensions.strike(job, KILL, error)
            raise error from lost
        if "failure" not in reply.header:
            return reply
        error = failed(reply.header["failure"])
        if error.hook_class in _COLLAPSES and counts:
            self._suspensions.strike(job, KILL, error)
        raise error

    def _noted(self, job: Job, result: _T | HookError) -> _T | HookError:
        error = result if isinstance(result, HookError) else None
        if error is not None:
            if error.hook_class == HookClass.DEADLINE:
                self._suspensions.strike(job, DEADLINE, error)
            return job.entitled(error)
        return result

    async def _launch(self) -> Child:
        return await Child.start(memory_bytes=self._limits.memory_mb * 1024 * 1024)


def key_of_expressions(expressions: Mapping[str, str]) -> str:
    """The key under which a mapping's expressions are compiled, counted and suspended."""
    text = json.dumps(list(expressions.items()), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _suspended() -> HookError:
    message = "the script was suspended after killing its sandbox, or running out of time, again and again"
    return HookError(message, hook_class=HookClass.SUSPENDED)
