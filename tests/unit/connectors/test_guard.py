import asyncio
import math
from datetime import timedelta

import pytest

from tests.simulation.clock import VirtualLoop
from worker.connectors.base import ObjectSchema, Page, capabilities_of
from worker.connectors.guard import ConnectorGuard
from worker.domain.account import TargetAccount
from worker.domain.connector import Limits
from worker.domain.errors import (
    ConnectorBug,
    HeldStill,
    InvalidAttributes,
    LeaseLost,
    OutcomeUnknown,
    PermanentError,
    ProtectedAccount,
    TargetBusy,
    TargetTimeout,
    TargetUnavailable,
    UnknownUid,
    Unsupported,
)
from worker.domain.protection import protection
from worker.telemetry.pulse import Pulse

ANNA = TargetAccount("1", {"userName": "anna"}, active=True)


class Script:
    """What the connectors of one test do and have done; ``fails`` holds what the next calls raise."""

    def __init__(self):
        self.calls = []
        self.fails = []
        self.hangs = False
        self.open = 0
        self.opened = 0
        self.at_once = 0
        self.most_at_once = 0


class Scripted:
    def __init__(self, script):
        self.script = script

    async def __aenter__(self):
        self.script.opened += 1
        self.script.open += 1
        await self._do("open", record=False)
        return self

    async def __aexit__(self, *exc_info):
        self.script.open -= 1

    async def test_connection(self):
        await self._do("test")
        return "It answers."

    async def schema(self, object_class):
        return ObjectSchema(object_class, "userName")

    async def search(self, object_class, *, token, page_size):
        await self._do("search")
        return Page((ANNA,), next_token="again")

    async def get(self, object_class, uid):
        await self._do("get")
        return ANNA if uid == "1" else None

    async def find(self, object_class, attribute, value):
        await self._do("find")
        return [ANNA]

    async def create(self, object_class, attributes, *, active):
        await self._do("create")
        return "2"

    async def update(self, object_class, uid, attributes, *, active):
        await self._do("update")
        return uid

    async def delete(self, object_class, uid):
        await self._do("delete")

    async def _do(self, name, *, record=True):
        script = self.script
        if record:
            script.calls.append(name)
        script.at_once += 1
        script.most_at_once = max(script.most_at_once, script.at_once)
        try:
            await asyncio.sleep(0)
            if script.hangs:
                await asyncio.Event().wait()
            if record and script.fails:
                raise script.fails.pop(0)
        finally:
            script.at_once -= 1


class Counter:
    def __init__(self):
        self.seen = []

    def observe_call(self, operation, *, result, seconds):
        assert seconds >= 0
        self.seen.append((operation, result))


@pytest.fixture
def script():
    return Script()


def guard_of(script, *, limits=Limits(), **options):  # noqa: B008 - a frozen value
    return ConnectorGuard(lambda: Scripted(script), capabilities=capabilities_of(Scripted), limits=limits, **options)


async def test_connection_is_opened_by_the_first_call_and_kept(script):
    async with guard_of(script) as guard:
        assert script.opened == 0
        await guard.test_connection()
        await guard.get("user", "1")

        assert (script.opened, script.open) == (1, 1)
    assert script.open == 0


async def test_calls_at_the_same_time_open_one_connection(script):
    async with guard_of(script) as guard:
        await asyncio.gather(*(guard.get("user", "1") for _ in range(20)))

    assert script.opened == 1


async def test_never_more_calls_at_once_than_allowed(script):
    async with guard_of(script, limits=Limits(concurrency=3)) as guard:
        await guard.schema("user")
        await asyncio.gather(*(guard.get("user", "1") for _ in range(20)))

    assert script.most_at_once == 3
    assert len(script.calls) == 20


@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param(lambda guard: guard.create("user", {}), OutcomeUnknown, id="create"),
        pytest.param(lambda guard: guard.update("user", "1", {}), OutcomeUnknown, id="update"),
        pytest.param(lambda guard: guard.delete("user", "1"), OutcomeUnknown, id="delete"),
        pytest.param(lambda guard: guard.get("user", "1"), TargetTimeout, id="get"),
        pytest.param(lambda guard: guard.search("user"), TargetTimeout, id="search"),
        pytest.param(lambda guard: guard.test_connection(), TargetTimeout, id="test"),
    ],
)
async def test_hanging_call_ends_with_the_deadline(script, call, error):
    async with guard_of(script, limits=Limits(deadline_s=0.01)) as guard:
        await guard.schema("user")
        script.hangs = True
        with pytest.raises(error):
            await call(guard)


