from uuid import UUID

import pytest

from worker.cli.arguments import id_of, word_of, words_of
from worker.domain.errors import InvalidRequest
from worker.domain.run import RunMode
from worker.security import Role


def test_an_id_is_read_as_it_was_copied() -> None:
    text = "01a2020e-cf9a-75eb-a224-f19eccaa69c9"

    assert id_of(text) == UUID(text)


def test_what_is_no_id_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"^12 is not an id\.$"):
        id_of("12")


def test_an_unknown_word_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidRequest, match=r"^half is not a mode; there are full, delta\.$"):
        word_of(RunMode, "half", noun="mode")


def test_several_words_are_a_set() -> None:
    assert words_of(Role, ["viewer", "admin", "viewer"], noun="role") == {Role.VIEWER, Role.ADMIN}
