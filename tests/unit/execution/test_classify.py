from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from worker.domain import errors
from worker.domain.errors import ConnectorError, HookError, PermanentError, ProvisioningError, TransientError
from worker.domain.ids import uuid7
from worker.domain.operation import Operation, OperationType, WaitReason
from worker.domain.outcome import DeadLettered, Outcome, Parked, Released, Retry, Succeeded
from worker.execution.classify import MOST_PARKS, Ended, outcome_of

SOON = timedelta(seconds=7)


def an_operation(**fields: Any) -> Operation:
    return Operation(
        tenant_id=uuid7(),
        id=uuid7(),
        connector_id=uuid7(),
        account_id=uuid7(),
        operation_type=OperationType.UPDATE,
        object_class="user",
        payload={},
        **fields,
    )


def down(code: str, look_after: timedelta | None = None) -> Parked:
    return Parked(WaitReason.TARGET_DOWN, "x", error_code=code, look_after=look_after)


#: Every class that a try can end in, with its outcome; "x" is what it says.
TABLE: dict[type[ProvisioningError], Outcome] = {
    errors.ConnectorError: Retry("connector_error", "x"),
    errors.TransientError: Retry("transient", "x"),
    errors.TargetUnavailable: down("target_unavailable"),
    errors.TargetTimeout: down("target_timeout"),
    errors.TargetBusy: down("target_busy"),
    errors.HeldStill: down("held_still"),
    errors.OutcomeUnknown: Retry("outcome_unknown", "x"),
    errors.ListingChanged: Retry("listing_changed", "x"),
    errors.LeaseLost: Released(was_started=True),
    errors.PermanentError: DeadLettered("permanent", "x"),
    errors.UnknownUid: DeadLettered("unknown_uid", "x"),
    errors.AlreadyExists: DeadLettered("already_exists", "x"),
    errors.InvalidAttributes: DeadLettered("invalid_attributes", "x"),
    errors.AccessRefused: DeadLettered("access_refused", "x"),
    errors.CredentialsRejected: down("credentials_rejected"),
    errors.Unsupported: DeadLettered("unsupported", "x"),
    errors.ProtectedAccount: DeadLettered("protected_account", "x"),
    errors.ConnectorBug: DeadLettered("connector_bug", "x"),
    errors.HookError: DeadLettered("hook.script", "The hook failed: x"),
    errors.SettingsError: down("settings"),
    errors.NotFound: down("not_found"),
}


@pytest.mark.parametrize(
    ("kind", "outcome"), [pytest.param(kind, outcome, id=kind.__name__) for kind, outcome in TABLE.items()]
)
def test_every_error_has_its_outcome(kind: type[ProvisioningError], outcome: Outcome) -> None:
    assert outcome_of(kind("x"), an_operation()) == outcome


def test_no_error_of_a_target_is_missing_in_the_table() -> None:
    def all_of(kind: type[ConnectorError]) -> set[type[ConnectorError]]:
        return {kind}.union(*(all_of(each) for each in kind.__subclasses__()))

    named = {kind for kind in all_of(ConnectorError) if kind.__module__ == errors.__name__}
    assert named <= TABLE.keys()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(errors.TargetBusy("x", retry_after=SOON), down("target_busy", SOON), id="busy"),
        pytest.param(errors.TargetUnavailable("x", retry_after=SOON), down("target_unavailable", SOON), id="down"),
        pytest.param(TransientError("x", retry_after=SOON), Retry("transient", "x", retry_after=SOON), id="transient"),
    ],
)
def test_what_the_target_asked_for_is_kept(error: ConnectorError, outcome: Outcome) -> None:
    assert outcome_of(error, an_operation()) == outcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(
            errors.TargetBusy("x", retry_after=SOON), Retry("target_busy", "x", retry_after=SOON), id="it may get well"
        ),
        pytest.param(errors.CredentialsRejected("x"), DeadLettered("credentials_rejected", "x"), id="it will not"),
        pytest.param(PermanentError("x"), DeadLettered("permanent", "x"), id="never waited"),
    ],
)
def test_after_many_waits_the_operation_itself_is_what_fails(error: ConnectorError, outcome: Outcome) -> None:
    assert isinstance(outcome_of(error, an_operation(parks=MOST_PARKS - 1)), Parked | DeadLettered)
    assert outcome_of(error, an_operation(parks=MOST_PARKS)) == outcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(
            HookError("x", hook_class="hook.busy", retryable=True),
            Retry("hook.busy", "The hook failed: x"),
            id="may pass",
        ),
        pytest.param(
            HookError("x", hook_class="hook.script", line=3),
            DeadLettered("hook.script", "The hook failed (line 3): x"),
            id="will not pass",
        ),
    ],
)
def test_a_hook_that_failed_is_retried_only_when_that_helps(error: HookError, outcome: Outcome) -> None:
    assert outcome_of(error, an_operation()) == outcome


def test_a_step_that_ended_the_try_has_said_how() -> None:
    skipped = Succeeded("u", skipped="not now")

    assert outcome_of(Ended(skipped), an_operation()) is skipped


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError("x"), id="socket"),
        pytest.param(TimeoutError(), id="slow"),
        pytest.param(asyncpg.ConnectionDoesNotExistError("x"), id="cut off"),
        pytest.param(asyncpg.exceptions.CannotConnectNowError("x"), id="starting"),
    ],
)
def test_without_our_own_database_it_goes_back_and_spends_no_try(error: Exception) -> None:
    assert outcome_of(error, an_operation()) == Released(was_started=True)


@pytest.mark.parametrize("error", [KeyError("secret value"), asyncpg.DataError("secret value")], ids=["ours", "sql"])
def test_our_own_bug_is_retried_and_its_words_are_not_shown(error: Exception) -> None:
    outcome = outcome_of(error, an_operation())

    assert isinstance(outcome, Retry)
    assert outcome.error_code == "internal_error"
    assert type(error).__name__ in outcome.message
    assert "secret" not in outcome.message
