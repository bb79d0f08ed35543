"""What is made of values before they are compared."""

import pytest

from worker.correlation.prepare import LONGEST_LOGIN, login_of


@pytest.mark.parametrize(
    ("text", "login"),
    [
        pytest.param("CORP\\svc-backup", "svc-backup", id="without the Windows domain"),
        pytest.param("svc-backup@corp.example", "svc-backup", id="without the realm"),
        pytest.param("a" * 1_000_000, "a" * LONGEST_LOGIN, id="no longer than a login may be"),
    ],
)
def test_a_service_pattern_sees_the_login_alone(text: str, login: str) -> None:
    assert login_of(text) == login
