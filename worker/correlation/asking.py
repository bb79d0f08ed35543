"""Asks hooks and expressions about accounts, in the sandbox: many in one call, nothing decided here.

A hook is asked once about an account, with the people who come into question for it; an expression once about a pair.
How one of them fails is an answer. That the sandbox has no room is none, and is raised: whoever asks waits.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from worker.correlation.prepare import Prepared
from worker.correlation.rules import MatchKind, RuleSet
from worker.correlation.told import Held, Word
from worker.domain.errors import HookError
from worker.domain.hook import (
    Correlated,
    ExpressionResult,
    HookClass,
    HookContext,
    HookPhase,
    HookResult,
    HookScript,
    Permission,
    function_of,
)
from worker.domain.redaction import shown

if TYPE_CHECKING:  # tables of people are correlated without a database, too
    from worker.store.hooks import BoundHook

#: So many people a hook is told of; of more those for whom the rules speak most.
MOST_CANDIDATES = 20
#: What all hooks may take together for one account.
CHAIN_MS = 2000
#: Pairs that expressions are asked about in one call.
PAIRS = 200
_SLOW = frozenset({HookClass.DEADLINE, HookClass.TIMEOUT})
_NO_BOX = "there is no sandbox here"
_UNKEPT = "what it said is not kept, for it may see secrets"


class Box(Protocol):
    """The sandbox, as ``worker.hooks.HookExecutor`` is one."""

    @property
    def budget_ms(self) -> int: ...

    async def execute_batch(
        self,
        script: HookScript,
        function: str,
        contexts: Sequence[dict[str, Any]],
        *,
        budget_ms: int | None = None,
        seeds: Sequence[bytes] | None = None,
    ) -> list[HookResult | HookError]: ...

    async def evaluate(
        self, expressions: Mapping[str, str], contexts: Sequence[dict[str, Any]], *, tenant_id: UUID | None = None
    ) -> list[dict[str, ExpressionResult]]: ...


class Noting(Protocol):
    """Keeps count of calls."""

    def note(
        self,
        tenant_id: UUID,
        hook: "BoundHook",
        contexts: Sequence[HookContext],
        answers: Sequence[HookResult | HookError],
        *,
        secrets: frozenset[str] = frozenset(),
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Asker:
    """Where hooks and expressions run; without a ``journal`` nothing is counted: of trials and rehearsals."""

    box: Box
    journal: Noting | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is the same for all questions of one run, or of one create.

    ``hooks`` in their order; ``now`` is what they are told, so that the same question has the same answer when it is
    asked again. ``secrets`` are attributes of accounts, ``secret_sources`` of people, of which they see marks.
    """

    tenant_id: UUID
    resource: Mapping[str, Any]
    object_class: str
    now: datetime
    hooks: "tuple[BoundHook, ...]" = ()
    secrets: frozenset[str] = frozenset()
    secret_sources: frozenset[str] = frozenset()
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """An account, and the people who come into question for it."""

    account: Prepared
    people: Sequence[Prepared]


def correlating(hooks: "Sequence[BoundHook]", object_class: str) -> "tuple[BoundHook, ...]":
    """Of the hooks of a connector those that say whose accounts are."""
    return tuple(
        hook
        for hook in hooks
        if hook.binding.phase is HookPhase.CORRELATE and hook.binding.object_class == object_class
    )


async def words_about(questions: Sequence[About], *, asker: Asker | None, occasion: Occasion) -> list[tuple[Word, ...]]:
    """What each hook says about each account. Raises HookError, to be retried, while the sandbox has no room."""
    spent_us = [0] * len(questions)
    said: list[list[Word]] = [[] for _ in questions]
    for hook in occasion.hooks:
        contexts = [context_of(each, hook, occasion) for each in questions]
        answers = [_hushed(hook, each) for each in await _answers(hook, contexts, asker=asker, spent_us=spent_us)]
        if asker is not None and asker.journal is not None:
            asker.journal.note(occasion.tenant_id, hook, contexts, answers, secrets=occasion.secrets)
        for words, answer in zip(said, answers, strict=True):
            if (word := _word(hook, answer)) is not None:
                words.append(word)
    return [tuple(words) for words in said]


async def held_of(
    pairs: Sequence[tuple[Prepared, Prepared]], rule_set: RuleSet, *, asker: Asker | None, occasion: Occasion
) -> dict[tuple[str, UUID, UUID], Held]:
    """What the set's expressions say of pairs (identity, account); raises as ``words_about``."""
    texts = {rule.name: rule.expression for rule in rule_set.rules if rule.match is MatchKind.EXPRESSION}
    found: dict[tuple[str, UUID, UUID], Held] = {}
    for start in range(0, len(pairs) if texts else 0, PAIRS):
        some = pairs[start : start + PAIRS]
        contexts = [
            {
                "identity": shown(identity.attributes, secrets=occasion.secret_sources),
                "account": shown(account.attributes, secrets=occasion.secrets),
                "now": occasion.now,
            }
            for identity, account in some
        ]
        answers = await _evaluated(texts, contexts, asker=asker, tenant_id=occasion.tenant_id)
        for (identity, account), answer in zip(some, answers, strict=True):
            for name, result in answer.items():
                found[name, identity.ref_id, account.ref_id] = _held(result)
    return found


