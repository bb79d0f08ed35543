import pytest

from worker.sandbox.watch import Watch


def test_the_timers_are_armed_around_the_work_and_disarmed_after_a_failure() -> None:
    armed: list[tuple[float, float]] = []
    watch = Watch(arm=lambda cpu_s, wall_s: armed.append((cpu_s, wall_s)))
    with pytest.raises(RuntimeError), watch.limit(0.1):
        raise RuntimeError

    assert armed == [(pytest.approx(0.2), pytest.approx(2.0)), (0, 0)]


def test_work_is_late_when_its_budget_of_processor_time_is_used_up() -> None:
    watch = Watch(arm=lambda cpu_s, wall_s: None)
    with watch.limit(60):
        assert not watch.is_late()
    with watch.limit(-1):
        assert watch.is_late()
