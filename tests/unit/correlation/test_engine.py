"""The service looks up by keys and asks for no more than it compares."""

from collections.abc import Sequence
from typing import Any

from tests.unit.correlation.people import ANNA, HERS, RULES, candidate, only, ref
from worker.correlation import CorrelationService, Held, Prepared, Question, RuleSet, Told, match_keys
from worker.domain.correlation import Candidate, Decision, MatchKey, Side, Subject
from worker.domain.identity import Identity


class Records:
    """Our records in memory, looked up as the store does."""

    hashes: frozenset[int] | None = None

    def __init__(self, *records: Candidate, side: Side = Side.ACCOUNT, rules: RuleSet = RULES) -> None:
        self.records = [(set(match_keys(one.attributes, rules, side=side)), one) for one in records]
        self.limits: list[int] = []

    async def by_keys(self, keys: Sequence[Sequence[MatchKey]], limit: int) -> list[list[Candidate]]:
        self.limits.append(limit)
        return [self._best(set(some))[:limit] for some in keys]

    def _best(self, keys: set[MatchKey]) -> list[Candidate]:
        shared = [(len(stored & keys), one) for stored, one in self.records]
        return [one for _, one in sorted((pair for pair in shared if pair[0]), key=lambda pair: -pair[0])]


def anna(**attributes: Any) -> Identity:
    user_name = attributes.pop("user_name", ANNA["user_name"])
    return Identity(ref(1), "E-00042", user_name, ANNA | attributes)


async def test_an_identity_finds_its_account() -> None:
    source = Records(candidate(), candidate({"login": "bert"}, number=101))

    found = await CorrelationService(limit=5).find_account(anna(), rule_set=RULES, source=source)

    assert found.match is not None
    assert found.match.uid == "u100"
    assert source.limits == [5]


async def test_what_a_hook_computed_finds_the_account_too() -> None:
    person = Identity(ref(1), "E-00042", "", only(ANNA, "given_name", "family_name"))
    source = Records(candidate(only(HERS, "login", "first_name", "last_name") | {"login": "amu"}))

    without = await CorrelationService().find_account(person, rule_set=RULES, source=source)
    found = await CorrelationService().find_account(person, rule_set=RULES, source=source, wanted={"login": "amu"})

    assert (without.decision, found.decision) == (Decision.REVIEW, Decision.AUTO)


async def test_only_keys_that_somebody_may_have_are_looked_up() -> None:
    source = Records(candidate())
    hers = frozenset(key.hash for key in match_keys(HERS, RULES, side=Side.ACCOUNT))

    source.hashes = frozenset()
    nobody = await CorrelationService().find_account(anna(), rule_set=RULES, source=source)
    looked_up, source.hashes = list(source.limits), hers
    found = await CorrelationService().find_account(anna(), rule_set=RULES, source=source)

    assert (nobody.decision, looked_up) == (Decision.NONE, [])
    assert found.decision is Decision.AUTO


async def test_an_account_finds_its_owner() -> None:
    source = Records(Candidate(ref(1), anna().as_source(), name="Anna Müller"), side=Side.IDENTITY)

    found = await CorrelationService().find_identity(ref(100), HERS, rule_set=RULES, source=source)

    assert found.match is not None
    assert (found.match.ref_id, found.match.name) == (ref(1), "Anna Müller")


async def test_as_many_as_asked_for_may_not_be_all() -> None:
    account = only(HERS, "first_name", "last_name", "birth_date")

    found = await CorrelationService(limit=1).find_account(anna(), rule_set=RULES, source=Records(candidate(account)))

    assert found.decision is Decision.REVIEW
    assert "more candidates than could be compared" in found.reason


async def test_nothing_is_looked_up_without_a_key() -> None:
    source = Records(candidate())

    found = await CorrelationService().correlate(Subject(ref(1), Side.IDENTITY, {}), rule_set=RULES, source=source)

    assert (found.decision, source.limits) == (Decision.NONE, [])


async def test_tuning_mode_and_expressions_reach_the_decision() -> None:
    rules = [*RULES.to_json()["rules"]]
    rules.append({"name": "e", "source": "x", "target": "y", "match": "expression", "expression": "e", "weight": 1})
    rule_set = RuleSet.from_json({"rules": rules})
    question = Question(Subject(ref(1), Side.IDENTITY, ANNA))

    async def hear(subject: Prepared, candidates: Sequence[Prepared]) -> Told:
        return Told(held={("e", subject.ref_id, each.ref_id): Held(True) for each in candidates})

    [found] = await CorrelationService().correlate_each(
        [question], rule_set=rule_set, source=Records(candidate()), tuning_mode=True, hear=hear
    )

    assert found.decision is Decision.REVIEW
    assert found.candidates[0].contributions[-1].words == "e: the expression holds"
