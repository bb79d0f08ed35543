"""What hooks and expressions say before a create: whether one of the accounts that are there is this person's.

A hook is asked about each of these accounts, as in a run, with the one person who is to get an account. One that fails
ends the try as a hook before the change does, under the same policy: nothing is made while nobody can say that it is
not there already.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never

from worker.correlation import (
    About,
    Asker,
    Hear,
    Occasion,
    Prepared,
    RuleSet,
    Told,
    Word,
    correlating,
    has_expressions,
    held_of,
    sides,
    words_about,
)
from worker.domain.errors import HookError
from worker.domain.hook import FailurePolicy
from worker.domain.outcome import DeadLettered
from worker.execution.classify import Ended
from worker.execution.work import Work


def is_asked(work: Work, rule_set: RuleSet) -> bool:
    """Whether there is a hook or an expression to ask."""
    return has_expressions(rule_set) or bool(correlating(work.hooks, work.op.object_class))


def hearing(work: Work, rule_set: RuleSet, asker: Asker | None) -> Hear:
    """Asks for one create; the versions of hooks are those of the operation's first try."""
    occasion = _occasion(work)

    async def hear(subject: Prepared, candidates: Sequence[Prepared]) -> Told:
        questions = [About(each, [subject]) for each in candidates]
        said = await words_about(questions, asker=asker, occasion=occasion)
        words = {each.account.ref_id: some for each, some in zip(questions, said, strict=True)}
        for some in said:
            for word in some:
                if isinstance(word.said, HookError):
                    _end(word, word.said)
        pairs = [sides(subject, each) for each in candidates]
        return Told(words, await held_of(pairs, rule_set, asker=asker, occasion=occasion))

    return hear


def _occasion(work: Work) -> Occasion:
    op, connector = work.op, work.target.connector
    return Occasion(
        tenant_id=op.tenant_id,
        resource={"id": str(connector.id), "name": connector.name, "type": connector.type},
        object_class=op.object_class,
        now=op.created_at or datetime.now(UTC),
        hooks=correlating(work.hooks, op.object_class),
        secrets=work.secrets,
        secret_sources=work.secret_sources,
    )


def _end(word: Word, error: HookError) -> None:
    """End the try as the hook's binding says; one that may be left out is told of in the explanation."""
    match word.on_error:
        case FailurePolicy.SKIP_HOOK:
            return
        case FailurePolicy.FAIL:
            raise error
        case FailurePolicy.QUARANTINE:
            message = f"Quarantined, for the hook {word.hook} failed: {error}"
            raise Ended(DeadLettered(error.hook_class, message))
        case _:
            assert_never(word.on_error)