def context_of(about: About, hook: "BoundHook", occasion: Occasion) -> HookContext:
    """What a hook is told of one account: pure."""
    sees_all = Permission.SECRETS in hook.binding.permissions
    account = {"uid": about.account.uid, **about.account.attributes}
    people = [each.attributes for each in about.people[:MOST_CANDIDATES]]
    return HookContext(
        event="correlate",
        object_class=occasion.object_class,
        now=occasion.now,
        dry_run=occasion.dry_run,
        resource=dict(occasion.resource),
        params=hook.binding.params,
        account=account if sees_all else shown(account, secrets=occasion.secrets),
        candidates=[dict(one) if sees_all else shown(one, secrets=occasion.secret_sources) for one in people],
    )


def name_of(hook: "BoundHook") -> str:
    """How explanations call a hook."""
    return f"{hook.script.name or 'without a name'} (version {hook.script.version})"


async def _answers(
    hook: "BoundHook", contexts: Sequence[HookContext], *, asker: Asker | None, spent_us: list[int]
) -> list[HookResult | HookError]:
    """One hook's answers; who has used up the time of all hooks is not asked any more."""
    if asker is None:
        return [HookError(_NO_BOX)] * len(contexts)
    if hook.suspended_reason is not None:
        error = HookError(f"The hook is suspended: {hook.suspended_reason}", hook_class=HookClass.SUSPENDED)
        return [error] * len(contexts)
    own_ms = hook.binding.budget_ms or asker.box.budget_ms
    by_budget: defaultdict[int, list[int]] = defaultdict(list)
    for at, spent in enumerate(spent_us):
        by_budget[max(min(own_ms, CHAIN_MS - spent // 1000), 0)].append(at)
    found: dict[int, HookResult | HookError] = {}
    for budget_ms, places in by_budget.items():
        asked = [contexts[at].as_dict() for at in places]
        answers = await _called(hook, asked, asker, budget_ms) if budget_ms else [_used_up()] * len(asked)
        for at, answer in zip(places, answers, strict=True):
            spent_us[at] += _took_us(answer, budget_ms)
            found[at] = answer
    return [found[at] for at in range(len(contexts))]


async def _called(
    hook: "BoundHook", contexts: Sequence[dict[str, Any]], asker: Asker, budget_ms: int
) -> Sequence[HookResult | HookError]:
    function = function_of(hook.binding.phase, None)
    answers = await asker.box.execute_batch(hook.script, function, contexts, budget_ms=budget_ms)
    for each in answers:
        if isinstance(each, HookError) and each.retryable:
            raise each
    return answers


async def _evaluated(
    texts: Mapping[str, str], contexts: Sequence[dict[str, Any]], *, asker: Asker | None, tenant_id: UUID
) -> list[dict[str, ExpressionResult]]:
    if asker is None:
        return [dict.fromkeys(texts, ExpressionResult(error=HookError(_NO_BOX)))] * len(contexts)
    answers = await asker.box.evaluate(texts, contexts, tenant_id=tenant_id)
    for answer in answers:
        for result in answer.values():
            if result.error is not None and result.error.retryable:
                raise result.error
    return answers


def _held(result: ExpressionResult) -> Held:
    if result.error is not None:
        return Held(None, f"{result.error}")
    if result.value is None or isinstance(result.value, bool):
        return Held(result.value)
    return Held(None, "it is neither True, False nor None")


def _word(hook: "BoundHook", answer: HookResult | HookError) -> Word | None:
    on_error = hook.binding.on_error
    is_discreet = Permission.SECRETS in hook.binding.permissions
    if isinstance(answer, HookError):
        return Word(name_of(hook), answer, on_error, is_discreet)
    if not isinstance(answer.decision, Correlated) or answer.decision == Correlated():
        return None
    return Word(name_of(hook), answer.decision, on_error, is_discreet)


def _hushed(hook: "BoundHook", answer: HookResult | HookError) -> HookResult | HookError:
    """An error without what it may have of a secret."""
    if Permission.SECRETS not in hook.binding.permissions or not isinstance(answer, HookError):
        return answer
    return HookError(_UNKEPT, hook_class=answer.hook_class, retryable=answer.retryable)


def _took_us(answer: HookResult | HookError, budget_ms: int) -> int:
    if isinstance(answer, HookResult):
        return answer.duration_us
    return budget_ms * 1000 if answer.hook_class in _SLOW else 0


def _used_up() -> HookError:
    message = f"the hooks before it used up the {CHAIN_MS // 1000} seconds that all have together for one account"
    return HookError(message, hook_class=HookClass.DEADLINE)
