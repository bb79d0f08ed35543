"""One sandbox child: started, asked one thing at a time, killed when it is late, and buried.

Spawned (never forked with our memory) over a socket pair, which works alike under asyncio's loop and uvloop. The kernel
kills a child when the *thread* that spawned it ends, so children are started on the event loop's own thread.
"""

import asyncio
import os
import resource
import signal
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from worker.domain.hook import HookClass
from worker.sandbox import HEADER, MAX_REPLY, PROTOCOL, FrameError, command, compile_package, pack, supplies, unpack
from worker.telemetry.pulse import Pulse

START_S = 10.0
#: A child is replaced after this many contexts, when it remembers this many programs, or when (looked at now and then)
#: half of its memory is gone: what earlier scripts left behind must not fail a good one.
MAX_CALLS = 10_000
MAX_PROGRAMS = 64
LOOK_EVERY = 100
#: A child has seconds for its answer; to be held still for so long may make it late.
HELD_S = 1.0


class StartFailed(Exception):
    """A sandbox child cannot be started."""


class ChildLost(Exception):
    """The child died, or had to be killed, before it answered; ``hook_class`` is the likely reason.

    ``is_ours`` is false when somebody else killed it, or time passed for which all of us were held still: then the
    script is not to blame.
    """

    def __init__(self, hook_class: HookClass, message: str, *, is_ours: bool = True) -> None:
        super().__init__(message)
        self.hook_class = hook_class
        self.is_ours = is_ours


@dataclass(frozen=True, slots=True)
class Reply:
    """What a child answered: the header, and a line of JSON per finished context."""

    header: dict[str, Any]
    lines: list[bytes]


class _Line(asyncio.Protocol):
    """Collects frames; at most one answer is awaited at any time."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.is_closed = False
        self._buffer = bytearray()
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def expect(self) -> asyncio.Future[bytes]:
        self.answer = asyncio.get_running_loop().create_future()
        if self.is_closed:
            self.answer.set_exception(EOFError())
        return self.answer

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if len(buffer) < HEADER.size:
            return
        size = HEADER.unpack_from(buffer)[0]
        if self.answer.done() or size > MAX_REPLY or len(buffer) > HEADER.size + size:
            self._give_up()
        elif len(buffer) == HEADER.size + size:
            payload = bytes(buffer[HEADER.size :])
            buffer.clear()
            self.answer.set_result(payload)

    def _give_up(self) -> None:
        # Nobody asked, or it is too much: a child that talks out of turn gets no more of our memory.
        self._buffer.clear()
        self._fail(FrameError("it spoke out of turn or without end"))
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        self._fail(exc if isinstance(exc, OSError) else EOFError())

    def _fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # one that nobody waits for any more is no news


class Child:
    """A live child process. Made by ``start``; after ``stop`` or a ChildLost it must not be used."""

    def __init__(self, process: subprocess.Popen[bytes], transport: asyncio.Transport, line: _Line) -> None:
        self.level = ""
        self.missing: tuple[str, ...] = ()
        self.known: set[str] = set()
        self.is_lost = False
        self._process = process
        self._transport = transport
        self._line = line
        self._calls = 0
        self._last_id = 0
        self._is_ending = False
        self._is_full = False
        self._next_look = LOOK_EVERY
        self._most_memory = 0
        self._is_overdue = False
        self._pulse = Pulse(held_s=HELD_S)

    @classmethod
    async def start(cls, *, memory_bytes: int) -> "Child":
        """Spawn a child and wait until it is hardened and ready. Raises StartFailed."""
        try:
            given = await asyncio.to_thread(_provisions)
            ours, process = _spawned(memory_bytes, given)
        except OSError as error:
            raise StartFailed(str(error)) from error
        try:
            transport, line = await asyncio.get_running_loop().create_unix_connection(_Line, sock=ours)
        except BaseException:
            ours.close()
            process.kill()
            await _burial(process)
            raise
        child = cls(process, transport, line)
        try:
            await child._greet(memory_bytes)
        except BaseException:
            await child.stop()
            raise
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether its end of the line is open, as far as we have heard."""
        return not self._line.is_closed

    @property
    def is_worn(self) -> bool:
        """Whether it should be replaced although it lives."""
        is_old = self._calls >= MAX_CALLS or len(self.known) >= MAX_PROGRAMS
        return is_old or self._is_full or self._is_ending

    async def ask(self, header: dict[str, Any], lines: list[bytes], *, timeout_s: float) -> Reply:
        """Send a request and wait for its reply. Raises ChildLost; a cancelled wait kills the child."""
        self._last_id += 1
        self._calls += len(lines)
        if self._calls >= self._next_look:
            self._next_look = self._calls + LOOK_EVERY
            self._is_full = _address_space(self.pid) > self._most_memory
        answer = self._line.expect()
        self._transport.write(pack(header | {"id": self._last_id}, lines))
        timer = asyncio.get_running_loop().call_later(timeout_s, self._expire)
        began = self._pulse.begin()
        try:
            return self._accept(*unpack(await answer), most=len(lines))
        except (EOFError, OSError, FrameError) as error:
            was_held = self._pulse.was_held_since(began)
            await self.stop()
            raise self._obituary(error, was_held=was_held) from error
        except asyncio.CancelledError:
            self._kill()
            raise
        finally:
            self._pulse.end()
            timer.cancel()

    async def stop(self) -> None:
        """Kill the process and wait until it is gone."""
        self._kill()
        self._transport.close()
        await _burial(self._process)

    async def _greet(self, memory_bytes: int) -> None:
        try:
            async with asyncio.timeout(START_S):
                hello, _ = unpack(await self._line.answer)
        except (TimeoutError, EOFError, OSError, FrameError) as error:
            raise StartFailed(f"the child did not start ({type(error).__name__})") from error
        if hello.get("protocol") != PROTOCOL or "failed" in hello:
            raise StartFailed(str(hello.get("failed", "the child is of another version")))
        self._most_memory = _address_space(self.pid) + memory_bytes // 2
        self.level = str(hello.get("level"))
        self.missing = tuple(str(name) for name in hello.get("missing", ()))

    def _accept(self, header: dict[str, Any], lines: list[bytes], *, most: int) -> Reply:
        if header.get("id") != self._last_id or len(lines) > most:
            raise FrameError("the reply does not belong to the request")
        if not lines and most and not isinstance(header.get("failure"), dict):
            raise FrameError("the reply says nothing")
        self._is_ending = bool(header.get("ends"))
        return Reply(header, lines)

    def _expire(self) -> None:
        self._is_overdue = True
        self._kill()

    def _kill(self) -> None:
        self.is_lost = True
        self._process.kill()

    def _obituary(self, error: Exception, *, was_held: bool) -> ChildLost:
        if isinstance(error, FrameError):
            return ChildLost(HookClass.CRASH, f"the sandbox answered nonsense: {error}")
        lost = cause_of_death(self._process.returncode, is_overdue=self._is_overdue)
        if was_held and lost.hook_class is HookClass.TIMEOUT:
            return ChildLost(HookClass.CRASH, "the daemon was held still while the script ran", is_ours=False)
        return lost


