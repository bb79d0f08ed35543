"""Values sealed for an account, and their fingerprints, over a change of keys."""

from uuid import UUID

import pytest

from worker.domain.errors import UnreadableSecret
from worker.security import Vault, changed, fingerprints, new_key, open_values, parse_key, seal_values

TENANT, ADA, BEN = UUID(int=1), UUID(int=2), UUID(int=3)
OLD, NEW = parse_key(new_key()), parse_key(new_key())
VALUES = {"password": "blue heron", "pins": [1, 2]}


def test_values_open_for_their_account_alone() -> None:
    vault = Vault([OLD])
    sealed = seal_values(VALUES, vault=vault, tenant_id=TENANT, account_id=ADA)

    assert open_values(sealed, vault=vault, tenant_id=TENANT, account_id=ADA) == VALUES
    with pytest.raises(UnreadableSecret):
        open_values(sealed, vault=vault, tenant_id=TENANT, account_id=BEN)


def test_a_value_opens_under_its_own_name_alone() -> None:
    vault = Vault([OLD])
    sealed = seal_values({"password": "blue heron"}, vault=vault, tenant_id=TENANT, account_id=ADA)

    with pytest.raises(UnreadableSecret):
        open_values({"title": sealed["password"]}, vault=vault, tenant_id=TENANT, account_id=ADA)


def test_what_was_sealed_before_a_rotation_opens_after_it() -> None:
    sealed = seal_values(VALUES, vault=Vault([OLD]), tenant_id=TENANT, account_id=ADA)

    assert open_values(sealed, vault=Vault([NEW, OLD]), tenant_id=TENANT, account_id=ADA) == VALUES


@pytest.mark.parametrize("spoilt", ["", "!", "QUJD", None])
def test_what_cannot_be_opened_names_the_attribute_and_no_value(spoilt: str | None) -> None:
    sealed = seal_values({"password": "blue heron"}, vault=Vault([OLD]), tenant_id=TENANT, account_id=ADA)
    given = sealed if spoilt is None else {"password": spoilt}

    with pytest.raises(UnreadableSecret, match="password") as raised:
        open_values(given, vault=Vault([NEW]), tenant_id=TENANT, account_id=ADA)

    assert raised.value.fields == {"field": "password"}
    assert "heron" not in str(raised.value)


def test_only_what_is_another_value_is_changed() -> None:
    vault = Vault([OLD])
    known = fingerprints(VALUES, vault=vault, tenant_id=TENANT, account_id=ADA)

    new = changed({**VALUES, "pins": [2, 1], "token": "x"}, known=known, vault=vault, tenant_id=TENANT, account_id=ADA)

    assert new == {"pins": [2, 1], "token": "x"}


def test_a_rotation_changes_no_value() -> None:
    known = fingerprints(VALUES, vault=Vault([OLD]), tenant_id=TENANT, account_id=ADA)

    assert changed(VALUES, known=known, vault=Vault([NEW, OLD]), tenant_id=TENANT, account_id=ADA) == {}


def test_without_the_key_nobody_can_say_whether_a_value_is_the_same() -> None:
    known = fingerprints(VALUES, vault=Vault([OLD]), tenant_id=TENANT, account_id=ADA)

    assert changed(VALUES, known=known, vault=Vault([NEW]), tenant_id=TENANT, account_id=ADA) == VALUES


def test_equal_values_of_two_accounts_have_different_fingerprints() -> None:
    vault = Vault([OLD])

    marks = [fingerprints(VALUES, vault=vault, tenant_id=TENANT, account_id=each) for each in (ADA, BEN)]

    assert not set(marks[0].values()) & set(marks[1].values())


def test_keys_for_purposes_differ_from_each_other_and_from_the_key() -> None:
    vault = Vault([OLD])

    assert len({OLD, vault.derive("one"), vault.derive("other")}) == 3
    assert vault.derive("one") == Vault([OLD, NEW]).derive("one")
