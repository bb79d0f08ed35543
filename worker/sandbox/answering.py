"""One request in, one reply out: looks up or builds the program, runs it on every context, stops in time."""

import json
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from worker.sandbox.engine import Engine, ScriptFailed
from worker.sandbox.failures import failure
from worker.sandbox.frames import MAX_BATCH_BYTES, pack, unpack
from worker.sandbox.programs import Expressions, Script
from worker.sandbox.review import review


class Answerer:
    """Answers requests one at a time and remembers built programs by key for the life of this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._programs: dict[str, Script | Expressions] = {}

    def answer(self, payload: bytes) -> tuple[bytes, bool]:
        """The reply frame and whether this process may go on. Never raises: whatever happens becomes a reply."""
        identifier: Any = None
        try:
            header, contexts = unpack(payload)
            identifier = header.get("id")
            reply, lines = self._carry_out(header, contexts)
        except ScriptFailed as error:
            reply, lines = {"failure": error.found}, []
        except BaseException as error:  # noqa: BLE001 - Rust panics are no Exception; after one the process must end
            return pack({"id": identifier, "ends": True, "failure": _of_collapse(error)}), False
        return pack({"id": identifier} | reply, lines), True

    def _carry_out(self, header: dict[str, Any], contexts: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        if header["op"] == "validate":
            how = {name: header[name] for name in ("is_library", "is_thorough")}
            return {"report": review(self._engine, header["source"], header.get("libraries", ()), **how)}, []
        program = self._program(header)
        budget_s = header["budget_ms"] / 1000
        end = time.monotonic() + header["batch_ms"] / 1000
        if isinstance(program, Script):
            seeds = [bytes.fromhex(seed) for seed in header.get("seeds", ())] or [b""] * len(contexts)
            run = partial(program.run, header["function"], budget_s=budget_s)
            each = (partial(run, line, seed=seed) for line, seed in zip(contexts, seeds, strict=True))
        else:
            each = (partial(program.run, line, budget_s=budget_s) for line in contexts)
        return {}, _until(each, end=end)

    def _program(self, header: dict[str, Any]) -> Script | Expressions:
        key = header["key"]
        known = self._programs.get(key)
        if known is None:
            if header["op"] == "run":
                known = Script(self._engine, header["source"], header.get("libraries", ()))
            else:
                known = Expressions(self._engine, header["expressions"])
            self._programs[key] = known
        return known


def _until(calls: Iterable[Callable[[], bytes]], *, end: float) -> list[bytes]:
    """Results of the first calls: all of them, or as many as time and size allow, at least one."""
    lines: list[bytes] = []
    size = 0
    for call in calls:
        line = call()
        lines.append(line)
        size += len(line)
        if size > MAX_BATCH_BYTES or time.monotonic() > end:
            break
    return lines


def _of_collapse(error: BaseException) -> dict[str, Any]:
    text = str(error)
    if isinstance(error, MemoryError) or "out of memory" in text or "AlignedSize" in text:
        return failure("hook.memory", "the memory limit was reached")
    return failure("hook.crash", f"the interpreter gave up ({type(error).__name__})")


def warm_up(engine: Engine) -> None:
    """Use everything once while files can still be opened: nothing may be imported or loaded later."""
    source = (
        "def transform(ctx):\n"
        "    a = [text.ascii('ÄÖ'), email.build('a', 'b.example'), hash.sha256('a'), dn.build([['cn', 'a']])]\n"
        "    b = [date.parse('2024-01-31', '%Y-%m-%d'), date.format('2024-01-31', '%d.%m.%Y')]\n"
        "    c = username.candidates('{a}', {'a': 'b'})\n"
        "    print(text.slug('a'), hash.uuid5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'a'), hash.base64('a'))\n"
        "    return {'set': {'a': a, 'b': b, 'c': c, 'd': 1.5}, 'unset': [], 'tags': {}}\n"
    )
    line = Script(engine, source).run("transform", b"{}", budget_s=5)
    if "failure" in json.loads(line):
        raise RuntimeError(line.decode())
    review(engine, "def transform(ctx):\n    return x\n")
    Expressions(engine, {"a": "identity['a']", "b": "1 / 0"}).run(b'{"identity":{}}', budget_s=5)
