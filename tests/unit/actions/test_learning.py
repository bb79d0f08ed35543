"""Weights are learnt from rows as they are: in this process here, which is what the other one runs."""

from uuid import UUID

from worker.actions.learning import columns_of, learn
from worker.correlation import RuleSet


def test_rows_become_columns_of_texts() -> None:
    rows = [(UUID(int=1), {"mail": "a@x.de", "n": 7, "on": True}), (UUID(int=2), {"mail": ["b", None, "c"], "n": ""})]

    assert columns_of(rows) == (
        [UUID(int=1), UUID(int=2)],
        {"mail": ["a@x.de", ["b", "c"]], "n": ["7", None], "on": ["true", None]},
    )


def test_a_number_that_is_hardly_ever_right_loses_weight() -> None:
    people = [(UUID(int=n), {"mail": f"p{n}@x.de", "room": str(n % 7)}) for n in range(600)]
    accounts = [(UUID(int=1000 + n), {"mail": f"p{n}@x.de", "place": str(n % 5)}) for n in range(600)]
    rules = RuleSet.from_json(
        {
            "rules": [
                {"name": "mail", "source": "mail", "target": "mail", "weight": 8},
                {"name": "room", "source": "room", "target": "place", "weight": 6, "blocking": False},
            ]
        }
    )
    found = learn(columns_of(people), columns_of(accounts), rules)
    by_name = {each.name: each.weight for each in found.rules}

    assert by_name["room"] < 2
    assert by_name["mail"] > 4
