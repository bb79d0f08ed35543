"""Work that two processes share comes out as if one had done it; what goes wrong in the other is told."""

import os
import signal

import pytest

from tests.unit.correlation.columns.test_correlate import account, as_columns, person
from worker.correlation import RuleSet
from worker.correlation.columns import correlate_columns, explanations, forked
from worker.correlation.rules import MatchKind, Rule
from worker.correlation.similarity import Algorithm
from worker.domain.errors import SurroundingsError


def test_what_each_task_finds_comes_in_their_order() -> None:
    found = forked.together([os.getpid, os.getppid, lambda: 3], processes=2)

    assert found == [os.getpid(), os.getpid(), 3]
    assert forked.together([os.getpid, os.getpid], processes=1) == [os.getpid()] * 2


def test_what_a_task_raises_is_raised_and_a_process_that_is_ended_is_named() -> None:
    def fails() -> int:
        raise ValueError("no such column")

    def is_ended() -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    with pytest.raises(ValueError, match="no such column"):
        forked.together([lambda: 0, fails], processes=2)
    with pytest.raises(SurroundingsError, match="status -9"):
        forked.together([lambda: 0, is_ended], processes=2)


def test_a_process_whose_answer_nobody_waits_for_is_ended() -> None:
    def waits() -> int:
        signal.pause()
        return 0

    def fails() -> int:
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        forked.together([fails, waits], processes=2)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_tables_come_out_the_same_by_one_process_and_by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["Anna", "Bob", "Carla", "Dan", "Eva"]
    people = [{"login": f"{name.lower()}{at}", "given": name, "number": str(at)} for at in range(8) for name in names]
    accounts = [each | {"number": "", "login": each["login"].replace("a", "", 1)} for each in people[::2]]
    rules = RuleSet(
        (
            Rule("login", "login", "login", MatchKind.FUZZY, Algorithm.OSA, weight=9, normalize=("login",)),
            Rule("number", "number", "number", weight=9, tier=1, normalize=("employee_number",)),
            Rule("name", "given", "given", MatchKind.FUZZY, Algorithm.TOKEN_SORT, weight=3, normalize=("name",)),
        )
    )
    monkeypatch.setattr(forked, "LEAST", 1)
    told = []
    for processes in (1, 2):
        outcome = correlate_columns(
            as_columns(accounts, [account(at) for at in range(len(accounts))]),
            as_columns(people, [person(at) for at in range(len(people))]),
            rule_set=rules,
            processes=processes,
        )
        told.append((outcome.owners(), outcome.confidences.tolist(), [*explanations(outcome, processes=processes)]))

    assert told[0] == told[1]
    assert any(owner >= 0 for owner in told[0][0])
