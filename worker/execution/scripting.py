"""The hooks around an operation: before-hooks change what will be sent, the others can only note.

Each hook is asked once for many operations. The hooks of a phase share two seconds for each operation; of what a hook
offers as unique names the first free one is taken before the next hook is asked.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from worker.domain.errors import HookError, UnreadableSecret
from worker.domain.hook import HookClass, HookContext, HookPhase, HookResult, Patch
from worker.domain.operation import OperationType
from worker.domain.outcome import DeadLettered, Outcome, Retry
from worker.execution.answers import after, exhausted, hushed, name_of, noted
from worker.execution.asking import context_of, sees_secrets
from worker.execution.journal import Journal
from worker.execution.naming import Names, NameTaken, Offer
from worker.execution.secrets import Secrets
from worker.execution.wish import Naming, Wish
from worker.execution.work import Work
from worker.hooks import HookExecutor, dry_seed, seed_of
from worker.store.hooks import BoundHook
from worker.store.taken_names import Taking, Where
from worker.telemetry import metrics

#: A batch is asked in pieces of at most this size, each as large as fits into what is left of this time: a slow script
#: may hold up its own operations, not the claiming of the next ones.
PIECE = 50
AHEAD_S = 0.5
#: How long scripts take for one operation, before it is known.
FIRST_PACE_S = AHEAD_S / 5
#: What the hooks of one phase may take together for one operation.
CHAIN_MS = 2000
#: So many times in a try the target may say that a name is taken.
MOST_ITERATIONS = 50
_SLOW = frozenset({HookClass.DEADLINE, HookClass.TIMEOUT})


@dataclass(slots=True)
class _Course:
    """One operation on its way through its hooks: what they made of its wish, and what they used of their time."""

    work: Work
    wish: Wish | Exception
    spent_us: int = 0

    @property
    def left_ms(self) -> int:
        return CHAIN_MS - self.spent_us // 1000


@dataclass(frozen=True, slots=True)
class _Question:
    course: _Course
    context: HookContext


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One call of a rehearsal."""

    hook: BoundHook
    context: HookContext
    answer: HookResult | HookError


