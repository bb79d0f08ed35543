"""What holds of every rule."""

import pytest

from worker.domain.mapping import MappingRule


@pytest.mark.parametrize("target", ["password", "userPassword", "unicodePwd"])
def test_a_password_is_secret_whoever_forgets_to_say_so(target: str) -> None:
    assert MappingRule(target, source="seed").secret


def test_what_is_only_named_alike_is_not() -> None:
    assert not MappingRule("passwordExpires", source="until").secret
