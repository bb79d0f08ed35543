"""One script after the other in a real sandbox, and whether it kept each of the promises about what scripts can do."""

import os
import re
import resource
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import structlog

from tests.benchmarks.processes import cpu_s
from tests.fuzz.grammar import FUNCTIONS, Author, damage
from worker.domain.errors import HookError
from worker.domain.hook import (
    ExpressionResult,
    HookClass,
    HookLimits,
    HookResult,
    HookScript,
    Library,
    Patch,
    Validation,
)
from worker.hooks import HookExecutor, pool
from worker.sandbox.frames import cpu_ceiling

BUDGET_MS = 20
LIMITS = HookLimits(budget_ms=BUDGET_MS, memory_mb=64)
#: A call's own ceiling, that of building it (the script behind its libraries, or each of some expressions), and half a
#: second. What counts is time on a core: others use this machine as well.
BUILD_S = cpu_ceiling(0.75)
LATE_S = 0.5
#: What the start of a child costs at most, on a core.
START_S = 0.4
GROWTH_BYTES = 48 * 1024 * 1024
LOOK_EVERY = 50
GOOD = HookScript('def transform(ctx):\n    return {"name": text.slug(ctx["name"])}\n', name="good")
#: Of the calls before it, in contexts and parameters; nothing of it may come out of another script.
CANARY = "canary-7f3c91"
#: The first words of what a host function raises, but for the refusals that it means.
UNFORESEEN = re.compile(r"(?!MemoryError)[A-Z][A-Za-z]*(?:Error|Exception|Iteration|Exit): .{0,200}", re.DOTALL)
#: What a script calls the identity.
NAME = re.compile(r"\b(?:ctx|x)\b")
EXPECTED = frozenset(HookClass) - {HookClass.BUSY, HookClass.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Case:
    """What is tried: a script with libraries, called with a context; or an expression."""

    number: int
    script: HookScript | None
    function: str = "transform"
    expressions: dict[str, str] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """For people."""
        if self.script is None:
            return "\n".join(f"{name} = {text}" for name, text in self.expressions.items())
        return "".join(f"# lib/{each.name}\n{each.source}" for each in self.script.libraries) + self.script.source


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept."""

    number: int
    promise: str
    source: str


def case_of(seed: int, number: int) -> Case:
    """The script of this number: the same for the same seed, whatever ran before it."""
    rng = Random(f"{seed}:{number}")  # not for secrets: to be repeated
    author = Author(rng)
    context = {"a": rng.choice((1, "x", None, [1, 2], {"b": [{}]})), "name": "Jörg", "params": {"table": {"k": "v"}}}
    if rng.random() < 0.15:
        texts = {f"e{index}": NAME.sub("identity", author.expression()) for index in range(rng.randrange(1, 4))}
        return Case(number, None, expressions=texts, context={"identity": context, "params": {}})
    source = author.script()
    if rng.random() < 0.2:
        source = damage(source, rng)
    libraries = ()
    if rng.random() < 0.15:
        libraries = tuple(Library(name, author.library()) for name in ("one", "two"))
        source = 'load("lib/one", "helper")\n' + source
    defined = [name for name in FUNCTIONS if f"def {name}(" in source]
    function = rng.choice(defined) if defined and rng.random() < 0.95 else "before_create"
    return Case(number, HookScript(source, libraries=libraries), function, context=context)


@asynccontextmanager
async def open_judge() -> AsyncIterator["Judge"]:
    """A judge with a sandbox of one child and a spare."""
    silent = structlog.wrap_logger(structlog.ReturnLogger(), processors=[_drop])
    free, pool.FREE_DEATHS = pool.FREE_DEATHS, 1 << 30  # a storm of deaths is what this is
    try:
        async with HookExecutor(workers=1, limits=LIMITS, log=silent) as executor:
            yield Judge(executor)
    finally:
        pool.FREE_DEATHS = free


class Judge:
    """Tries cases one by one; ``classes`` counts how they ended, ``violations`` has what should never happen."""

    def __init__(self, executor: HookExecutor) -> None:
        self.classes: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self._executor = executor
        self._tried = 0
        self._size = 0

    async def judge(self, case: Case) -> None:
        """Run and review one case, and now and then a good script behind it."""
        await self._timed(case)
        self._tried += 1
        if self._tried % LOOK_EVERY == 1:
            await self._look_around(case)

    async def _timed(self, case: Case) -> None:
        # once to run it; twice to review it, each time read as well, and once its types
        builds = 3 * len(case.script.libraries) + 6 if case.script else 2 * len(case.expressions)
        allowed = builds * BUILD_S + 2 * cpu_ceiling(BUDGET_MS / 1000) + LATE_S
        started, begun = self._executor.status.pool.started, _children_s()
        outcome = await self._try(case)
        took = _children_s() - begun - START_S * (self._executor.status.pool.started - started + 1)
        if took > allowed:
            self._note(case, f"it took {took:.1f} s on a core, {allowed:.1f} s are allowed")
        for error in outcome:
            self.classes[error] += 1

    async def _try(self, case: Case) -> list[str]:
        try:
            if case.script is None:
                [found] = await self._executor.evaluate(case.expressions, [case.context])
                return [self._class_of(case, each) for each in found.values()]
            seeds = [case.number.to_bytes(32, "big")]
            [ended] = await self._executor.execute_batch(case.script, case.function, [case.context], seeds=seeds)
            said = await self._executor.validate(case.script.source, libraries=case.script.libraries)
        except Exception as error:  # noqa: BLE001 - whatever the daemon meets is what is looked for
            self._note(case, f"the daemon met {type(error).__name__}: {error}")
            return ["exception"]
        self._class_of(case, said)
        return [self._class_of(case, ended)]

    def _class_of(self, case: Case, ended: HookResult | HookError | ExpressionResult | Validation) -> str:
        error = ended.error if isinstance(ended, ExpressionResult) else ended
        if CANARY in repr(ended) or (isinstance(error, HookError) and CANARY in repr((error.args, error.fields))):
            self._note(case, "it knows what another call was told")
        if not isinstance(error, HookError):
            return "fine"
        text = str(error)
        if error.hook_class not in EXPECTED or error.retryable or "nonsense" in text:
            self._note(case, f"it ended in {error.hook_class}: {text}")
        if len(text) > 4096 or len(repr(error.fields)) > 65536 or any(char in text for char in "\0\x1b\r\u202e"):
            self._note(case, "its error is no text to show")
        if error.hook_class == HookClass.SCRIPT and (bug := UNFORESEEN.match(text)):
            self._note(case, f"a host function has not foreseen it: {bug[0]}")
        return str(error.hook_class)

    async def _look_around(self, case: Case) -> None:
        try:
            good = await self._executor.execute(
                GOOD, "transform", {"name": "Jörg M", "secret": CANARY, "params": {CANARY: 1}}
            )
            if good.decision != Patch({"name": "joerg-m"}):
                self._note(case, f"a good script behind it answers {good.decision}")
        except HookError as error:
            self._note(case, f"a good script behind it ends in {error.hook_class}: {error}")
        size = _resident()
        self._size = self._size or size  # when everything was used once
        if size - self._size > GROWTH_BYTES:
            self._note(case, f"the daemon grew by {(size - self._size) >> 20} MiB")
            self._size = size

    def _note(self, case: Case, promise: str) -> None:
        self.violations.append(Violation(case.number, promise, case.source))


def _children_s() -> float:
    """Seconds on a core of the sandboxes, of those that have ended as well."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return cpu_s(os.getpid()) - own.ru_utime - own.ru_stime


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def _drop(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    raise structlog.DropEvent
