"""Who is believed about an attribute, and that two targets and a source come to rest whatever is edited where."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.precedence import SILENCE, Sharing, believed, choose, reorder, same, settle, speaks_first, word

FILE, FIRST, SECOND = "0-file", "1-first", "2-second"


def sharing(**numbers: int) -> Sharing:
    """Two targets that let ``room`` in, and a file; ``first=50`` gives a number."""
    known = {FILE: 100, FIRST: 200, SECOND: 200}
    names = {"file": FILE, "first": FIRST, "second": SECOND}
    return Sharing(
        names=frozenset({"room"}),
        returned=frozenset({(FIRST, "room"), (SECOND, "room")}),
        numbers=known | {names[name]: number for name, number in numbers.items()},
        targets=frozenset({FIRST, SECOND}),
    )


@pytest.mark.parametrize(
    ("said", "numbers", "expected"),
    [
        pytest.param({}, {}, None, id="nobody has a word"),
        pytest.param({FIRST: None}, {}, None, id="a word was taken back"),
        pytest.param({FIRST: "A", FILE: "B"}, {}, FILE, id="a source of people comes before a target"),
        pytest.param({FIRST: "A", FILE: "B"}, {"first": 50}, FIRST, id="the lower number is believed"),
        pytest.param({SECOND: "A", FIRST: "B"}, {}, FIRST, id="of equals the earlier connector"),
        pytest.param({FIRST: None, SECOND: "B"}, {"first": 50}, SECOND, id="who says nothing is not believed"),
        pytest.param({"event:hr": "A", FIRST: "B"}, {}, "event:hr", id="events are a source of people"),
    ],
)
def test_of_those_who_have_a_word_the_highest_is_believed(
    said: dict[str, Any], numbers: dict[str, int], expected: str | None
) -> None:
    assert believed(said, attribute="room", sharing=sharing(**numbers)) == expected


def test_a_target_whose_mapping_lets_the_attribute_in_no_more_is_not_believed() -> None:
    known = sharing(first=50)
    without = Sharing(known.names, frozenset({(SECOND, "room")}), known.numbers, known.targets)

    assert believed({FIRST: "A", SECOND: "B"}, attribute="room", sharing=without) == SECOND


@pytest.mark.parametrize(
    ("settings_of_target", "expected"),
    [
        pytest.param({}, False, id="not set"),
        pytest.param({"precedence": 99}, True, id="before sources"),
        pytest.param({"precedence": 100}, False, id="like sources"),
        pytest.param({"precedence": True}, False, id="no number"),
    ],
)
def test_a_target_that_is_believed_before_sources_speaks_first(
    settings_of_target: dict[str, Any], expected: bool
) -> None:
    assert speaks_first(settings_of_target) is expected


def test_the_present_value_is_the_word_of_its_authority_and_is_kept_when_another_is_believed() -> None:
    settled = settle(
        {"room": "A"}, {"room": FILE}, said={"room": {FIRST: "B"}}, names=["room"], sharing=sharing(first=50)
    )

    assert (settled.attributes, settled.authority) == ({"room": "B"}, {"room": FIRST})
    assert settled.noted == {"room": (FILE, "A")}


def test_the_word_of_the_only_one_who_has_said_anything_is_not_kept_twice() -> None:
    settled = settle({"room": "A"}, {"room": FILE}, said={}, names=["room"], sharing=sharing())

    assert (settled.attributes, settled.authority, settled.noted) == ({"room": "A"}, {"room": FILE}, {})


def test_when_the_believed_value_is_gone_the_next_word_counts() -> None:
    words = {"room": {FIRST: None, FILE: "A"}}

    settled = settle({"room": "B"}, {"room": FIRST}, said=words, names=["room"], sharing=sharing(first=50))

    assert (settled.attributes, settled.authority) == ({"room": "A"}, {"room": FILE})


def test_without_any_word_left_the_attribute_goes() -> None:
    settled = settle(
        {"room": "B", "x": 1}, {"room": FIRST}, said={"room": {FIRST: None}}, names=["room"], sharing=sharing()
    )

    assert (settled.attributes, settled.authority) == ({"x": 1}, {})


def test_a_value_nobody_answers_for_stays_until_somebody_has_a_word() -> None:
    silent = settle({"room": "A"}, {}, said={"room": {FIRST: None}}, names=["room"], sharing=sharing())
    said = settle({"room": "A"}, {}, said={"room": {FIRST: "B"}}, names=["room"], sharing=sharing())

    assert (silent.attributes, said.attributes) == ({"room": "A"}, {"room": "B"})


@pytest.mark.parametrize(
    ("seen", "facts", "expected"),
    [
        pytest.param("A", {"current": "A"}, SILENCE, id="it has what the person has"),
        pytest.param("A", {"current": "B", "is_sent": True}, SILENCE, id="it has what we wrote there last"),
        pytest.param("A", {"current": "B"}, "A", id="somebody changed it there"),
        pytest.param("B", {"current": "B", "stated": "A"}, None, id="its own word was overruled and repaired"),
        pytest.param("B", {"current": "A", "stated": "A", "is_holder": True}, "B", id="who is believed says otherwise"),
        pytest.param(None, {"current": "A", "stated": "A", "is_holder": True}, None, id="its value is gone"),
        pytest.param("A", {"current": "A", "stated": "A", "is_holder": True}, SILENCE, id="it says what it said"),
        pytest.param("A", {"current": "A", "is_returned_only": True}, "A", id="what we never write is always its word"),
        pytest.param(["b", "a"], {"stated": ["a", "b"], "is_returned_only": True}, SILENCE, id="values have no order"),
    ],
)
def test_what_a_target_says_by_what_it_shows(seen: Any, facts: dict[str, Any], expected: Any) -> None:
    known = {"stated": None, "current": None, "is_holder": False, "is_sent": False, "is_returned_only": False}

    assert word(seen, **(known | facts)) == expected


def test_a_single_value_is_a_list_of_one_and_empty_is_none() -> None:
    assert same(["a"], "a")
    assert same("", None)
    assert not same("a", "A")


@dataclass
class World:
    """One person with an account at each of two targets, and a file; everything works as in a run of each."""

    sharing: Sharing
    value: str | None = None
    authority: dict[str, str] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    there: dict[str, str | None] = field(default_factory=lambda: {FIRST: None, SECOND: None})
    wanted: dict[str, str | None] = field(default_factory=lambda: {FIRST: None, SECOND: None})

    def hears(self, source: str, value: str | None) -> None:
        before = {} if self.value is None else {"room": self.value}
        said = {"room": {**self.words, source: value}}
        settled = settle(before, self.authority, said=said, names=["room"], sharing=self.sharing)
        self.value, self.authority = settled.attributes.get("room"), settled.authority
        kept = {source: value} | dict(settled.noted.values())
        self.words = {name: each for name, each in (self.words | kept).items() if each is not None}

    def looks(self, target: str) -> None:
        """A run: what the target says is heard, then the account is brought to what is wanted."""
        said = word(
            self.there[target],
            stated=self.words.get(target),
            current=self.value,
            is_holder=self.authority.get("room") == target,
            is_sent=self.there[target] == self.wanted[target],
            is_returned_only=False,
        )
        if said is not SILENCE:
            self.hears(target, said)
        if self.authority.get("room") == target:
            self.wanted[target] = self.there[target]
        self.plans()
        self.there[target] = self.wanted[target]

    def plans(self) -> None:
        """What is wanted anew is written there before the next run: one of an account at work is not looked at."""
        for target in self.there:
            if self.authority.get("room") != target and self.wanted[target] != self.value:
                self.wanted[target] = self.there[target] = self.value

    def does(self, edit: tuple[str, str | None]) -> None:
        where, value = edit
        if where == FILE:
            self.hears(FILE, value)
            self.plans()
        else:
            self.there[where] = value

    @property
    def state(self) -> tuple[Any, ...]:
        return self.value, tuple(self.authority.items()), tuple(self.there.items()), tuple(sorted(self.words.items()))


EDITS = st.lists(st.tuples(st.sampled_from([FILE, FIRST, SECOND, "run 1", "run 2"]), st.sampled_from(["A", "B", None])))


@settings(max_examples=400)
@given(EDITS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_whatever_is_edited_where_two_rounds_later_everything_rests(
    edits: list[tuple[str, str | None]], file: int, first: int, second: int
) -> None:
    world = World(sharing(file=file, first=first, second=second))
    for where, value in edits:
        if where in {"run 1", "run 2"}:
            world.looks(FIRST if where == "run 1" else SECOND)
        else:
            world.does((where, value))
    for _ in range(2):
        world.looks(FIRST)
        world.looks(SECOND)
    rest = world.state

    world.looks(SECOND)
    world.looks(FIRST)

    assert world.state == rest
    assert set(world.there.values()) == {world.value}


@pytest.mark.parametrize(
    ("value", "said", "after", "owners", "noted"),
    [
        pytest.param("X", {}, {"room": "X"}, {"room": "crm"}, {"room": ("hr", "A")}, id="the word before is kept"),
        pytest.param("X", {"hr": "A"}, {"room": "X"}, {"room": "crm"}, {}, id="the word before is known"),
        pytest.param(None, {"hr": "A"}, {}, {}, {}, id="no value"),
        pytest.param([], {"hr": "A"}, {}, {}, {}, id="an empty list"),
    ],
)
def test_what_a_person_chooses_counts_whatever_the_numbers(
    value: Any, said: dict[str, Any], after: Any, owners: Any, noted: Any
) -> None:
    chosen = choose({"room": "A"}, {"room": "hr"}, source="crm", values={"room": value}, said={"room": said})

    assert (chosen.attributes, chosen.authority, chosen.noted) == (after, owners, noted)


def test_what_nobody_answered_for_is_no_word_when_somebody_chooses() -> None:
    chosen = choose({"room": "A"}, {}, source="crm", values={"room": "X"}, said={})

    assert (chosen.attributes, chosen.authority, chosen.noted) == ({"room": "X"}, {"room": "crm"}, {})


def test_other_numbers_reorder_what_is_known() -> None:
    found = reorder(
        {"room": "X"},
        {"room": FIRST},
        said={"room": {FILE: "A", FIRST: "X"}},
        before=sharing(first=50),
        sharing=sharing(first=300),
    )

    assert (found.attributes, found.authority) == ({"room": "A"}, {"room": FILE})


@pytest.mark.parametrize(
    "authority",
    [
        pytest.param({"room": SECOND}, id="a person chose another one"),
        pytest.param({}, id="a person took the value away"),
    ],
)
def test_what_a_person_decided_is_not_reordered(authority: dict[str, str]) -> None:
    said = {"room": {FILE: "A", FIRST: "X", SECOND: "Y"}}
    attributes = {"room": "Y"} if authority else {}

    found = reorder(attributes, authority, said=said, before=sharing(first=50), sharing=sharing(first=300))

    assert (found.attributes, found.authority) == (attributes, authority)


WORDS = st.dictionaries(st.sampled_from([FILE, FIRST, SECOND]), st.sampled_from(["A", "B", "C"]), min_size=1)
NUMBERS = st.fixed_dictionaries({name: st.integers(40, 60) for name in ("file", "first", "second")})


@given(words=WORDS, before=NUMBERS, now=NUMBERS)
def test_reordering_comes_to_what_the_new_numbers_would_have_made_of_the_words(
    words: dict[str, str], before: dict[str, int], now: dict[str, int]
) -> None:
    said = {"room": words}
    settled = settle({}, {}, said=said, names=["room"], sharing=sharing(**before))

    found = reorder(settled.attributes, settled.authority, said=said, before=sharing(**before), sharing=sharing(**now))

    anew = settle({}, {}, said=said, names=["room"], sharing=sharing(**now))
    assert (found.attributes, found.authority) == (anew.attributes, anew.authority)
