"""What becomes known of hooks by running them: counts of calls, and some calls as they were.

Noting is a matter of dictionaries; every ten seconds all of it is written in a few statements. What a process counted
and could not write is kept for the next time; a process that is killed loses its last seconds of it.
"""

import json
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from worker.domain.errors import HookError
from worker.domain.hook import HookContext, HookResult, Permission
from worker.domain.hook_trials import answer_of, failure_of
from worker.domain.redaction import MARK, shown
from worker.hooks import encode_context
from worker.store import hook_records, hook_stats
from worker.store.hook_records import Recorded
from worker.store.hook_stats import OK, Counted, Key
from worker.store.hooks import BoundHook
from worker.store.pool import DatabaseTrouble, Pool
from worker.store.tenant import tenant

log = structlog.get_logger()

#: Calls of one hook, and of all hooks, that are kept to be tried with a draft: at most so many a second.
HOOK_EVERY_S = 1.0
MOST_A_SECOND = 5
#: A context larger than this is not kept.
MAX_CONTEXT = 64 * 1024
#: Counts of tenants and minutes that wait for a database that is away; beyond it the oldest are let go.
MOST_WAITING = 20_000


class Journal:
    """Notes calls of hooks, and writes them down from time to time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counts: dict[UUID, dict[Key, Counted]] = defaultdict(dict)
        self._calls: dict[UUID, list[Recorded]] = defaultdict(list)
        self._kept_at: dict[UUID, float] = {}
        self._second = (0, 0)

    def note(
        self,
        tenant_id: UUID,
        hook: BoundHook,
        contexts: Sequence[HookContext],
        answers: Sequence[HookResult | HookError],
        *,
        secrets: frozenset[str] = frozenset(),
    ) -> None:
        """Note one question to a hook; ``secrets`` are names of attributes whose values nobody keeps."""
        now = datetime.now(UTC)
        minute = now.replace(second=0, microsecond=0)
        hook_id, version = hook.binding.hook_id, hook.script.version
        counts = self._counts[tenant_id]
        for context, answer in zip(contexts, answers, strict=True):
            if isinstance(answer, HookResult) and answer.function is None:
                continue
            failure = failure_of(answer) if isinstance(answer, HookError) else None
            key = Key(hook_id, minute, version, OK if failure is None else failure["class"])
            took = 0 if isinstance(answer, HookError) else answer.duration_us
            if (known := counts.get(key)) is None:
                known = counts[key] = Counted()
            known.add(took, at=now, error=failure)
            if self._is_kept(hook) and (text := _text_of(context)) is not None:
                self._calls[tenant_id].append(
                    Recorded(hook_id, version, context.event, json.loads(text), shown_answer(answer, secrets), now)
                )

    def note_refused(self, tenant_id: UUID, hook: BoundHook, error: HookError) -> None:
        """Count that something which a hook said could not be done; its call was counted for itself."""
        now = datetime.now(UTC)
        minute = now.replace(second=0, microsecond=0)
        failure = failure_of(error)
        key = Key(hook.binding.hook_id, minute, hook.script.version, failure["class"])
        self._counts[tenant_id].setdefault(key, Counted()).add(0, at=now, error=failure)

    async def run_once(self) -> int:
        """Write down what was noted; how many rows. What cannot be written is kept."""
        written = 0
        for tenant_id in [*self._counts]:
            counts, calls = self._counts.pop(tenant_id), self._calls.pop(tenant_id, [])
            if not counts:
                continue
            try:
                async with tenant(self._pool, tenant_id) as conn:
                    await hook_stats.add(conn, tenant_id, counts)
                    await hook_records.add(conn, tenant_id, calls)
            except BaseException:
                self._put_back(tenant_id, counts)
                raise
            written += len(counts) + len(calls)
        return written

    async def close(self) -> None:
        """Write down the last of it, if the database is there."""
        try:
            await self.run_once()
        except DatabaseTrouble as trouble:
            log.warning("journal.not_written", error=type(trouble).__name__)

    def _put_back(self, tenant_id: UUID, counts: dict[Key, Counted]) -> None:
        newer = self._counts[tenant_id]
        waiting = sum(map(len, self._counts.values()))
        for key, each in [*counts.items()][-max(MOST_WAITING - waiting, 0) :]:
            newer[key] = each.joined(newer[key]) if key in newer else each

    def _is_kept(self, hook: BoundHook) -> bool:
        """Whether this call is one of the few: secrets are kept of none."""
        now = time.monotonic()
        if Permission.SECRETS in hook.binding.permissions:
            return False
        if now - self._kept_at.get(hook.binding.hook_id, -HOOK_EVERY_S) < HOOK_EVERY_S:
            return False
        second, count = self._second
        self._second = (second, count + 1) if second == int(now) else (int(now), 1)
        if self._second[1] > MOST_A_SECOND:
            return False
        self._kept_at[hook.binding.hook_id] = now
        return True


def _text_of(context: HookContext) -> bytes | None:
    """A context as the script got it; None for one that is too large, or that no script could have been given."""
    try:
        return encode_context(context.as_dict(), limit=MAX_CONTEXT)
    except HookError:
        return None


def shown_answer(answer: HookResult | HookError, secrets: Collection[str]) -> dict[str, Any]:
    """An answer in the words of trials, with marks for the secrets that it sets."""
    said = answer_of(answer)
    hidden: dict[str, Any] = {part: _hidden(said[part], secrets) for part in ("set", "tags") if part in said}
    if "follow_up" in said:
        hidden["follow_up"] = [
            each | ({"attributes": _hidden(each["attributes"], secrets)} if "attributes" in each else {})
            for each in said["follow_up"]
        ]
    return said | hidden


def _hidden(attributes: dict[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    return {name: MARK if name in secrets else value for name, value in shown(attributes).items()}