@pytest.mark.parametrize(
    "hanging_s", [pytest.param(0.0, id="while it waits"), pytest.param(8.0, id="before it gives up")]
)
def test_what_fails_while_we_are_held_still_is_no_failure_of_the_target(script, hanging_s):
    """The answer may have come meanwhile: a timer that is due as well must not be believed."""
    loop = VirtualLoop()
    held_for = 0.0

    async def held():
        nonlocal held_for
        async with guard_of(
            script, limits=Limits(deadline_s=20), pulse=Pulse(clock=lambda: loop.time() + held_for)
        ) as guard:
            await guard.schema("user")
            script.hangs = True
            waiting = asyncio.create_task(guard.get("user", "1"))
            await asyncio.sleep(hanging_s)
            held_for = 60.0
            with pytest.raises(HeldStill):
                await waiting
            with pytest.raises(TargetTimeout):
                await guard.get("user", "1")

    try:
        loop.run_until_complete(held())
    finally:
        loop.close()


async def test_what_fails_while_we_are_held_still_says_so_and_when_to_come_again(script):
    """The target has spoken, and its wish stands: only that it failed is not believed."""
    times = iter([0.0, 0.0])
    async with guard_of(script, pulse=Pulse(clock=lambda: next(times, 60.0))) as guard:
        script.fails = [TargetUnavailable(retry_after=timedelta(minutes=5))]
        with pytest.raises(HeldStill, match="held still") as caught:
            await guard.get("user", "1")

        assert caught.value.retry_after == timedelta(minutes=5)
        assert guard.held_s > 200


async def test_hanging_open_sends_nothing(script):
    """A change that never got a connection was never sent, so its outcome is known."""
    script.hangs = True
    async with guard_of(script, limits=Limits(deadline_s=0.01)) as guard:
        with pytest.raises(TargetTimeout):
            await guard.create("user", {})

    assert script.calls == []


def test_those_who_wait_for_a_hanging_open_wait_no_longer_than_the_deadline(script):
    """They do not try it one after the other: each ends with its own deadline, and the breaker hears of all."""
    script.hangs = True

    async def everybody():
        async with guard_of(script, limits=Limits(concurrency=8, deadline_s=20)) as guard:
            return await asyncio.gather(*(guard.get("user", "1") for _ in range(8)), return_exceptions=True)

    loop = VirtualLoop()
    try:
        results = loop.run_until_complete(everybody())
        waited_s = loop.time()
    finally:
        loop.close()

    assert [type(result) for result in results] == [TargetTimeout] * 8
    assert waited_s == pytest.approx(20)


async def test_call_that_does_not_get_its_turn_was_not_sent(script):
    async with guard_of(script, limits=Limits(concurrency=1, deadline_s=0.02)) as guard:
        await guard.schema("user")
        script.hangs = True
        results = await asyncio.gather(guard.create("user", {}), guard.create("user", {}), return_exceptions=True)

    assert script.calls.count("create") == len([r for r in results if isinstance(r, OutcomeUnknown)])
    assert all(isinstance(result, OutcomeUnknown | TargetBusy) for result in results)


async def test_rate_that_cannot_be_kept_is_told_at_once(script):
    limits = Limits(rate=0.001, deadline_s=1.0)
    async with guard_of(script, limits=limits) as guard:
        await guard.get("user", "1")
        with pytest.raises(TargetBusy) as caught:
            await guard.get("user", "1")

    assert caught.value.retry_after > timedelta(minutes=10)
    assert script.calls == ["get"]


async def test_nothing_is_sent_while_the_target_asks_us_to_wait(script):
    script.fails = [TargetBusy(retry_after=timedelta(minutes=5))]
    async with guard_of(script) as guard:
        with pytest.raises(TargetBusy):
            await guard.get("user", "1")
        for call in (guard.get("user", "1"), guard.create("user", {}), guard.search("user")):
            with pytest.raises(TargetBusy) as caught:
                await call
            assert timedelta(minutes=4) < caught.value.retry_after <= timedelta(minutes=5)

    assert script.calls == ["get"]


async def test_target_cannot_hold_us_off_for_longer_than_an_hour(script):
    script.fails = [TargetUnavailable(retry_after=timedelta(days=400))]
    async with guard_of(script) as guard:
        with pytest.raises(TargetUnavailable):
            await guard.get("user", "1")
        with pytest.raises(TargetBusy) as caught:
            await guard.get("user", "1")

    assert caught.value.retry_after <= timedelta(hours=1)


