from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.fakes import sample
from worker.console import words
from worker.console.views import ConnectorBrief
from worker.domain import errors
from worker.domain.connector import BreakerState, ConnectorStatus
from worker.domain.operation import OperationStatus, OperationType, Origin, WaitReason
from worker.domain.run import RunTrigger

NOW = datetime(2026, 11, 22, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("vocabulary", "known"),
    [
        pytest.param(OperationStatus, words.STATUS_WORDS, id="status"),
        pytest.param(WaitReason, words.WAIT_WORDS, id="wait reason"),
        pytest.param(Origin, words.ORIGIN_WORDS, id="origin"),
        pytest.param(RunTrigger, words.TRIGGER_WORDS, id="trigger"),
    ],
)
def test_every_word_of_the_domain_has_its_words(vocabulary, known):
    assert set(known) == set(vocabulary)


def test_every_error_a_connector_may_raise_is_explained():
    def below(kind: type) -> set[type]:
        return {kind, *(each for child in kind.__subclasses__() for each in below(child))}

    raised = below(errors.ConnectorError) - {errors.ConnectorError, errors.TransientError, errors.PermanentError}

    assert {kind.code for kind in raised if kind.__module__ == errors.__name__} <= set(words.CAUSES)


@pytest.mark.parametrize(
    ("code", "title"),
    [
        pytest.param("invalid_attributes", "Target refuses a value", id="named"),
        pytest.param("hook.unheard_of", "A hook failed", id="a hook's own class"),
        pytest.param("quota_exceeded", "Quota exceeded", id="unknown codes read as words"),
        pytest.param(None, "It did not work", id="none at all"),
    ],
)
def test_a_cause_is_told_for_every_code(code, title):
    assert words.cause_of(code).title == title
    assert words.cause_of(code).advice


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(None, "–", id="unknown"),
        pytest.param(0.0842, "84 ms", id="milliseconds"),
        pytest.param(4.2, "4.2 s", id="tenths"),
        pytest.param(9.0, "9 s", id="no empty tenth"),
        pytest.param(47.8, "48 s", id="seconds"),
        pytest.param(200, "3 min 20 s", id="minutes and seconds"),
        pytest.param(1500, "25 min", id="minutes"),
        pytest.param(7500, "2 h 5 min", id="hours and minutes"),
        pytest.param(timedelta(days=6, hours=3), "6 d", id="days"),
        pytest.param(timedelta(hours=30), "30 h", id="hours below two days"),
    ],
)
def test_durations_are_short(seconds, text):
    assert words.span(seconds) == text


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        pytest.param(timedelta(), "now", id="now"),
        pytest.param(timedelta(seconds=40), "40 s ago", id="past"),
        pytest.param(timedelta(seconds=-40), "in 40 s", id="future"),
        pytest.param(timedelta(minutes=3, seconds=20), "3 min ago", id="one unit only"),
    ],
)
def test_ages_say_past_and_future(delta, text):
    assert words.age(NOW - delta, now=NOW) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        pytest.param(None, "–", id="unknown"),
        pytest.param(1.0, "100 %", id="all"),
        pytest.param(0.99999, "> 99.9 %", id="never rounds up to all"),
        pytest.param(0.9921, "99.2 %", id="tenths"),
        pytest.param(0.00001, "< 0.1 %", id="never rounds down to none"),
        pytest.param(0.0, "0 %", id="none"),
    ],
)
def test_shares_do_not_flatter(share, text):
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "–", id="nothing"),
        pytest.param([], "–", id="empty set"),
        pytest.param({"secret": True}, "hidden", id="secret"),
        pytest.param(True, "yes", id="flag"),
        pytest.param(["a", None], "a, –", id="several"),
        pytest.param(0, "0", id="zero is something"),
    ],
)
def test_values_are_shown_as_people_read_them(value, text):
    assert words.shown(value) == text


def test_counts_agree_with_their_noun():
    assert words.count(1, "identity", "identities") == "1 identity"
    assert words.count(12_345, "account") == "12\u202f345 accounts"


@pytest.mark.parametrize(
    ("brief", "told"),
    [
        pytest.param({}, None, id="healthy"),
        pytest.param({"breaker": BreakerState.OPEN}, "does not answer", id="breaker open"),
        pytest.param({"breaker": BreakerState.HALF_OPEN}, "coming back", id="probing"),
        pytest.param({"status": ConnectorStatus.MAINTENANCE, "breaker": BreakerState.OPEN}, "maintenance", id="both"),
        pytest.param({"status": ConnectorStatus.INACTIVE}, "switched off", id="off"),
        pytest.param({"status": ConnectorStatus.ERROR}, "cannot be used", id="error"),
    ],
)
def test_a_target_that_takes_no_work_says_why(brief, told):
    trouble = words.connector_trouble(ConnectorBrief(sample.uid(1, 1), "crm", "scim", **brief))

    assert (trouble is None) if told is None else (told in trouble)


def test_an_update_of_the_flag_alone_reads_as_what_it_does():
    flag = next(o for o in sample.OPERATIONS if o.operation_type is OperationType.UPDATE and o.active is False)
    plain = next(o for o in sample.OPERATIONS if o.operation_type is OperationType.UPDATE and o.active is None)

    assert words.verb_of(flag) == "disable"
    assert words.verb_of(plain) == "update"
