"""The console over the sample without a browser: requests in, answers out."""

from starlette.testclient import TestClient

from tests.e2e.fakes.acts import COOKIE, Person
from tests.e2e.fakes.server import build, fake_console


class House:
    """One person signed in, with these roles; what acts were asked for is in the parts of ``console``."""

    def __init__(self, *roles: str) -> None:
        self.console = fake_console(person=Person(roles=frozenset(roles or {"admin"})))
        self.web = TestClient(build(self.console), cookies={COOKIE: "in"}, follow_redirects=False)