class Scripting:
    """Runs the hooks of a try in their order. ``key`` is what their random values are drawn from.

    With a ``rehearsal`` nothing is counted, no name is taken, random values are those of dry runs, and each call is
    noted there.
    """

    def __init__(
        self,
        executor: HookExecutor,
        *,
        names: Names,
        journal: Journal,
        secrets: Secrets,
        key: bytes,
        rehearsal: "list[Rehearsed] | None" = None,
    ) -> None:
        self._executor = executor
        self._secrets = secrets
        self._names = names
        self._journal = journal
        self._key = key
        self._rehearsal = rehearsal
        #: Seconds that the scripts of a connector took for each operation of the last piece.
        self._pace: dict[UUID, float] = {}

    async def before_all(self, works: Sequence[Work], wishes: Sequence[Wish]) -> list[Wish | Exception]:
        """Run the before-hooks of a batch of one target, each hook once for many; an exception is how a try ends.

        The answers are those of the first works, of fewer than all where the scripts are slow.
        """
        until = time.monotonic() + AHEAD_S
        made: list[Wish | Exception] = []
        while len(made) < len(works) and (started := time.monotonic()) < until:
            pace = self._pace.get(works[0].op.connector_id, FIRST_PACE_S)
            fitting = min(max(int((until - started) / pace), 1), PIECE)
            piece = slice(len(made), len(made) + fitting)
            answers = await self._through_hooks(works[piece], wishes[piece])
            made += answers
            took = time.monotonic() - started
            self._pace[works[0].op.connector_id] = max(took / len(answers), AHEAD_S / PIECE / 10)
        return made

    async def before(self, work: Work, wish: Wish) -> Wish:
        """Let the before-hooks change the wish; ends the try when one rejects, skips, or fails and may not."""
        foreseen = work.foreseen
        if foreseen is not None and foreseen.hooks == work.hooks and foreseen.asked == wish and _holds(foreseen.wish):
            made = foreseen.wish
        else:
            [made] = await self._through_hooks([work], [wish])
        if isinstance(made, Exception):
            raise made
        return made

    async def renamed(self, work: Work, wish: Wish, taken: NameTaken) -> Wish:
        """What the hooks say when they are told that the target has a name already; settled: the same as before.

        Ends the try when nothing is left, or it was asked too often.
        """
        naming = wish.naming
        if naming.asked is None:
            return replace(wish, naming=replace(naming, is_settled=True))
        attribute, value = next(iter(taken.values.items()))
        if naming.iteration >= MOST_ITERATIONS:
            hook = naming.offered.get(attribute, "of this target")
            raise exhausted(hook, attribute=attribute, candidates=[value], target=work.target.connector.name)
        refused = naming.refused | taken.names
        if naming.offered:
            await self._names.give_back(_where(work), work.op.account_id, taken.names)
        again = replace(naming.asked, naming=Naming(refused=refused, iteration=naming.iteration + 1))
        [made] = await self._through_hooks([work], [again])
        if isinstance(made, Exception):
            raise made
        if all(made.attributes.get(name) == each for name, each in taken.values.items()):
            return replace(wish, naming=replace(naming, is_settled=True))
        if attribute not in made.naming.offered and isinstance(new := made.attributes.get(attribute), str):
            taking = Taking(attribute, new, work.op.account_id, work.op.id, made.naming.iteration)
            await self._names.remember(_where(work), taking)
        return made

    async def after(self, work: Work, wish: Wish, uid: str | None) -> Wish:
        """Tell the after-hooks and take their notes; the change is made, so their failures are warnings."""
        hooks = work.bound(HookPhase.AFTER, wish.kind) if work.hooks else ()
        if not hooks:
            return wish
        result = {"status": "completed", "uid": uid, "error": None}
        return await self._tell(work, wish, hooks, result, when="after the change was made")

    def note_refused(self, work: Work, hook: BoundHook, error: HookError) -> None:
        """Count that what a hook wants to follow does not."""
        self._journal.note_refused(work.op.tenant_id, hook, error)

    async def failed(self, work: Work, wish: Wish, outcome: Outcome) -> Outcome:
        """Tell the hooks of errors how a try ended, and keep their notes with the outcome."""
        hooks = work.bound(HookPhase.ON_ERROR, wish.kind)
        if not hooks or not isinstance(outcome, Retry | DeadLettered):
            return outcome
        status = "failed" if isinstance(outcome, Retry) and not work.op.is_last_try else "dead_letter"
        error = {"code": str(outcome.error_code), "message": outcome.message}
        result = {"status": status, "uid": work.uid, "error": error}
        told = await self._tell(work, replace(wish, tags={}, warnings=()), hooks, result, when="when told of the error")
        return replace(outcome, tags=told.tags, warnings=told.warnings)

    async def _tell(
        self, work: Work, wish: Wish, hooks: Sequence[BoundHook], result: dict[str, Any], *, when: str
    ) -> Wish:
        course = _Course(work, wish)
        for hook in hooks:
            [answer] = await self._ask(hook, [self._question(course, wish, hook, result=result)])
            wish = noted(wish, hook, answer, when=when)
        return wish

    async def _through_hooks(self, works: Sequence[Work], wishes: Sequence[Wish]) -> list[Wish | Exception]:
        """What the before-hooks make of the wishes; each work has its hooks, of which most have the same."""
        if not any(work.hooks for work in works):
            return list(wishes)
        courses = [_Course(work, _begun(work, wish)) for work, wish in zip(works, wishes, strict=True)]
        alike: defaultdict[tuple[OperationType, int], list[_Course]] = defaultdict(list)
        for course, wish in zip(courses, wishes, strict=True):
            alike[wish.kind, id(course.work.hooks)].append(course)
        for (kind, _), group in sorted(alike.items(), key=lambda each: each[0][0]):
            for hook in group[0].work.bound(HookPhase.BEFORE, kind):
                await self._through(hook, group)
        return [course.wish for course in courses]

    async def _through(self, hook: BoundHook, courses: Sequence[_Course]) -> None:
        asked = []
        for course in courses:
            try:
                if isinstance(course.wish, Wish):
                    asked.append(self._question(course, course.wish, hook))
            except UnreadableSecret as error:
                course.wish = error
        answers = await self._ask(hook, asked)
        names = await self._chosen(hook, [each.course for each in asked], answers)
        for question, answer, chosen in zip(asked, answers, names, strict=True):
            course = question.course
            if isinstance(chosen, Exception):
                course.wish = chosen
            elif isinstance(course.wish, Wish):
                course.wish = after(course.work, course.wish, hook, answer, names=chosen)

    def _question(
        self, course: _Course, wish: Wish, hook: BoundHook, *, result: dict[str, Any] | None = None
    ) -> _Question:
        opened = self._secrets.opened(course.work) if sees_secrets(hook) else None
        is_dry = self._rehearsal is not None
        return _Question(course, context_of(course.work, wish, hook, opened=opened, result=result, dry_run=is_dry))

    async def _chosen(
        self, hook: BoundHook, courses: Sequence[_Course], answers: Sequence[HookResult | HookError]
    ) -> list[dict[str, str] | Exception]:
        """Of what each was offered the names that it gets, by attribute; taken for all of them at once."""
        chosen: list[dict[str, str] | Exception] = [{} for _ in courses]
        offers = [
            (at, offer)
            for at, (course, answer) in enumerate(zip(courses, answers, strict=True))
            for offer in _offers(course, answer)
        ]
        if not offers:
            return chosen
        work = courses[0].work
        is_blind = "get" not in work.target.guard.capabilities
        try:
            found = await self._names.choose(
                _where(work), [offer for _, offer in offers], is_blind=is_blind, is_dry=self._rehearsal is not None
            )
        except HookError as error:
            return [error if any(at == place for place, _ in offers) else {} for at in range(len(courses))]
        for (at, offer), value in zip(offers, found, strict=True):
            names = chosen[at]
            if isinstance(names, Exception):
                continue
            if value is None:
                target = work.target.connector.name
                chosen[at] = exhausted(
                    name_of(hook), attribute=offer.attribute, candidates=offer.candidates, target=target
                )
            else:
                names[offer.attribute] = value
        return chosen

    async def _ask(self, hook: BoundHook, questions: Sequence[_Question]) -> list[HookResult | HookError]:
        """The hook's answers; a failure is a value in its place. Who has little time left is asked with that."""
        if not questions:
            return []
        if hook.suspended_reason is not None:
            error = HookError(f"The hook is suspended: {hook.suspended_reason}", hook_class=HookClass.SUSPENDED)
            answers: list[HookResult | HookError] = [error] * len(questions)
        else:
            answers = await self._within(hook, questions)
        answers = [hushed(hook, answer) for answer in answers]
        if self._rehearsal is not None:
            self._rehearsal += [
                Rehearsed(hook, each.context, said) for each, said in zip(questions, answers, strict=True)
            ]
            return answers
        work = questions[0].course.work
        self._journal.note(work.op.tenant_id, hook, [each.context for each in questions], answers, secrets=work.secrets)
        for answer in answers:
            _count(answer)
        return answers

    async def _within(self, hook: BoundHook, questions: Sequence[_Question]) -> list[HookResult | HookError]:
        own_ms = hook.binding.budget_ms or self._executor.budget_ms
        by_budget: defaultdict[int, list[int]] = defaultdict(list)
        for at, question in enumerate(questions):
            by_budget[max(min(own_ms, question.course.left_ms), 0)].append(at)
        answers: dict[int, HookResult | HookError] = {}
        for budget_ms, places in by_budget.items():
            some = [questions[at] for at in places]
            found = await self._answers(hook, some, budget_ms) if budget_ms else [_used_up() for _ in some]
            for at, question, answer in zip(places, some, found, strict=True):
                question.course.spent_us += _took_us(answer, budget_ms)
                is_chains = budget_ms < own_ms and isinstance(answer, HookError) and answer.hook_class in _SLOW
                answers[at] = _used_up(budget_ms) if is_chains else answer
        return [answers[at] for at in range(len(questions))]

    async def _answers(
        self, hook: BoundHook, questions: Sequence[_Question], budget_ms: int
    ) -> list[HookResult | HookError]:
        # What a rehearsal does to its sandbox is held against the program, not against the hook on all daemons.
        script = hook.script if self._rehearsal is None else replace(hook.script, id=None)
        return await self._executor.execute_batch(
            script,
            questions[0].context.event,
            [each.context.as_dict() for each in questions],
            budget_ms=budget_ms,
            seeds=[self._seed(each.course.work, hook) for each in questions],
        )

    def _seed(self, work: Work, hook: BoundHook) -> bytes:
        op = work.op
        if self._rehearsal is not None:
            return dry_seed(str(op.id))
        return seed_of(self._key, tenant_id=op.tenant_id, operation_id=op.id, hook_id=hook.binding.hook_id)


