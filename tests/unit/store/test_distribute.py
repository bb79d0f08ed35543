"""What is spread over a cluster, in which order, and when it is left alone."""

from dataclasses import replace

import pytest

from worker.store.distribute import LARGEST_BYTES, Layout, by_tenant, everywhere, refusal

BEFORE = Layout(
    tables={"accounts": True, "due_work": True, "operations": True, "tenants": False, "workers": False},
    spread=frozenset(),
    size_bytes=LARGEST_BYTES,
    at_work=0,
    nodes=2,
)
HALFWAY = replace(BEFORE, spread=frozenset({"operations", "tenants"}))
DONE = replace(BEFORE, spread=frozenset(BEFORE.tables))


@pytest.mark.parametrize(
    ("layout", "spread", "copied"),
    [
        pytest.param(BEFORE, ("operations", "accounts", "due_work"), ("tenants", "workers"), id="never"),
        pytest.param(HALFWAY, ("accounts", "due_work"), ("workers",), id="interrupted"),
        pytest.param(DONE, (), (), id="done"),
    ],
)
def test_what_is_left_is_spread_beside_the_operations(
    layout: Layout, spread: tuple[str, ...], copied: tuple[str, ...]
) -> None:
    assert (by_tenant(layout), everywhere(layout)) == (spread, copied)


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        pytest.param(replace(BEFORE, at_work=3), "3 daemons are at work: stop them all", id="daemons at work"),
        pytest.param(replace(BEFORE, size_bytes=LARGEST_BYTES + 1), "up to 1024 MiB are moved", id="too large"),
        pytest.param(replace(HALFWAY, at_work=1), "1 daemons are at work", id="interrupted, daemons at work"),
    ],
)
def test_nothing_is_moved_while_others_work_or_when_it_is_much(layout: Layout, words: str) -> None:
    assert words in (refusal(layout) or "")


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(BEFORE, id="small and quiet"),
        pytest.param(HALFWAY, id="interrupted"),
        pytest.param(replace(DONE, at_work=3, size_bytes=2 * LARGEST_BYTES), id="done, and in use"),
    ],
)
def test_nothing_speaks_against_it(layout: Layout) -> None:
    assert refusal(layout) is None
