import pytest

from tests.e2e.fakes import hooks as sample_hooks
from tests.e2e.fakes.reads import FakeReads
from worker.console import hook_words, words
from worker.console.pages.home import needs
from worker.console.views import HookFailure, HookNumbers, HookPage, TrialView

NOW = sample_hooks.ago(seconds=0)


def row(**facts):
    return sample_hooks.row(sample_hooks.UNITS, "units", "", **facts)


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        pytest.param({"suspended_at": NOW, "bindings": 2}, "Suspended", id="suspended"),
        pytest.param({"active_version": None, "latest_version": None}, "No script", id="just made"),
        pytest.param({"active_version": None}, "Not active", id="saved"),
        pytest.param({}, "Not bound", id="active"),
        pytest.param({"kind": "library"}, "Active", id="library"),
        pytest.param({"bindings": 1}, "Runs", id="bound"),
        pytest.param(
            {"bindings": 1, "numbers": HookNumbers(calls=2, errors={"hook.fail": 1})},
            "Runs, with errors",
            id="with errors",
        ),
    ],
)
def test_a_hook_is_told_by_the_worst_that_is_true_of_it(facts, word):
    assert hook_words.state(row(**facts)).word == word


def test_errors_are_told_the_most_frequent_first():
    numbers = HookNumbers(calls=9, errors={"hook.deadline": 1, "hook.script": 1200})

    assert hook_words.errors(numbers) == "1\u202f200 × a hook failed, 1 × a hook ran too long"
    assert hook_words.error_count(numbers) == 1201


@pytest.mark.parametrize(
    ("trial", "word"),
    [
        pytest.param(TrialView(ok=False, refused="no such person"), "Not tried", id="refused"),
        pytest.param(
            TrialView(ok=False, failure=HookFailure(hook_class="hook.deadline", message="x")),
            "A hook ran too long",
            id="failed",
        ),
        pytest.param(
            TrialView(ok=True, result={"reject": {"reason": "no name"}}, ends="no name"),
            "It rejects the operation",
            id="rejects",
        ),
        pytest.param(TrialView(ok=True, result={"skip": {"reason": "x"}}), "It skips the operation", id="skips"),
        pytest.param(TrialView(ok=True, ends="another hook said no"), "Nothing would be sent", id="ends elsewhere"),
        pytest.param(TrialView(ok=True, result={"tags": {"a": 1}}), "It answers", id="only tags"),
        pytest.param(TrialView(ok=True), "No change", id="nothing"),
    ],
)
def test_a_trial_is_told_in_a_headline(trial, word):
    assert hook_words.said(trial).word == word


def test_a_difference_is_told_line_by_line_without_file_names():
    text = "--- version 1\n+++ version 2\n@@ -1 +1 @@\n-old\n+new\n same"

    assert [kind for kind, _ in hook_words.diff_lines(text)] == ["at", "del", "add", "same"]


async def test_suspended_hooks_beyond_the_first_are_counted():
    view = await FakeReads(quiet=True).home(sample_hooks.UNITS)
    found = needs(view, suspended=HookPage(rows=(row(suspended_at=NOW),), total=3, as_of=NOW))

    assert [need.title for need in found] == ["The hook units is suspended", "2 more hooks suspended"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(None, "–", id="unknown"),
        pytest.param(240, "240 µs", id="microseconds"),
        pytest.param(1900, "1.9 ms", id="milliseconds"),
        pytest.param(2_000, "2 ms", id="whole milliseconds"),
        pytest.param(340_000, "340 ms", id="many milliseconds"),
        pytest.param(2_000_000, "2 s", id="seconds"),
    ],
)
def test_short_times_are_told_in_their_unit(value, said):
    assert words.micros(value) == said
