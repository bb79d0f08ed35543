"""Known ways to get it wrong, each with the tests that must notice.

A mutant is a small change of the text of our own code. ``is_quick``: made in every build, in seconds.
"""

from dataclasses import dataclass

HOOKS = "tests/integration/execution/test_hook_contract.py"
NAMES = "tests/integration/execution/test_unique_names.py"
STATEMENTS = "worker/store/operations.sql"
CLAIMS = "worker/store/claims.sql"
QUEUE = "tests/integration/queue"
STEPS = f"{QUEUE}/test_operations.py"
LANES = f"{QUEUE}/test_lanes.py"
LATE = f"{QUEUE}/test_late_results.py"
MODEL = f"{QUEUE}/test_model.py"
ANSWERS = "tests/integration/execution/test_answers.py"
DISPATCHER = "tests/integration/execution/test_dispatcher.py"
STORIES = "tests/unit/queue/test_simulation.py"
LOST = f"{QUEUE}/test_nothing_lost.py"
COMMITS = "tests/integration/store/test_commits.py"

#: Looks like a thread, and is a task of the loop that everything else is on.
ON_LOOP = """
class _OnLoop:
    def __init__(self, work):
        self.work = work

    def start(self):
        self.task = asyncio.ensure_future(self.work())

    def is_alive(self):
        return True

    def join(self, timeout=None):
        self.task.get_loop().call_soon_threadsafe(self.task.cancel)


def _boottime()"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """``edits``: (file, text, what stands there instead), in every place where the text stands."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    noticed_by: tuple[str, ...]
    is_quick: bool = True


