from dataclasses import replace

import pytest

from tests.e2e.fakes import sample
from worker.console import findings
from worker.console.views import AttributeChange, Suggestion

ROWS = {row.discrepancy_type: row for row in sample.DISCREPANCIES[:6]}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        pytest.param("missing", "should have an account in ldap and has none", id="missing"),
        pytest.param("orphan", "nobody we know owns it", id="orphan"),
        pytest.param(
            "mismatch", "mail is “anna.aydin@old.example” and should be “anna.aydin@example.org”", id="mismatch"
        ),
        pytest.param("collision", "is claimed by Jürgen Kowalski and Jurgen Kowalski", id="collision"),
        pytest.param("unlinked", "no link is recorded", id="unlinked"),
        pytest.param("deleted", "was linked and is gone from ldap", id="deleted"),
    ],
)
def test_every_kind_is_told_in_a_sentence(kind, text):
    assert text in findings.sentence(ROWS[kind], connector="ldap")


def test_a_secret_that_differs_is_named_and_not_shown():
    change = AttributeChange("userPassword", "old", "new", is_secret=True)
    text = findings.sentence(replace(ROWS["mismatch"], attributes=(change,)), connector="ldap")

    assert "userPassword is not as wanted" in text
    assert "old" not in text


def test_more_differences_are_counted():
    row = replace(ROWS["mismatch"], attributes=sample.CHANGES[:3])

    assert "and 2 more attributes" in findings.sentence(row, connector="ldap")


def test_many_claimants_are_cut_to_three():
    many = tuple((sample.uid(3, n), f"P{n}") for n in range(5))

    assert "P0, P1, P2 and 2 more" in findings.sentence(replace(ROWS["collision"], candidates=many), connector="ldap")


@pytest.mark.parametrize(
    ("action", "direction", "label", "is_removal"),
    [
        ("create", "xavyo_to_target", "Create account", False),
        ("create", "target_to_xavyo", "Create identity", False),
        ("update", "xavyo_to_target", "Correct account", False),
        ("update", "target_to_xavyo", "Take over values", False),
        ("delete", "xavyo_to_target", "Delete account", True),
        ("link", "xavyo_to_target", "Link", False),
        ("unlink", "xavyo_to_target", "Unlink", True),
        ("inactivate_identity", "target_to_xavyo", "Deactivate identity", True),
    ],
)
def test_a_suggestion_is_a_button_that_says_what_it_does(action, direction, label, is_removal):
    chosen = findings.choice(Suggestion(action, direction), ROWS["mismatch"], connector="ldap")

    assert (chosen.label, chosen.is_removal) == (label, is_removal)
    assert chosen.effect


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"status": "completed", "items_error": 0}, "Completed", id="completed"),
        pytest.param({"status": "completed", "items_error": 3}, "Completed with errors", id="errors are said"),
        pytest.param({"status": "paused", "pause_reason": "safeguard"}, "Paused by the safeguard", id="held"),
        pytest.param({"status": "paused", "pause_reason": "shutdown"}, "Paused for a restart", id="restart"),
        pytest.param({"status": "failed"}, "Failed", id="failed"),
    ],
)
def test_the_status_of_a_run_says_how_it_went(change, words):
    assert findings.run_status(replace(sample.RUNS[1], **change))[1] == words


def test_progress_is_unknown_while_the_size_is():
    assert findings.run_share(replace(sample.RUNS[0], accounts_total=None)) is None
    assert findings.run_share(replace(sample.RUNS[0], accounts_total=10, accounts_processed=12)) == 1.0


def test_a_held_batch_names_the_limit_and_what_was_used():
    text = findings.hold_sentence(replace(sample.HOLDS[0], kind="removals"))

    assert "at most 243 of its 4\u202f862 accounts" in text
    assert "3 already were" in text


@pytest.mark.parametrize(
    ("kind", "title", "sentence"),
    [
        pytest.param("removals", "300 removals in ldap", "may be removed in 24 hours", id="removals"),
        pytest.param("source", "300 people missing from ldap", "300 people would become inactive", id="short source"),
        pytest.param(
            "target", "300 accounts missing from the listing of ldap", "would count as deleted", id="short target"
        ),
    ],
)
def test_what_is_held_is_told_for_what_it_is(kind, title, sentence):
    hold = replace(sample.HOLDS[1], kind=kind, connector_name="ldap")

    assert findings.held_things(hold) == title
    assert sentence in findings.hold_sentence(hold)
