"""The arrays that remember what is known and seen."""

import struct
from collections.abc import AsyncIterator
from hashlib import md5

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from worker.recon.seen import SeenIndex, hash_uids, pack, unpack

CONTENTS = st.integers(min_value=-(2**63), max_value=2**63 - 1)


async def pieces(known: dict[str, int | None]) -> AsyncIterator[bytes]:
    """As the database packs them."""
    for uid, agreed in known.items():
        yield md5(uid.encode()).digest()[:8] + struct.pack(">q?", agreed or 0, agreed is not None)


async def index_of(known: dict[str, int | None]) -> SeenIndex:
    return await SeenIndex.load(pieces(known))


@given(known=st.dictionaries(st.text(), st.none() | CONTENTS), shown=st.dictionaries(st.text(), CONTENTS))
async def test_index_answers_as_plain_sets_would(known: dict[str, int | None], shown: dict[str, int]) -> None:
    index = await index_of(known)

    is_first, is_settled = index.examine(hash_uids(shown), list(shown.values()))
    index.mark(hash_uids(shown))
    again, _ = index.examine(hash_uids(shown), list(shown.values()))

    assert is_first.all()
    assert list(is_settled) == [known.get(uid) == content and uid in known for uid, content in shown.items()]
    assert not again.any()
    assert (index.known, index.seen) == (len(known), len(shown))
    assert index.lost == len(known.keys() - shown.keys())
    assert {uid for uid in known if index.is_lost(uid)} == known.keys() - shown.keys()
    assert all(index.has_seen(uid) for uid in shown)


async def test_account_that_never_agreed_is_not_settled_by_the_number_zero() -> None:
    index = await index_of({"a": None, "b": 0})

    _, is_settled = index.examine(hash_uids(["a", "b"]), [0, 0])

    assert list(is_settled) == [False, True]


@given(st.lists(st.text()))
def test_checkpoint_keeps_what_was_seen(uids: list[str]) -> None:
    assert np.array_equal(unpack(pack(hash_uids(uids))), hash_uids(uids))
