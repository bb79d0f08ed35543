from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox import randomness
from worker.sandbox.library import chance
from worker.sandbox.library.passwords import check


@pytest.fixture(autouse=True)
def no_seed_is_left() -> Iterator[None]:
    yield
    randomness.begin(b"")


@given(
    st.binary(min_size=1, max_size=32),
    st.integers(8, 64),
    st.sets(st.sampled_from(["lower", "upper", "digit", "symbol"]), min_size=1),
    st.lists(st.sampled_from(["anna", "Ek", "a.ek"]), max_size=2),
)
def test_a_password_keeps_to_the_policy_it_was_made_for(
    seed: bytes, length: int, classes: set[str], avoid: list[str]
) -> None:
    policy = {"min_length": 8, "classes": sorted(classes), "avoid": avoid, "exclude": "xyz;"}
    randomness.begin(seed)

    made = chance.password(policy, length=length)

    assert len(made) == length
    assert check(made, policy) == []
    assert not set(made) & set("Il1|O0'\"`xyz;")


def test_the_length_of_a_password_follows_the_policy() -> None:
    randomness.begin(b"seed")

    assert len(chance.password()) == 16
    assert len(chance.password({"min_length": 20})) == 20
    assert len(chance.password({"max_length": 12})) == 12
    assert len(chance.password({"length": 30})) == 30


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param({"classes": ["digit"], "exclude": "0123456789"}, id="nothing is allowed"),
        pytest.param({"classes": ["digit"], "max_repeat": 1, "exclude": "123456780"}, id="only one is allowed"),
        pytest.param({"max_length": 3, "min_length": 3}, id="shorter than its classes"),
    ],
)
def test_a_policy_that_nothing_can_keep_is_an_error(policy: dict[str, object]) -> None:
    randomness.begin(b"seed")

    with pytest.raises(ValueError, match="no password can keep to this policy"):
        chance.password(policy)


def test_values_are_drawn_anew_by_each_call_and_alike_from_each_seed() -> None:
    randomness.begin(b"seed")
    first = [chance.alnum(16), chance.alnum(16), chance.digits(8), chance.uuid4()]
    randomness.begin(b"seed")
    again = [chance.alnum(16), chance.alnum(16), chance.digits(8), chance.uuid4()]

    assert first == again
    assert first[0] != first[1]
    assert first[2].isdecimal()
    assert UUID(first[3]).version == 4


def test_no_digit_is_favoured() -> None:
    randomness.begin(b"seed")

    counts = Counter(chance.digits(256) for _ in range(1))
    counts = Counter("".join(chance.digits(256) for _ in range(40)))

    assert set(counts) == set("0123456789")
    assert max(counts.values()) < 1.25 * min(counts.values())
