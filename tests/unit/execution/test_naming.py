from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from worker.domain.operation import OperationType
from worker.execution.naming import Offer, assign, taken_by
from worker.execution.wish import Naming, Wish
from worker.store.taken_names import normal

CANDIDATES = st.lists(st.sampled_from(["a", "A", "b", "c", "d", "é", "e\u0301"]), min_size=1, max_size=5, unique=True)
OFFERS = st.lists(CANDIDATES, min_size=1, max_size=8)
TAKEN = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 12))


def offer(number: int, *candidates: str, refused: frozenset[tuple[str, str]] = frozenset()) -> Offer:
    return Offer(UUID(int=number), UUID(int=number + 100), "login", candidates, refused=refused)


def test_the_first_free_candidate_is_the_account_s() -> None:
    taken = {("login", "a"): UUID(int=9)}

    assert assign([offer(1, "A", "B"), offer(2, "b", "c"), offer(3, "b")], taken, look=None) == ["B", "c", None]


def test_what_an_account_took_before_is_its_own_though_a_better_one_is_free() -> None:
    assert assign([offer(1, "a", "b")], {("login", "b"): UUID(int=1)}, look=None) == ["b"]


def test_what_the_target_refused_is_passed_over() -> None:
    assert assign([offer(1, "a", "b", refused=frozenset({("login", "a")}))], {}, look=None) == ["b"]


def test_only_the_first_candidates_are_looked_at_unless_an_earlier_choice_has_to_be_found() -> None:
    taken = {("login", "a"): UUID(int=9)}

    assert assign([offer(1, "a", "b")], taken, look=1) == [None]
    assert Offer(UUID(int=1), UUID(int=2), "login", ("a", "b"), is_again=True).within(1) == ["a", "b"]


@given(OFFERS, TAKEN)
def test_no_two_accounts_get_the_same_name_and_nobody_goes_without_while_one_is_left(
    offered: list[list[str]], taken: dict[str, int]
) -> None:
    offers = [offer(number, *candidates) for number, candidates in enumerate(offered, 1)]
    held = {("login", name): UUID(int=number) for name, number in taken.items()}

    found = assign(offers, held, look=None)

    given_names = [normal(value) for value in found if value is not None]
    assert len(given_names) == len(set(given_names))
    for each, value in zip(offers, found, strict=True):
        holders = {held.get(("login", normal(candidate))) for candidate in each.candidates}
        if value is None:
            assert all(normal(candidate) in {*given_names, *taken} for candidate in each.candidates)
        else:
            assert value in each.candidates
            assert held.get(("login", normal(value))) in {None, each.account_id}
            assert each.account_id not in holders or held.get(("login", normal(value))) == each.account_id


def test_names_that_differ_in_case_width_or_composition_are_one() -> None:
    assert len({normal(each) for each in ("Café", "CAFE\u0301", " café", "ｃａｆé")}) == 1
    assert normal("straße") == normal("STRASSE")


def test_what_a_target_may_mean_that_says_that_an_account_exists() -> None:
    asked = Wish(OperationType.CREATE, {"login": "x"}, None)
    wish = Wish(OperationType.CREATE, {"login": "a", "mail": "b", "n": 1}, None)

    assert taken_by(wish, naming="login") is None
    made = Wish(wish.kind, wish.attributes, None, naming=Naming(asked=asked))
    offered = Wish(wish.kind, wish.attributes, None, naming=Naming(asked=asked, offered={"mail": "hook"}))
    settled = Wish(wish.kind, wish.attributes, None, naming=Naming(asked=asked, is_settled=True))
    values = [found.values if found else None for found in (taken_by(each, naming="login") for each in (made, offered))]
    assert values == [{"login": "a"}, {"mail": "b"}]
    assert taken_by(settled, naming="login") is None
    assert taken_by(made, naming="n") is None
