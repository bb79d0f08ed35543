import pytest

from worker.service.demo.organisation import Organisation, generate


@pytest.fixture(scope="session")
def organisation() -> Organisation:
    """Some of the people, with a bit of everything."""
    return generate(count=500)