def _begun(work: Work, wish: Wish) -> Wish:
    """The wish as the first hook gets it: with it the hooks can be asked again."""
    if not work.bound(HookPhase.BEFORE, wish.kind):
        return wish
    iteration = max(wish.naming.iteration, work.iteration)
    return replace(wish, naming=replace(wish.naming, asked=wish, iteration=iteration))


def _offers(course: _Course, answer: HookResult | HookError) -> list[Offer]:
    """What a create was offered; an account that is there has its name."""
    wish, op = course.wish, course.work.op
    if isinstance(answer, HookError) or not isinstance(answer.decision, Patch) or not isinstance(wish, Wish):
        return []
    if wish.kind is not OperationType.CREATE:
        return []
    return [
        Offer(
            op.account_id,
            op.id,
            attribute,
            candidates,
            refused=wish.naming.refused,
            iteration=wish.naming.iteration,
            is_again=op.attempt_number > 1,
        )
        for attribute, candidates in answer.decision.unique.items()
    ]


def _where(work: Work) -> Where:
    return Where(work.op.tenant_id, work.op.connector_id, work.op.object_class)


def _holds(made: Wish | Exception) -> bool:
    """Whether an answer for many is one's own, too; that there was no sandbox for many at once is none."""
    return not (isinstance(made, HookError) and made.retryable)


def _took_us(answer: HookResult | HookError, budget_ms: int) -> int:
    if isinstance(answer, HookResult):
        return answer.duration_us
    return budget_ms * 1000 if answer.hook_class in _SLOW else 0


def _used_up(left_ms: int = 0) -> HookError:
    had = f"it had {left_ms} ms left of" if left_ms else "the hooks before it used up"
    message = f"{had} the two seconds that all hooks of a phase have together for one operation"
    return HookError(message, hook_class=HookClass.DEADLINE)


def _count(answer: HookResult | HookError) -> None:
    if isinstance(answer, HookError):
        metrics.hook_calls_total.labels(answer.hook_class).inc()
    else:
        metrics.hook_calls_total.labels("ok").inc()
        metrics.hook_seconds.observe(answer.duration_us / 1e6)
