"""The arrays that remember what is known and seen."""

import struct
from hashlib import md5

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from worker.recon.seen import SeenIndex, hash_uids, pack, unpack

CONTENTS = st.integers(min_value=-(2**63), max_value=2**63 - 1)


def index_of(known: dict[str, int | None]) -> SeenIndex:
    """From rows as the database copies them."""
    head = struct.pack(">hi", 1, 17)
    rows = [
        head + md5(uid.encode()).digest()[:8] + struct.pack(">q?", agreed or 0, agreed is not None)
        for uid, agreed in known.items()
    ]
    return SeenIndex.load(b"".join(rows))


@given(known=st.dictionaries(st.text(), st.none() | CONTENTS), shown=st.dictionaries(st.text(), CONTENTS))
def test_index_answers_as_plain_sets_would(known: dict[str, int | None], shown: dict[str, int]) -> None:
    index = index_of(known)

    is_first, is_settled = index.examine(hash_uids(shown), np.array(list(shown.values()), dtype=np.int64))
    index.mark(hash_uids(shown))
    again, _ = index.examine(hash_uids(shown), np.array(list(shown.values()), dtype=np.int64))

    assert is_first.all()
    assert list(is_settled) == [known.get(uid) == content and uid in known for uid, content in shown.items()]
    assert not again.any()
    assert (index.known, index.seen) == (len(known), len(shown))
    assert index.lost == len(known.keys() - shown.keys())
    assert {uid for uid in known if index.is_lost(uid)} == known.keys() - shown.keys()
    assert all(index.has_seen(uid) for uid in shown)


def test_account_that_never_agreed_is_not_settled_by_the_number_zero() -> None:
    index = index_of({"a": None, "b": 0})

    _, is_settled = index.examine(hash_uids(["a", "b"]), np.zeros(2, dtype=np.int64))

    assert list(is_settled) == [False, True]


@given(st.lists(st.text()))
def test_checkpoint_keeps_what_was_seen(uids: list[str]) -> None:
    assert np.array_equal(unpack(pack(hash_uids(uids))), hash_uids(uids))
