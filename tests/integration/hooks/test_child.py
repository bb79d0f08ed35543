"""What the kernel holds a child to, seen from outside and tried from inside."""

import asyncio
import gc
import json
import mmap
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import eventually
from worker.hooks.child import HELD_S, Child, ChildLost, StartFailed
from worker.sandbox import HEADER, command, pack, supplies, wall_ceiling
from worker.telemetry.pulse import Pulse, boottime

ROOT = Path(__file__).parents[3]
MEMORY = 64 * 1024 * 1024
VALIDATE = {"op": "validate", "source": "x = 1\n", "is_library": True, "is_thorough": True}

#: Runs the real hardening, then tries what an attacker with native code would try. Output: {attempt: what happened}.
ESCAPES = """
import ctypes, ctypes.util, errno, json, mmap, os, platform, resource, signal, socket, sys
sys.path.insert(0, sys.argv[1])
from worker.sandbox import hardening

parent = os.getppid()
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": dict(socket=41, fork=57, clone3=435, execve=59, kill=62, ptrace=101, readv=310, memfd=319, bpf=321,
                         uring=425, unlink=87, prlimit=302, openat=257, setuid=105, mount=165, connect=42, seccomp=317),
          "aarch64": dict(socket=198, clone3=435, execve=221, kill=129, ptrace=117, readv=270, memfd=279, bpf=280,
                          uring=425, unlink=35, prlimit=261, openat=56, setuid=146, mount=40, connect=203, seccomp=277),
          }[platform.machine()]
missing = hardening.harden(parent_pid=parent, memory_bytes=64 << 20)
found = {"missing": missing}
for name, call in number.items():
    ctypes.set_errno(0)
    arguments = (parent, 9, 0) if name == "kill" else (0, 0, 0, 0)
    answer = libc.syscall(ctypes.c_long(call), *(ctypes.c_long(argument) for argument in arguments))
    found[name] = errno.errorcode.get(ctypes.get_errno(), "allowed") if answer == -1 else "allowed"
for name, attempt in {
    "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "listdir": lambda: os.listdir("/"),
    "fork": os.fork,
    "socket": socket.socket,
    "raise": lambda: os.kill(os.getpid(), 0),
    "limits": lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
    "executable memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "stat": lambda: os.stat("/"),
    "pipe": os.pipe,
    "dup": lambda: os.dup(0),
}.items():
    try:
        attempt()
        found[name] = "allowed"
    except (OSError, ValueError) as error:
        found[name] = type(error).__name__ if isinstance(error, ValueError) else errno.errorcode[error.errno]
try:
    held = bytearray(256 << 20)
    found["memory"] = "allowed"
except MemoryError:
    found["memory"] = "MemoryError"
os.write(1, json.dumps(found).encode())
"""


def has_seccomp() -> bool:
    return Path("/proc/sys/kernel/seccomp").is_dir()


@pytest.mark.skipif(not has_seccomp(), reason="this kernel has no seccomp")
def test_nothing_outside_can_be_reached_after_hardening() -> None:
    done = subprocess.run([sys.executable, "-I", "-c", ESCAPES, str(ROOT)], capture_output=True, timeout=30, check=True)
    found: dict[str, Any] = json.loads(done.stdout)

    assert found.pop("missing") == []
    assert found.pop("memory") == "MemoryError"
    assert found.pop("limits") in {"EPERM", "ValueError"}
    assert found == dict.fromkeys(found, "EPERM")
    assert len(found) >= 20


async def test_a_child_has_no_environment_three_descriptors_and_its_own_session() -> None:
    os.environ["PROVISIOND_SECRET_FOR_TEST"] = "x"
    child = await Child.start(memory_bytes=MEMORY)
    try:
        process = Path("/proc") / str(child.pid)
        status = dict(row.split(":\t", 1) for row in (process / "status").read_text().splitlines() if ":\t" in row)
        # A child that may not be dumped belongs to root in /proc; an ordinary user then sees only its status.
        if os.geteuid() == 0:
            assert (process / "environ").read_bytes() == b""
            assert sorted(path.name for path in (process / "fd").iterdir()) == ["0", "1", "2"]
            assert (process / "cwd").resolve() == Path("/")
        assert status["NoNewPrivs"].strip() == "1"
        assert status["Seccomp"].strip() == "2"
        assert os.getsid(child.pid) == child.pid
        assert child.level == "full"
    finally:
        del os.environ["PROVISIOND_SECRET_FOR_TEST"]
        await child.stop()


@pytest.mark.parametrize("held_s", [pytest.param(0.0, id="late"), pytest.param(60.0, id="all were held still")])
async def test_a_script_is_not_to_blame_for_time_in_which_all_were_held_still(held_s: float) -> None:
    """Frozen with its daemon, as a container is, a child has used up its time when both go on."""
    child = await Child.start(memory_bytes=MEMORY)
    held_for = 0.0
    child._pulse = Pulse(held_s=HELD_S, clock=lambda: boottime() + held_for)
    os.kill(child.pid, signal.SIGSTOP)
    await eventually(lambda: states_of(child.pid) == {"T"}, what="the child stands still")
    asking = asyncio.create_task(child.ask(VALIDATE, [], timeout_s=0.5))
    await asyncio.sleep(0)
    held_for = held_s

    with pytest.raises(ChildLost) as caught:
        await asking
    assert caught.value.is_ours is (held_s == 0.0)


