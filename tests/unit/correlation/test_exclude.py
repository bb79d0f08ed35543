"""Who is left out without a comparison would not have come into question with it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.correlation.people import ANNA, HERS, NAMESAKES, RULES, TARGETS, candidate, identity, ref
from tests.unit.correlation.voices import tellings
from worker.correlation import (
    NOTHING,
    CorrelationService,
    NameFrequencies,
    Question,
    RuleSet,
    Told,
    evidence_of_pair,
)
from worker.correlation.engine import correlate_one
from worker.correlation.exclude import at_best, is_nobodys
from worker.correlation.prepare import Prepared, prepare_candidate, prepare_subject
from worker.correlation.score import score
from worker.domain.correlation import NOBODY, Candidate, Decision, MatchKey, PersonDecision, Side, Verdict

COMMON = NameFrequencies.of(["Anna Müller"] * 40 + ["Bert Huber"] * 3 + ["Ida Klein"])
#: What the shipped rules do not have: sounds, an identifier that settles, expressions, a group of derived texts.
OTHERS = RuleSet.from_json(
    {
        "rules": [
            {"name": "number", "source": "employee_number", "target": "emp_no", "weight": 11, "definitive": True},
            {
                "name": "sound",
                "source": "family_name",
                "target": "last_name",
                "match": "phonetic",
                "algorithm": "soundex",
                "normalize": ["name"],
                "group": "name",
            },
            {
                "name": "trigram",
                "source": "given_name+family_name",
                "target": "first_name+last_name",
                "match": "fuzzy",
                "algorithm": "trigram",
                "group": "name",
                "threshold": 0.3,
                "by_frequency": True,
            },
            {"name": "login", "source": "user_name", "target": "login", "group": "name", "disagreement": 5},
            {
                "name": "same place",
                "source": "department",
                "target": "dept",
                "match": "expression",
                "expression": "identity.department == account.dept",
                "weight": 3,
            },
            {"name": "phone", "source": "phone", "target": "phone", "normalize": ["digits"], "veto": True},
        ],
        "review_threshold": 0.3,
        "slope": 0.7,
        "offset": 1.5,
    }
)
VALUES: dict[str, Any] = {
    "login": st.sampled_from(["anna.mueller", "anna.muelelr", "bert", ["bert", "anna.mueller"], "svc-backup", None]),
    "email": st.sampled_from(["anna.mueller@acme.example", "anna.mueller@x.example", "b@acme.example", "junk", None]),
    "emp_no": st.sampled_from([42, "E-42", 43, None, []]),
    "first_name": st.sampled_from(["Anna", "Ana", "Bert", "Ida", None]),
    "last_name": st.sampled_from(["Müller", "Miller", "Huber", "Klein", None]),
    "dept": st.sampled_from(["Sales", "IT", None]),
    "birth_date": st.sampled_from(["1984-03-02", "1990-01-02", "?", None]),
    "phone": st.sampled_from(["030 1234567", "030 7654321", None]),
}
ACCOUNTS = st.fixed_dictionaries({}, optional=VALUES)
SOURCES = dict(zip(TARGETS, ("user_name", "mail", "employee_number", "given_name", "family_name"), strict=False)) | {
    "dept": "department",
    "birth_date": "birth_date",
    "phone": "phone",
}
PEOPLE = st.fixed_dictionaries({}, optional={SOURCES[name]: values for name, values in VALUES.items()})
RULE_SETS = st.sampled_from([RULES, OTHERS])
FREQUENCIES = st.sampled_from([None, COMMON])
TOLD = st.one_of(st.none(), tellings(accounts=4))
relaxed = settings(deadline=None, max_examples=300)


def prepared(
    person: Mapping[str, Any], accounts: list[dict[str, Any]], rules: RuleSet
) -> tuple[Prepared, list[Prepared]]:
    subject = prepare_subject(identity(dict(person)), rules)
    others = [candidate(each, number=100 + place) for place, each in enumerate(accounts)]
    return subject, [prepare_candidate(each, rules, side=Side.ACCOUNT) for each in others]


@relaxed
@given(PEOPLE, ACCOUNTS, RULE_SETS, FREQUENCIES, TOLD)
def test_no_pair_scores_more_than_what_it_could_reach_at_best(
    person: dict[str, Any], account: dict[str, Any], rules: RuleSet, frequencies: Any, told: Told | None
) -> None:
    subject, [other] = prepared(person, [account], rules)

    best = at_best(subject, other, rules, frequencies=frequencies, is_told=told is not None)
    found = score(subject, other, rules, frequencies=frequencies, told=told or NOTHING)

    if best is None:
        assert found.strong or found.definitive or told is not None
    else:
        assert found.points <= best + 1e-9
        assert not found.strong
        assert not found.definitive


@relaxed
@given(PEOPLE, st.lists(ACCOUNTS, max_size=4), RULE_SETS, FREQUENCIES, TOLD)
def test_whoever_is_nobodys_would_have_been_decided_so(
    person: dict[str, Any], accounts: list[dict[str, Any]], rules: RuleSet, frequencies: Any, told: Told | None
) -> None:
    subject, others = prepared(person, accounts, rules)

    surely = is_nobodys(subject, others, rules, frequencies=frequencies, is_told=told is not None)
    result = correlate_one(subject, others, rule_set=rules, frequencies=frequencies, told=told or NOTHING)

    assert not surely or result.decision is Decision.NONE


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(NAMESAKES | {"first_name": "Berta"}, True, id="only a family name in common"),
        pytest.param(NAMESAKES, True, id="a namesake with another number and day of birth"),
        pytest.param(HERS, False, id="her own"),
        pytest.param({"first_name": "Anna", "last_name": "Müller"}, False, id="nothing known but the name"),
        pytest.param(NAMESAKES | {"emp_no": 42}, False, id="an identifier agrees and all else speaks against it"),
    ],
)
def test_only_those_are_left_out_who_could_not_even_be_a_case(account: dict[str, Any], expected: bool) -> None:
    subject, others = prepared(ANNA, [account], RULES)

    assert is_nobodys(subject, others, RULES) is expected


def test_nothing_is_left_out_where_more_points_do_not_mean_more_likely() -> None:
    subject, others = prepared(ANNA, [NAMESAKES], RULES)
    upside_down = RuleSet(rules=RULES.rules, slope=-1.0)

    assert is_nobodys(subject, others, upside_down) is False


class Given:
    """The same candidates for everybody."""

    hashes = None

    def __init__(self, candidates: list[Candidate]) -> None:
        self.candidates = candidates

    async def by_keys(self, keys: Sequence[Sequence[MatchKey]], limit: int) -> list[list[Candidate]]:
        return [self.candidates[:limit] for _ in keys]


def _said(verdict: Verdict, *, number: int = 100, of: Any = None, evidence: Any = None) -> PersonDecision:
    return PersonDecision(ref(number), of or ref(1), verdict, evidence or {})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([], True, id="nothing"),
        pytest.param([_said(Verdict.IS)], False, id="it is theirs"),
        pytest.param([_said(Verdict.IS, number=999)], False, id="another one is theirs"),
        pytest.param(
            [_said(Verdict.IS, evidence=evidence_of_pair({}, NAMESAKES, RULES))],
            False,
            id="it is theirs and has changed since",
        ),
        pytest.param([_said(Verdict.IS_NOT)], True, id="it is not theirs"),
        pytest.param([_said(Verdict.NOBODY, of=NOBODY)], True, id="it is nobody's"),
    ],
)
async def test_what_people_said_counts_as_in_a_full_comparison(said: list[PersonDecision], expected: bool) -> None:
    service, source = CorrelationService(), Given([candidate(NAMESAKES)])
    question = Question(identity(), said)

    assert await service.without_counterpart([question], rule_set=RULES, source=source) == [expected]
    [result] = await service.correlate_each([question], rule_set=RULES, source=source)
    assert (result.decision is Decision.NONE) is expected


async def test_a_candidate_that_changed_is_not_taken_for_what_it_was() -> None:
    service, source = CorrelationService(), Given([candidate(NAMESAKES)])
    questions = [Question(identity())]
    before = await service.without_counterpart(questions, rule_set=RULES, source=source)

    source.candidates = [candidate(HERS)]
    after = await service.without_counterpart(questions, rule_set=RULES, source=source)
    by_other_rules = await service.without_counterpart(questions, rule_set=RuleSet(), source=source)

    assert (before, after, by_other_rules) == ([True], [False], [True])
