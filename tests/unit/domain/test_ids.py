"""Ids that sort by the time they were made."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122

from worker.domain import ids
from worker.domain.ids import uuid7


def test_id_is_a_version_7_uuid_of_this_millisecond():
    before = time.time_ns() // 1_000_000
    made = uuid7()

    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 >= before


def test_ids_of_one_process_rise_strictly():
    made = [uuid7() for _ in range(5_000)]

    assert made == sorted(set(made))


def test_ids_rise_while_the_clock_goes_back(monkeypatch):
    first = uuid7()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 0)

    assert uuid7() > first


def test_threads_make_no_id_twice():
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: uuid7(), range(2_000)))

    assert len(set(made)) == len(made)
