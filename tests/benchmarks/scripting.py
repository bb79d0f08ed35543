"""Scripts in the sandbox: one call, a batch, a child that is replaced, and a company mapped by an expression."""

import asyncio
import compileall
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import structlog

from tests.benchmarks.figures import Figure, Size, at_least, at_most
from tests.benchmarks.ground import Ground
from tests.benchmarks.processes import cpu_s
from worker.domain.errors import HookError
from worker.domain.hook import HookLimits, HookResult, HookScript
from worker.domain.identity import Identity
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingRule, MappingVersion
from worker.hooks import HookExecutor
from worker.hooks.child import Child
from worker.mapping import Mapped, MappingEngine
from worker.sandbox import command

CALL_US = 300
CONTEXTS_A_SECOND = 6_000
REPLACED_MS = 50
SPARE_MS = 6
MAPPED_S = 20.0
MAPPED = 100_000
BATCH = 100
WARM_UP = 100

#: A slug, a format, a list of three and a look into the ten attributes of a person.
HOOK = HookScript(
    """
def transform(ctx):
    person = ctx["attributes"]
    return {"set": {
        "login": text.slug("%s.%s" % (person["given_name"], person["family_name"])),
        "groups": [person["department"], person["city"], "everybody"],
        "mail": person.get("mail", "nobody@example.org"),
    }}
""",
    name="names",
)
KILLER = HookScript("def transform(ctx):\n    return max(range(2147483600 + len(ctx)))\n", name="killer")
EXPRESSION = 'text.slug(identity["given_name"] + "." + identity["family_name"]) + "@example.org"'


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """All of it, without a database."""
    log = structlog.get_logger()
    compileall.compile_dir(Path(command.__code__.co_filename).parent, quiet=2)  # as installing a package does
    async with HookExecutor(workers=1, log=log) as executor:
        yield at_most("script, single call p50", await _single_us(executor, size.calls), "us", CALL_US)
        rate, core_rate = await _batches(executor, size.batches)
    yield at_least("scripts in batches of 100, one child", rate, "contexts/s", CONTEXTS_A_SECOND)
    yield at_least("the same, on a core of the child", core_rate, "contexts/s", CONTEXTS_A_SECOND)
    yield at_most("sandbox started", 1_000 * await _started_s(size.replaced), "ms", REPLACED_MS)
    async with HookExecutor(workers=1, limits=HookLimits(budget_ms=20), log=log) as executor:
        waits = [await _replaced_s(executor) for _ in range(size.replaced)]
    yield at_most("next call after a killed child, with the spare", 1_000 * median(waits), "ms", SPARE_MS)
    async with HookExecutor(workers=2, log=log) as executor:
        took = await _mapped_s(executor, size.mapped)
    yield at_most(f"{MAPPED:,} identities by an expression", took * MAPPED / size.mapped, "s", MAPPED_S)


async def _single_us(executor: HookExecutor, calls: int) -> float:
    times = []
    for number in range(WARM_UP + calls):
        began = time.perf_counter()
        await executor.execute(HOOK, "transform", _context(number))
        times.append(time.perf_counter() - began)
    return 1e6 * median(times[WARM_UP:])


async def _batches(executor: HookExecutor, batches: int) -> tuple[float, float]:
    """Contexts a second by the clock, and a second of the child on a core."""
    contexts = [_context(number) for number in range(BATCH)]
    await executor.execute_batch(HOOK, "transform", contexts)
    spent, began = _children_s(), time.perf_counter()
    for _ in range(batches):
        _all_done(await executor.execute_batch(HOOK, "transform", contexts))
    took, spent = time.perf_counter() - began, _children_s() - spent
    return BATCH * batches / took, BATCH * batches / max(spent, 0.01)


def _children_s() -> float:
    return cpu_s(os.getpid()) - time.process_time()


async def _started_s(times: int) -> float:
    """Seconds from the wish for a child until it is hardened and waits for its first script."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        child = await Child.start(memory_bytes=HookLimits().memory_mb << 20)
        found.append(time.perf_counter() - began)
        await child.stop()
    return median(found)


async def _replaced_s(executor: HookExecutor) -> float:
    """Seconds for which a good call waits behind one that kills its child."""
    await executor.execute(HOOK, "transform", _context(1))
    while executor.status.pool.idle < 2:
        await asyncio.sleep(0.02)
    try:
        await executor.execute(KILLER, "transform", {})
    except HookError:
        executor.resume(KILLER.sha)
    began = time.perf_counter()
    await executor.execute(HOOK, "transform", _context(2))
    return time.perf_counter() - began


async def _mapped_s(executor: HookExecutor, number: int) -> float:
    people = [Identity(uuid7(), f"e{n}", f"u{n}", _person(n)) for n in range(number)]
    rules = (MappingRule("mail", expression=EXPRESSION), MappingRule("login", source="user_name"))
    mapping = MappingVersion(UUID(int=1), "user", 1, rules)
    engine = MappingEngine(executor)
    await engine.map_identities(people[:BATCH], mapping=mapping)
    began = time.perf_counter()
    mapped = await engine.map_identities(people, mapping=mapping)
    took = time.perf_counter() - began
    if not all(isinstance(each, Mapped) for each in mapped):
        raise RuntimeError("not everybody was mapped")
    return took


def _context(number: int) -> dict[str, Any]:
    return {"attributes": _person(number), "identity": {"id": number}, "now": "2026-01-01T00:00:00Z", "attempt": 1}


def _person(number: int) -> dict[str, Any]:
    return {
        "given_name": f"Jörg{number}",
        "family_name": "Müller-Lüdenscheidt",
        "department": "Research",
        "city": "Köln",
        "country": "DE",
        "title": "Engineer",
        "phone": "+49 221 123456",
        "mail": f"jm{number}@example.org",
        "employee_id": str(100_000 + number),
        "manager": "boss",
    }


def _all_done(results: list[HookResult | HookError]) -> None:
    for result in results:
        if isinstance(result, HookError):
            raise RuntimeError(f"a script failed: {result}")  # noqa: TRY004 - a failure is a value here