async def test_a_killed_child_is_reported_as_somebody_elses_doing() -> None:
    child = await Child.start(memory_bytes=MEMORY)
    os.kill(child.pid, signal.SIGKILL)

    with pytest.raises(ChildLost) as caught:
        await child.ask(VALIDATE, [], timeout_s=5)
    assert not caught.value.is_ours
    await eventually(lambda: not child.is_alive)


async def test_a_cancelled_question_ends_the_child() -> None:
    child = await Child.start(memory_bytes=MEMORY)
    source = "def transform(ctx):\n    for i in range(2000000000):\n        pass\n"
    request = {"op": "run", "key": "k", "source": source, "function": "transform", "budget_ms": 60000, "batch_ms": 1}
    task = asyncio.create_task(child.ask(request, [b"{}"], timeout_s=60))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert child.is_lost
    await child.stop()


@pytest.mark.parametrize("is_held", [False, True], ids=["processor time", "clock"])
async def test_the_kernel_kills_what_never_asks_for_the_time(is_held: bool) -> None:
    """By itself, whatever the daemon is doing: the daemon's own deadline is far away here."""
    child = await Child.start(memory_bytes=MEMORY)
    source = "def transform(ctx):\n    return max(range(2147483600 + len(ctx)))\n"
    request = {"op": "run", "key": "k", "source": source, "function": "transform", "budget_ms": 50, "batch_ms": 1}
    asking = asyncio.create_task(child.ask(request, [b"{}"], timeout_s=15))
    if is_held:  # no processor time passes for who stands still, but the clock goes on
        await asyncio.sleep(0.02)
        os.kill(child.pid, signal.SIGSTOP)
        await asyncio.sleep(2 * wall_ceiling(0.05))
        os.kill(child.pid, signal.SIGCONT)

    with pytest.raises(ChildLost) as caught:
        await asking
    assert caught.value.hook_class == "hook.timeout"
    assert child._process.returncode in ({-signal.SIGALRM} if is_held else {-signal.SIGPROF, -signal.SIGALRM})


async def test_the_parents_own_deadline_kills_what_the_kernel_timer_did_not() -> None:
    child = await Child.start(memory_bytes=MEMORY)
    source = "def transform(ctx):\n    for i in range(2000000000):\n        pass\n"
    request = {"op": "run", "key": "k", "source": source, "function": "transform", "budget_ms": 4000, "batch_ms": 1}

    with pytest.raises(ChildLost) as caught:
        await child.ask(request, [b"{}"], timeout_s=0.1)
    assert caught.value.hook_class == "hook.timeout"


DAEMON = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from worker.hooks.child import Child

async def main():
    child = await Child.start(memory_bytes=64 << 20)
    request = {"op": "run", "key": "k", "function": "transform", "budget_ms": 60000, "batch_ms": 1,
               "source": "def transform(ctx):\\n    for i in range(2000000000):\\n        pass\\n"}
    print(child.pid, flush=True)
    await child.ask(request, [b"{}"], timeout_s=60)

asyncio.run(main())
"""


async def test_a_child_in_the_middle_of_a_script_dies_with_its_daemon() -> None:
    with subprocess.Popen([sys.executable, "-c", DAEMON, str(ROOT)], stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        pid = int(daemon.stdout.readline())
        daemon.kill()

    await eventually(lambda: not is_running(pid), what="the child is gone")


STOPPED = """
import asyncio, signal, sys
sys.path.insert(0, sys.argv[1])
import structlog
from worker.domain.errors import HookError
from worker.domain.hook import HookScript
from worker.hooks import HookExecutor

KILLER = HookScript("def transform(ctx):\\n    return max(range(2147483600 + len(ctx)))\\n")

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with HookExecutor(workers=2, log=structlog.get_logger()) as executor:
        asking = asyncio.create_task(executor.execute(KILLER, "transform", {}, budget_ms=5000))
        await asyncio.sleep(0.3)
        children = open("/proc/self/task/%d/children" % __import__("os").getpid()).read().split()
        print(*children, flush=True)
        await stop.wait()
    try:
        await asking
    except HookError as error:
        print(error.hook_class, flush=True)

