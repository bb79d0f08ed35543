"""What a test that needs a server meets where there is none."""

import pytest

from tests import conftest

ABSENT = {"ghost": ((("sh",), ("no-such-program",)), "apt-get install ghost"), "shell": ((("no-such", "sh"),), "")}


class Item:
    """As much of a collected test as the check looks at."""

    def __init__(self, *services: str) -> None:
        self.services = services

    def iter_markers(self, name: str) -> list[pytest.Mark]:
        return [getattr(pytest.mark, name)(*self.services).mark]


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "SERVICES", ABSENT)
    monkeypatch.delenv("REQUIRE_SERVICES", raising=False)


def test_absent_server_skips_and_says_how_to_get_it():
    with pytest.raises(pytest.skip.Exception, match=r"no-such-program is not installed: apt-get install ghost"):
        conftest.pytest_runtest_setup(Item("ghost"))


def test_absent_server_fails_where_all_are_required(monkeypatch):
    monkeypatch.setenv("REQUIRE_SERVICES", "1")

    with pytest.raises(pytest.fail.Exception, match="needs ghost"):
        conftest.pytest_runtest_setup(Item("shell", "ghost"))


def test_present_server_lets_the_test_run():
    conftest.pytest_runtest_setup(Item("shell"))


def test_unknown_server_is_a_mistake():
    with pytest.raises(pytest.fail.Exception, match="not one of ghost, shell"):
        conftest.pytest_runtest_setup(Item("gohst"))


@pytest.mark.parametrize(
    "dsn",
    [
        pytest.param("postgresql://u:p%2F@h:1/a", id="plain"),
        pytest.param("postgresql://u:p%2F@h:1/a?x=1", id="options"),
    ],
)
def test_another_database_of_the_same_server_keeps_the_rest(dsn):
    assert conftest.at_database(dsn, "b") == dsn.replace("/a", "/b")
