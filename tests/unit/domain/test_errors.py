"""The tree of errors: drawn on top of the module, and so in fact."""

import re
from datetime import timedelta

import pytest

from worker.domain import errors
from worker.domain.errors import (
    CredentialsRejected,
    HookError,
    ProvisioningError,
    TargetBusy,
    TargetTimeout,
    TargetUnavailable,
    UnknownUid,
)


def every_class(top: type[ProvisioningError] = ProvisioningError) -> list[type[ProvisioningError]]:
    own = [each for each in top.__subclasses__() if each.__module__ == errors.__name__]
    return [top, *(found for each in own for found in every_class(each))]


def test_the_drawing_names_every_error():
    drawn = set(re.findall(r"\b[A-Z][a-z]+[A-Z]?\w+\b", errors.__doc__ or ""))

    assert {each.__name__ for each in every_class()} - drawn == set()


@pytest.mark.parametrize("error", [each for each in every_class() if each is not errors.InvalidFilter])
def test_every_error_says_by_itself_what_it_means(error):
    """So ``raise UnknownUid`` is enough for a person."""
    assert str(error()) == (error.__doc__ or "").splitlines()[0]


def test_filter_error_names_the_column_and_what_was_meant():
    error = errors.InvalidFilter("no attribute 'mial'", column=3, suggestion="mail")

    assert str(error) == "column 3: no attribute 'mial' (meant: mail?)"


def test_codes_of_connector_errors_are_their_own():
    codes = [each.code for each in every_class(errors.ConnectorError)]

    assert len(codes) == len(set(codes))


def test_detail_replaces_the_sentence_and_fields_are_kept():
    error = UnknownUid("No user 17.", uid="17")

    assert (str(error), error.detail, error.fields) == ("No user 17.", "No user 17.", {"uid": "17"})


def test_busy_target_may_say_when_to_come_back():
    assert TargetBusy(retry_after=timedelta(seconds=30)).retry_after == timedelta(seconds=30)
    assert TargetBusy().retry_after is None


def test_hook_error_names_how_the_hook_failed():
    error = HookError("endless", hook_class="hook.deadline", retryable=True)

    assert (str(error), error.hook_class, error.retryable) == ("endless", "hook.deadline", True)


def test_only_failures_of_the_whole_target_open_its_breaker():
    found = {each for each in every_class(errors.ConnectorError) if each.is_system_failure}

    assert found == {TargetUnavailable, TargetTimeout, CredentialsRejected}