async def test_target_whose_breaker_is_open_is_asked_nothing_but_whether_it_is_there(script):
    """And who lists it may try: a run does not wait for operations to find out that it is back."""
    async with guard_of(script) as guard:
        guard.is_shut = True
        for call in (guard.create("user", {}), guard.get("user", "1"), guard.find("user", "userName", "anna")):
            with pytest.raises(TargetUnavailable):
                await call
        await guard.test_connection()
        await guard.search("user")
        guard.is_shut = False
        await guard.get("user", "1")

    assert script.calls == ["test", "search", "get"]


async def test_what_another_process_was_told_is_kept_to(script):
    async with guard_of(script) as guard:
        guard.hold(300)
        guard.hold(10)
        with pytest.raises(TargetBusy) as caught:
            await guard.get("user", "1")

    assert caught.value.retry_after > timedelta(minutes=4)
    assert script.calls == []


async def test_share_of_the_limits_is_kept_to_and_waits_for_its_turn(script):
    async with guard_of(script, limits=Limits(concurrency=8)) as guard:
        guard.keep_to(2, None, until=math.inf)
        await asyncio.gather(*(guard.get("user", "1") for _ in range(20)))

    assert (len(script.calls), script.most_at_once) == (20, 2)


async def test_without_a_share_calls_wait_and_are_refused_in_the_end(script):
    async with guard_of(script, limits=Limits(deadline_s=0.01)) as guard:
        guard.keep_to(0, None, until=math.inf)
        with pytest.raises(TargetBusy):
            await guard.get("user", "1")
        assert guard.calls == (0, 0)
        guard.keep_to(1, None, until=math.inf)
        await guard.get("user", "1")

    assert script.calls == ["get"]


async def test_share_of_the_rate_is_the_rate(script):
    async with guard_of(script, limits=Limits(rate=100.0)) as guard:
        guard.keep_to(1, 25.0, until=math.inf)

        assert guard.rate == 25.0


async def test_change_is_refused_when_the_lease_is_lost_and_reads_go_on(script):
    async with guard_of(script, may_change=lambda: False) as guard:
        for change in (guard.create("user", {}), guard.update("user", "1", {}), guard.delete("user", "1")):
            with pytest.raises(LeaseLost):
                await change
        assert await guard.get("user", "1") == ANNA

    assert script.calls == ["get"]


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(ValueError("password hunter2"), id="value"),
        pytest.param(KeyError("hunter2"), id="key"),
        pytest.param(RecursionError("hunter2"), id="recursion"),
        pytest.param(ExceptionGroup("hunter2", [ValueError("hunter2")]), id="group"),
    ],
)
async def test_unknown_failure_becomes_a_bug_that_quotes_nothing(script, failure):
    script.fails = [failure]
    async with guard_of(script) as guard:
        with pytest.raises(ConnectorBug, match=type(failure).__name__) as caught:
            await guard.create("user", {"password": "hunter2"})

    assert "hunter2" not in str(caught.value)
    assert "test_guard.py" in str(caught.value)
    assert caught.value.__cause__ is None


async def test_timeout_of_the_connector_is_not_a_bug(script):
    script.fails = [TimeoutError(), TimeoutError()]
    async with guard_of(script) as guard:
        with pytest.raises(OutcomeUnknown):
            await guard.create("user", {})
        with pytest.raises(TargetTimeout):
            await guard.get("user", "1")