def cause_of_death(returncode: int, *, is_overdue: bool) -> ChildLost:
    """Why a child that should have answered is gone, from how its process ended (negative: minus the signal)."""
    if is_overdue or returncode in {-signal.SIGPROF, -signal.SIGALRM}:
        return ChildLost(HookClass.TIMEOUT, "the script did not stop at its time limit and was killed")
    if returncode == -signal.SIGABRT:
        return ChildLost(HookClass.MEMORY, "the memory limit was reached")
    if returncode in {-signal.SIGKILL, -signal.SIGTERM}:
        return ChildLost(HookClass.CRASH, "the sandbox was killed from outside", is_ours=False)
    name = signal.Signals(-returncode).name if -returncode in set(signal.Signals) else f"status {returncode}"
    return ChildLost(HookClass.CRASH, f"the interpreter crashed ({name})")


def _address_space(pid: int) -> int:
    """Bytes of address space, what the child's limit counts; 0 where /proc does not tell."""
    try:
        return int((Path("/proc") / str(pid) / "statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def _provisions() -> int:
    """What children are given and what they are made of; the first time that reads some hundred files."""
    _compile_once()
    return supplies()


@cache
def _compile_once() -> None:
    compile_package()


def _spawned(memory_bytes: int, given: int) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Our end of the line, and the child at the other. Raises OSError; nothing is left open then."""
    ours, theirs = socket.socketpair()
    try:
        line = command(parent_pid=os.getpid(), memory_bytes=memory_bytes, supplies=given)
        return ours, _spawn(line, theirs, given)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()


async def _burial(process: subprocess.Popen[bytes]) -> None:
    # Shielded: a cancelled caller must not leave a zombie behind.
    await asyncio.shield(asyncio.to_thread(process.wait))


def _spawn(arguments: list[str], line: socket.socket, supplies: int) -> subprocess.Popen[bytes]:
    """The child: no environment, its own session, descriptors 0, 1, 2 and its supplies, in no mounted directory."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
        arguments,
        stdin=line.fileno(),
        stdout=line.fileno(),
        stderr=subprocess.DEVNULL,
        pass_fds=(supplies,),
        env={},
        cwd="/",
        start_new_session=True,
    )
