"""How an identity looks to mappings."""

from uuid import UUID

from worker.domain.identity import Identity


def test_the_four_fixed_names_stand_over_attributes_of_the_same_name():
    identity = Identity(UUID(int=7), "E1", "anna", {"mail": "a@b", "user_name": "other", "active": "yes"}, active=False)

    assert identity.as_source() == {
        "mail": "a@b",
        "id": str(UUID(int=7)),
        "external_id": "E1",
        "user_name": "anna",
        "active": False,
    }
