from hypothesis import given
from hypothesis import strategies as st

from worker.intake.seen import SeenKeys

keys = st.sampled_from([f"k{n}" for n in range(30)])


@given(st.lists(st.lists(keys, max_size=20), max_size=12))
def test_it_tells_like_a_set_what_was_seen(pages: list[list[str]]) -> None:
    seen, model = SeenKeys(), set()
    for page in pages:
        expected = []
        for key in page:
            expected.append(key in model)
            model.add(key)
        assert seen.add(page)[0] == expected

    assert seen.count == len(model)
    assert seen.missing(f"k{n}" for n in range(31)) == [f"k{n}" not in model for n in range(31)]


@given(st.lists(st.lists(keys, max_size=20), max_size=12))
def test_what_was_packed_is_known_again(pages: list[list[str]]) -> None:
    before, after = SeenKeys(), SeenKeys()
    for page in pages:
        after.restore(before.add(page)[1])

    assert after.count == before.count
    assert after.missing(key for page in pages for key in page) == [False for page in pages for _ in page]
