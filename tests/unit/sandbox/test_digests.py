import hashlib
import hmac
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.library import digests


@given(st.uuids(), st.text(max_size=40))
def test_uuid5_is_that_of_the_standard_library(namespace: uuid.UUID, name: str) -> None:
    assert digests.uuid5(str(namespace), name) == str(uuid.uuid5(namespace, name))


@pytest.mark.parametrize("name", ["dns", "url", "oid", "x500"])
def test_the_namespaces_of_the_rfc_have_names(name: str) -> None:
    assert digests.uuid5(name, "a") == str(uuid.uuid5(getattr(uuid, f"NAMESPACE_{name.upper()}"), "a"))


@pytest.mark.parametrize("namespace", ["", "dsn", "6ba7b810", "x" * 32])
def test_uuid5_refuses_what_is_no_namespace(namespace: str) -> None:
    with pytest.raises(ValueError, match="the namespace is a UUID"):
        digests.uuid5(namespace, "a")


@given(st.text(max_size=40), st.text(max_size=40))
def test_digests_are_of_utf_8(key: str, value: str) -> None:
    assert digests.sha256(value) == hashlib.sha256(value.encode()).hexdigest()
    assert digests.hmac_sha256(key, value) == hmac.new(key.encode(), value.encode(), "sha256").hexdigest()


def test_base64_refuses_what_would_grow_too_long() -> None:
    assert digests.base64("é") == "w6k="
    with pytest.raises(ValueError, match="longer than 64 KiB"):
        digests.base64("a" * 60_000)