async def test_cancelling_is_not_swallowed(script):
    async with guard_of(script) as guard:
        script.hangs = True
        task = asyncio.create_task(guard.get("user", "1"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_system_failure_is_followed_by_a_new_connection(script):
    script.fails = [TargetUnavailable()]
    async with guard_of(script) as guard:
        with pytest.raises(TargetUnavailable):
            await guard.get("user", "1")
        assert script.open == 0
        await guard.get("user", "1")

        assert (script.opened, script.open) == (2, 1)


async def test_refusal_keeps_the_connection(script):
    script.fails = [InvalidAttributes(), UnknownUid(), TargetBusy()]
    async with guard_of(script) as guard:
        for _ in range(3):
            with pytest.raises((PermanentError, TargetBusy)):
                await guard.update("user", "1", {})
        await guard.get("user", "1")

    assert script.opened == 1


async def test_closing_leaves_a_running_call_its_connection(script):
    guard = guard_of(script)
    running = asyncio.create_task(guard.get("user", "1"))
    while not script.calls:
        await asyncio.sleep(0)
    await guard.__aexit__(None, None, None)
    assert script.open == 1

    assert await running == ANNA
    assert script.open == 0


async def test_call_that_comes_after_closing_leaves_no_connection_behind(script):
    """A long listing may still hold the guard of a connector that was replaced by a newer version."""
    guard = guard_of(script)
    await guard.__aexit__(None, None, None)

    assert await guard.get("user", "1") == ANNA
    assert (script.opened, script.open) == (1, 0)


async def test_delete_of_somebody_who_is_gone_is_calm(script):
    script.fails = [UnknownUid()]
    async with guard_of(script) as guard:
        assert await guard.delete("user", "1") is False
        assert await guard.delete("user", "1") is True


async def test_listing_that_stands_still_is_an_error(script):
    async with guard_of(script) as guard:
        page = await guard.search("user")
        with pytest.raises(PermanentError, match="does not move"):
            await guard.search("user", token=page.next_token)


async def test_protected_account_is_never_changed(script):
    async with guard_of(script, is_protected=lambda account: account.attributes.get("userName") == "anna") as guard:
        for change in (
            guard.create("user", {"userName": "anna"}),
            guard.update("user", "1", {"title": "x"}),
            guard.update("user", "1", {"userName": "somebody else"}),
            guard.update("user", "1", {}, active=False),
            guard.delete("user", "1"),
        ):
            with pytest.raises(ProtectedAccount):
                await change

    assert set(script.calls) == {"get"}


async def test_nobody_is_renamed_onto_a_protected_account(script):
    async with guard_of(script, is_protected=lambda account: account.attributes.get("userName") == "root") as guard:
        with pytest.raises(ProtectedAccount):
            await guard.update("user", "1", {"userName": "root"})
        await guard.update("user", "1", {"userName": "rooster"})

    assert script.calls == ["get", "get", "update"]


async def test_unknown_account_needs_no_protection(script):
    async with guard_of(script, is_protected=lambda account: True) as guard:
        assert await guard.delete("user", "7") is False
        with pytest.raises(UnknownUid):
            await guard.update("user", "7", {})


async def test_account_that_cannot_be_read_counts_as_protected(script):
    guard = ConnectorGuard(
        lambda: Scripted(script),
        capabilities=frozenset({"create", "delete"}),
        limits=Limits(),
        is_protected=lambda account: False,
    )
    with pytest.raises(ProtectedAccount):
        await guard.delete("user", "1")


async def test_missing_capability_is_told_before_anything_is_opened(script):
    guard = ConnectorGuard(lambda: Scripted(script), capabilities=frozenset({"search"}), limits=Limits())
    for call in (guard.create("user", {}), guard.find("user", "a", "b"), guard.sync("user", token=None)):
        with pytest.raises(Unsupported):
            await call

    assert script.opened == 0


@pytest.mark.parametrize("value", ["half \ud800", ["fine", "\udfff"]])
async def test_text_that_no_protocol_carries_is_refused_by_name(script, value):
    async with guard_of(script) as guard:
        with pytest.raises(InvalidAttributes, match="title"):
            await guard.create("user", {"title": value})

    assert script.calls == []


async def test_every_call_is_counted_once_with_its_result(script):
    counter = Counter()
    script.fails = [InvalidAttributes(), RuntimeError()]
    async with guard_of(script, observer=counter) as guard:
        with pytest.raises(InvalidAttributes):
            await guard.create("user", {})
        with pytest.raises(ConnectorBug):
            await guard.update("user", "1", {})
        await guard.delete("user", "1")

    assert counter.seen == [("create", "invalid_attributes"), ("update", "connector_bug"), ("delete", "ok")]


class Directory(Scripted):
    """Tells entries apart by an id of its own; ``uid`` is one of their attributes."""

    async def get(self, object_class, uid):
        await self._do("get")
        return TargetAccount(uid, {"uid": ["svc-backup"]}, active=True)


async def test_a_directory_protects_by_its_attribute_uid(script):
    guard = ConnectorGuard(
        lambda: Directory(script),
        capabilities=capabilities_of(Directory),
        limits=Limits(),
        is_protected=protection('uid sw "svc-"'),
    )
    async with guard:
        with pytest.raises(ProtectedAccount):
            await guard.delete("user", "75e9-entry")

    assert script.calls == ["get"]