asyncio.run(main())
"""


async def test_a_daemon_that_is_told_to_end_takes_children_in_native_code_along() -> None:
    with subprocess.Popen([sys.executable, "-c", STOPPED, str(ROOT)], stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        pids = [int(pid) for pid in daemon.stdout.readline().split()]
        daemon.send_signal(signal.SIGTERM)
        said = daemon.stdout.readlines()

    assert len(pids) >= 2
    assert daemon.returncode == 0
    assert [line for line in said if line.startswith("hook.")] == ["hook.crash\n"]
    assert not any(is_running(pid) for pid in pids)


def states_of(pid: int) -> set[str]:
    """Of all threads; a signal stops each of them when it comes to it."""
    tasks = (Path("/proc") / str(pid) / "task").iterdir()
    return {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks}


def is_running(pid: int) -> bool:
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_a_child_that_is_told_a_wrong_parent_does_not_live() -> None:
    done = subprocess.run(
        command(parent_pid=1 if os.getpid() != 1 else 2, memory_bytes=MEMORY, supplies=supplies()),
        pass_fds=(supplies(),),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        env={},
        check=False,
    )

    assert done.returncode == 1
    assert b"ParentGone" in done.stdout


async def test_a_start_that_is_given_up_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left open is a warning when it is collected, and warnings are errors."""
    begun, goes_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow() -> int:
        loop.call_soon_threadsafe(begun.set)
        goes_on.wait(10)
        return supplies()

    monkeypatch.setattr("worker.hooks.child.supplies", slow)
    starting = asyncio.create_task(Child.start(memory_bytes=MEMORY))
    await begun.wait()
    starting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await starting
    goes_on.set()
    del starting
    gc.collect()


async def test_a_start_that_fails_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.hooks.child.command", lambda **_: [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(StartFailed, match="did not start"):
        await Child.start(memory_bytes=MEMORY)

    monkeypatch.setattr("worker.hooks.child.command", lambda **_: ["/nowhere/python"])
    with pytest.raises(StartFailed, match="nowhere"):
        await Child.start(memory_bytes=MEMORY)


LIARS = {
    "wrong id": "write(pack({'id': 99}))",
    "too many lines": "write(pack({'id': 1}, [b'{}', b'{}']))",
    "no lines": "write(pack({'id': 1}))",
    "no header": "write(HEADER.pack(3) + b'abc')",
    "endless frame": "write(HEADER.pack(0xFFFFFFFF))\nwhile True: write(b'x' * 65536)",
    "two answers": "write(pack({'id': 1}, [b'{}']) * 2)",
    "half an answer": "write(pack({'id': 1}, [b'{}'])[:-1])",
    "silence": "pass",
}
LIAR = """
import os, sys
sys.path.insert(0, {root!r})
from worker.sandbox import HEADER, pack
write = lambda data: os.write(1, data)
write(pack({{"protocol": 1, "level": "full", "missing": []}}))
os.read(0, 1 << 16)
{lie}
"""


@pytest.mark.parametrize("lie", LIARS.values(), ids=LIARS.keys())
async def test_a_child_that_lies_is_lost(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A taken-over child can only fail its own request."""
    script = LIAR.format(root=str(ROOT), lie=lie)
    monkeypatch.setattr("worker.hooks.child.command", lambda **_: [sys.executable, "-I", "-c", script])
    child = await Child.start(memory_bytes=MEMORY)

    with pytest.raises(ChildLost) as caught:
        await child.ask({"op": "run"}, [b"{}"], timeout_s=5)
    assert caught.value.hook_class == "hook.crash"
    await child.stop()


async def test_a_child_that_talks_unasked_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    script = LIAR.format(root=str(ROOT), lie="").replace("os.read(0, 1 << 16)", "write(pack({'id': 1}, [b'{}']))")
    monkeypatch.setattr("worker.hooks.child.command", lambda **_: [sys.executable, "-I", "-c", script])
    try:
        child = await Child.start(memory_bytes=MEMORY)
    except StartFailed:
        return  # it was cut off before it had even been greeted
    await eventually(lambda: not child.is_alive)
    await child.stop()


def test_a_child_loads_no_other_room() -> None:
    """What is not in its memory cannot leak from it."""
    code = (
        "import sys; sys.path.extend(sys.argv[1:3]); import worker.sandbox.__main__, worker.sandbox.answering, "
        "worker.sandbox.hardening; print(*sorted(n for n in sys.modules if n.split('.')[0] in sys.argv[3:]))"
    )
    paths = command(parent_pid=1, memory_bytes=1, supplies=0)[-5:-3]
    watched = ["worker", "asyncio", "ssl", "asyncpg", "structlog", "sqlalchemy", "aiohttp", "pydantic", "cryptography"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *paths, *watched],
        capture_output=True,
        timeout=30,
        check=True,
        text=True,
    )

    loaded = done.stdout.split()
    assert "worker.sandbox.engine" in loaded
    assert [name for name in loaded if not f"{name}.".startswith("worker.sandbox.")] == ["worker"]


def test_what_all_children_read_none_can_change() -> None:
    """One memory for the children of all tenants must not become a way between them."""
    for change in (
        lambda: os.pwrite(supplies(), b"x", 0),
        lambda: os.ftruncate(supplies(), 1),
        lambda: mmap.mmap(supplies(), 1, prot=mmap.PROT_WRITE),
    ):
        with pytest.raises(PermissionError):
            change()


def test_frames_have_room_for_the_largest_reply() -> None:
    assert HEADER.size == 4
    assert len(pack({}, [b"x" * 100])) == 4 + 2 + 1 + 100
