"""Trying a script that is in a file: its calls one by one, and what became of them, told."""

import time
from collections.abc import Sequence
from dataclasses import replace

from worker.cli import verdicts
from worker.cli.output import say
from worker.cli.scripts import Case
from worker.cli.verdicts import Verdict
from worker.domain.errors import HookError
from worker.domain.hook import HookClass, HookResult, HookScript
from worker.hooks import HookExecutor, dry_seed
from worker.sandbox import FUNCTIONS

Answer = HookResult | HookError


async def tried(box: HookExecutor, script: HookScript, cases: Sequence[Case], *, file: str) -> Verdict:
    """The verdict of one file: the worst of its calls, the first of those. There is at least one."""
    found = []
    for case in cases:
        said, took_us = await answer(box, script, case)
        made = verdicts.of_answer(file, said, took_us=took_us)
        found.append(verdicts.of_case(made, name=case.name, expected=case.expected, answer=said))
    worst = max(found, key=lambda each: each.exit_code)
    return replace(worst, snippet=verdicts.row_of(script.source, worst.line))


async def answer(box: HookExecutor, script: HookScript, case: Case) -> tuple[Answer, int]:
    """What the script says to one call, and the microseconds that this took."""
    started = time.perf_counter_ns()
    wanted = case.function or FUNCTIONS[0]
    seed = dry_seed(case.name or wanted)
    [said] = await box.execute_batch(script, wanted, [case.context], seeds=[seed])
    if isinstance(said, HookResult) and said.function is None:
        said = await _other_function(box, script, case, seed=seed)
    return said, (time.perf_counter_ns() - started) // 1000


def tell(found: Verdict, *, as_json: bool) -> int:
    """Tell what became of a file, as a record or in lines; its exit code."""
    if as_json:
        verdicts.write_line(found.as_record())
    else:
        for line in verdicts.lines_of(found):
            say(line)
    return found.exit_code


async def _other_function(box: HookExecutor, script: HookScript, case: Case, *, seed: bytes) -> Answer:
    """The script has nothing for this event: where nobody asked for it, the first function that it has is meant."""
    functions = (await box.validate(script.source, libraries=script.libraries)).functions
    if not functions:
        return HookError(f"the script defines none of {', '.join(FUNCTIONS)}", hook_class=HookClass.COMPILE)
    if case.function is not None:
        said = f"the script has no {case.function}; it has {', '.join(functions)}"
        return HookError(said, hook_class=HookClass.COMPILE)
    [answered] = await box.execute_batch(script, functions[0], [case.context | {"event": functions[0]}], seeds=[seed])
    return answered