MUTANTS = (
    Mutant(
        "a later try runs the version of a hook that is active now",
        (("worker/execution/work.py", "hooks=past.hooks.get(op.id, past.active)", "hooks=past.active"),),
        (f"{HOOKS}::test_a_later_try_runs_the_version_of_the_first_and_makes_the_same_password",),
        is_quick=False,
    ),
    Mutant(
        "each try draws other random values",
        (
            ("worker/execution/scripting.py", "operation_id=op.id, hook_id=", "operation_id=uuid7(), hook_id="),
            (
                "worker/execution/scripting.py",
                "from worker.domain.operation import",
                "from worker.domain.ids import uuid7\nfrom worker.domain.operation import",
            ),
        ),
        (f"{HOOKS}::test_a_later_try_runs_the_version_of_the_first_and_makes_the_same_password",),
        is_quick=False,
    ),
    Mutant(
        "hooks are told every secret",
        (("worker/execution/asking.py", "secrets = None if sees_secrets(hook) else work.secrets", "secrets = None"),),
        (f"{HOOKS}::test_a_script_sees_secrets_only_with_the_permission",),
        is_quick=False,
    ),
    Mutant(
        "unique names are chosen and not taken",
        (
            (
                "worker/execution/naming.py",
                "await taken_names.take(conn, how.where, wanted)",
                "{each.name for each in wanted}",
            ),
        ),
        (f"{NAMES}::test_what_one_worker_is_about_to_give_another_does_not",),
        is_quick=False,
    ),
    Mutant(
        "results are written whatever their epoch",
        (
            (STATEMENTS, " AND o.epoch = d.epoch", ""),
            (STATEMENTS, "((h.id, h.epoch) IN (SELECT d.id, d.epoch FROM d)) IS TRUE", "true"),
        ),
        (f"{STEPS}::test_a_finish_without_the_present_epoch_or_owner_changes_nothing", LATE),
    ),
    Mutant(
        "results are written whoever brings them",
        (
            (STATEMENTS, "AND o.owner IS NOT DISTINCT FROM :owner", "AND :owner::uuid IS NOT NULL"),
            (STATEMENTS, "AND owner IS NOT DISTINCT FROM :owner", "AND :owner::uuid IS NOT NULL"),
        ),
        (f"{STEPS}::test_a_rescued_operation_refuses_the_late_result_of_its_first_owner", LATE),
    ),
    Mutant(
        "whoever is claimed may stand behind others of its account",
        (
            (
                STATEMENTS,
                "AND rests IS NULL AND head\n              AND crashed_leases = 0",
                "AND rests IS NULL\n              AND crashed_leases = 0",
            ),
        ),
        (f"{STEPS}::test_operations_of_one_account_run_in_the_order_they_were_accepted",),
    ),
    Mutant(
        "the next of a lane is any of it",
        ((STATEMENTS, "AND NOT b.head ORDER BY b.seq LIMIT 1", "AND NOT b.head ORDER BY b.seq DESC LIMIT 1"),),
        (f"{STEPS}::test_operations_of_one_account_run_in_the_order_they_were_accepted",),
        is_quick=False,
    ),
    Mutant(
        "what comes next in a lane is claimed without a lease",
        (
            (
                STATEMENTS,
                "w.id = :owner AND w.expires_at > db_now())\n    RETURNING",
                "true)\n    RETURNING",
            ),
        ),
        (f"{LANES}::test_what_a_claim_would_not_take_is_promoted_only",),
    ),
    Mutant(
        "what a finish claimed that was not answered is forgotten",
        (("worker/queue/finisher.py", "unheard += claimed", "pass"),),
        (f"{LANES}::test_a_finish_that_was_not_answered_is_decided_before_its_lane_goes_on",),
    ),
    Mutant(
        "what a finish claims is not handed on",
        (("worker/queue/finisher.py", "self._claimant.take(tenant_id, claimed)", "pass"),),
        (STORIES, LANES),
        is_quick=False,
    ),
    Mutant(
        "a lane goes on though others of its target wait",
        (("worker/queue/local.py", "return now < self.chains_until and ", "return "),),
        ("tests/unit/queue/test_local.py",),
    ),
    Mutant(
        "who began long ago is rescued, dead or not",
        (
            (
                CLAIMS,
                "c.tenant_id = :tenant_id AND c.owner = ANY(:owners::uuid[])",
                "c.tenant_id = :tenant_id OR c.owner = ANY(:owners::uuid[])",
            ),
            (
                STATEMENTS,
                "AND status = 'in_progress' AND owner = ANY(:dead::uuid[])",
                "AND status = 'in_progress' AND (owner = ANY(:dead::uuid[]) OR updated_at < db_now())",
            ),
        ),
        (f"{QUEUE}/test_rescue.py", MODEL),
    ),
    Mutant(
        "what is claimed is not noted",
        (
            (
                STATEMENTS,
                "array_agg(c.id) FROM claimed c HAVING count(*) > 0",
                "array_agg(c.id) FROM claimed c HAVING false",
            ),
        ),
        (f"{QUEUE}/test_claims.py::test_the_notes_of_the_dead_go_when_nothing_is_left_under_them",),
    ),
    Mutant(
        "a claim's note is gone before the last of it has ended",
        (
            ("worker/queue/notes.py", "in self.over(held).items()", "in self.over(set()).items()"),
            (CLAIMS, "o.id = ANY(c.operation_ids) AND o.owner = c.owner", "false"),
        ),
        (f"{DISPATCHER}::test_a_process_clears_its_notes_away_when_the_last_of_a_claim_has_ended",),
    ),
    Mutant(
        "a claim's note is gone when its owner says so, whatever the rows say",
        ((CLAIMS, "o.id = ANY(c.operation_ids) AND o.owner = c.owner", "false"),),
        (f"{QUEUE}/test_claims.py::test_the_note_of_what_a_failover_brought_back_stays",),
    ),
    Mutant(
        "a result that waits to be written does not keep its try from being begun again",
        (("worker/queue/dispatcher.py", "new_of(claimed, ended=self._finisher.pending_tries)", "new_of(claimed)"),),
        (f"{QUEUE}/test_claims.py::test_what_a_failover_forgot_is_not_run_again_while_its_result_waits_to_be_written",),
    ),
    Mutant(
        "only workers that have a row are rescued",
        (
            (
                "worker/queue/rescuer.py",
                "looks_for_orphans = self._rounds % ORPHANS_EVERY == 0",
                "looks_for_orphans = False",
            ),
        ),
        (f"{LOST}::test_what_somebody_holds_who_is_no_worker_any_more_goes_back",),
    ),
    Mutant(
        "claims go on while it is not known what the last one brought",
        (
            (
                "worker/queue/dispatcher.py",
                "return not target.unsure or target.unsure.isdisjoint(self._finisher.pending)",
                "return True",
            ),
            ("worker/queue/dispatcher.py", "new_of(claimed, ended=self._finisher.pending_tries)", "new_of(claimed)"),
        ),
        (f"{LOST}::test_nothing_is_claimed_before_it_is_known_what_an_unanswered_claim_brought",),
    ),
    Mutant(
        "what an unanswered claim brought is forgotten",
        (
            (
                "worker/queue/dispatcher.py",
                "self._hand_in(op, Released(is_unheard=True))\n            self._note(",
                "pass\n            self._note(",
            ),
        ),
        (f"{LOST}::test_a_daemon_that_ends_leaves_nothing_of_a_claim_that_was_not_answered",),
    ),
    Mutant(
        "what an unanswered claim brought is put back before the claim is decided",
        (("worker/queue/finisher.py", "if not unheard:", "if unheard:"),),
        (f"{QUEUE}/test_claims.py::test_a_claim_whose_commit_arrives_late_is_put_back_all_the_same",),
        is_quick=False,
    ),
    Mutant(
        "what a transaction asks for is written in the order in which it was asked",
        (("worker/store/due_work.py", "ordered = sorted(wishes)", "ordered = list(wishes)"),),
        ("tests/integration/store/test_lock_order.py",),
        is_quick=False,
    ),
    Mutant(
        "a target is blamed for time in which its caller was stopped",
        (("worker/connectors/guard.py", "and self._pulse.was_held_since(began)", "and False"),),
        ("tests/unit/connectors/test_guard.py",),
        is_quick=False,
    ),
    Mutant(
        "tries are counted when they fail, not when they are claimed",
        (
            (STATEMENTS, "epoch = epoch + 1, attempt_number = attempt_number + 1", "epoch = epoch + 1"),
            (
                STATEMENTS,
                "retry_count = o.retry_count + 1,",
                "retry_count = o.retry_count + 1, attempt_number = o.attempt_number + 1,",
            ),
        ),
        (f"{QUEUE}/test_invariants.py::test_what_is_held_at_the_end_is_found_only_when_all_should_rest",),
        is_quick=False,
    ),
    Mutant(
        "what goes back has spent a try",
        ((STATEMENTS, "CASE WHEN d.started THEN 0 ELSE 1 END", "0"),),
        (f"{LOST}::test_what_goes_back_remembers_whether_it_may_have_reached_its_target",),
        is_quick=False,
    ),
    Mutant(
        "a consumer sleeps without asking whether somebody is making work",
        (("worker/store/due_work.py", "if not await quiet(conn, tenant_id, Kind.CLAIM, connector_id):", "if False:"),),
        (f"{STEPS}::test_no_wake_up_is_lost_while_a_producer_has_not_committed",),
        is_quick=False,
    ),
    Mutant(
        "work is looked for only when somebody says so",
        (("worker/service/loop.py", "stop, timeout_s=pause)", "stop, timeout_s=1e6)"),),
        ("tests/integration/service/test_listener.py::test_without_any_hint_work_is_found_by_the_poll",),
        is_quick=False,
    ),
    Mutant(
        "the lease is renewed on the loop",
        (
            (
                "worker/service/heartbeat.py",
                'threading.Thread(target=self._run, name="heartbeat", daemon=True)',
                "_OnLoop(self._beat_until_stopped)",
            ),
            (
                "worker/service/heartbeat.py",
                "            self._wait(self._beat_s)",
                "            await asyncio.sleep(self._beat_s)",
            ),
            ("worker/service/heartbeat.py", "def _boottime()", ON_LOOP),
        ),
        ("tests/integration/service/test_heartbeat.py",),
        is_quick=False,
    ),
    Mutant(
        "a create whose answer was lost is made again without a look",
        (
            (
                "worker/execution/executor.py",
                "if work.op.attempt_number > 1 or work.naming in wish.naming.offered:",
                "if False:",
            ),
            (
                "worker/execution/executor.py",
                "except OutcomeUnknown:\n                found = await self._matching.at_target(work, wish)",
                "except OutcomeUnknown:\n                found = None",
            ),
        ),
        (f"{ANSWERS}::test_a_create_that_happened_is_recognised_when_its_answer_is_lost",),
    ),
    Mutant(
        "a target that is down costs tries",
        (("worker/execution/classify.py", "if waits and op.parks < MOST_PARKS:", "if False:"),),
        ("tests/unit/execution/test_classify.py",),
    ),
    Mutant(
        "only deletes count as removals",
        (("worker/domain/operation.py", ' or self.payload.get("active") is False', ""),),
        ("tests/unit/domain/test_operation.py",),
    ),
    Mutant(
        "a claim names no tenant",
        (
            (
                STATEMENTS,
                "WHERE tenant_id = :tenant_id AND connector_id = :connector_id AND status = 'pending'",
                "WHERE connector_id = :connector_id AND status = 'pending'",
            ),
        ),
        ("tests/unit/store/test_rules.py",),
    ),
    Mutant(
        "the tenant stays set when the transaction is over",
        (("worker/store/tenant.py", "SET LOCAL app.tenant_id", "SET app.tenant_id"),),
        ("tests/integration/store/test_tenant.py",),
    ),
    Mutant(
        "an answer does not wait for the disk",
        (
            (
                "worker/store/server.py",
                '"plan_cache_mode": plans,',
                '"plan_cache_mode": plans, "synchronous_commit": "off",',
            ),
        ),
        ("tests/integration/store/test_durability.py",),
        is_quick=False,
    ),
    Mutant(
        "a claim never looks behind its marks",
        (
            ("worker/queue/marks.py", "return now >= self._front_at", "return self._front_at == 0"),
            ("worker/queue/marks.py", "if now >= self._back_at:", "if False:"),
        ),
        ("tests/unit/queue/test_marks.py",),
    ),
    Mutant(
        "who finishes does not wait for a database that is away",
        (
            (
                "worker/queue/finisher.py",
                "                    await asyncio.sleep(delay)\n",
                "                    break\n",
            ),
        ),
        (STORIES,),
    ),
    Mutant(
        "a commit that was not answered counts as made",
        (
            (
                "worker/store/tenant.py",
                "            throw_away(conn)\n        raise\n",
                "            throw_away(conn)\n            return\n        raise\n",
            ),
        ),
        ("tests/faults/test_unheard_commits.py",),
    ),
    Mutant(
        "a lane that is not empty is begun once more",
        (("worker/store/submission.sql", "AND id = :account_id AND live = 0", "AND id = :account_id"),),
        (f"{STEPS}::test_many_that_come_at_once_for_one_account_get_a_place_each",),
        is_quick=False,
    ),
    Mutant(
        "a hint that cannot be told counts as a commit that failed",
        (("worker/store/tenant.py", "        if fate is Fate.COMMITTED:\n            return\n", ""),),
        (f"{COMMITS}::test_a_hint_that_cannot_be_told_undoes_no_commit",),
    ),
    Mutant(
        "whatever is said to a commit with a hint is taken for the hint's",
        (("worker/store/pool.py", "        return Fate.UNKNOWN\n", "        return Fate.COMMITTED\n"),),
        (f"{COMMITS}::test_a_commit_that_may_have_been_cancelled_is_an_answer_that_was_lost",),
    ),
)
