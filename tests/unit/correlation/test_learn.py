"""How sure the rules should be, by what people decided."""

from uuid import UUID

import pytest

from worker.correlation import Past, RuleSet, calibrated, cross_checked
from worker.domain.correlation import NOBODY, Candidate, Side, Subject

RULES = RuleSet.from_json({"rules": [{"name": "mail", "source": "mail", "target": "mail", "weight": 9}]})


def pasts(right: int, wrong: int) -> tuple[list[Past], list[Candidate]]:
    """Accounts whose mail is that of one person each, who is their owner, or is not."""
    people = [Candidate(UUID(int=n + 1), {"mail": f"p{n}@x"}) for n in range(right + wrong)]
    found = [
        Past(
            Subject(UUID(int=1000 + n), Side.ACCOUNT, {"mail": f"p{n}@x"}),
            each.ref_id if n % (right + wrong) < right else NOBODY,
            named=frozenset({each.ref_id}),
        )
        for n, each in enumerate(people)
    ]
    return found, people


def test_rules_that_are_always_right_become_surer() -> None:
    past, people = pasts(40, 0)
    found, checked = calibrated(past, people, RULES), cross_checked(past, people, RULES)

    assert found.slope * 0.5 + found.offset > 1.5
    assert (checked.pairs, checked.after < checked.before) == (40, True)


def test_rules_that_are_as_often_right_as_they_say_stay_as_they_are() -> None:
    past, people = pasts(25, 15)
    found = calibrated(past, people, RULES)

    assert found.slope * 0.5 + found.offset == pytest.approx(0.5, abs=0.1)


def test_accounts_of_which_nobody_said_anything_teach_nothing() -> None:
    past, people = pasts(1, 0)
    unsaid = [Past(past[0].subject, None)]

    assert cross_checked(unsaid, people, RULES).pairs == 0
