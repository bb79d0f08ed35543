"""Large correlations, in a process of their own with a limit of memory: this daemon only carries what is read there.

Accounts and people are streamed to it; what comes back are results, a few at a time. It works on nothing but that, so
whoever takes a run up again repeats all of it and changes nothing.
"""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any, Final
from uuid import UUID

import structlog

from worker.correlation import FRAME_HEAD, NO_ROOM, Frame, frame_head, frame_of, frame_value, frame_with
from worker.domain.correlation import Contribution, CorrelationMatch, CorrelationResult, Decision, MatchType
from worker.domain.errors import SurroundingsError
from worker.recon.context import View
from worker.store import backtests, correlation
from worker.store.accounts import Observed
from worker.store.pool import Pool
from worker.store.tenant import tenant

log = structlog.get_logger(__name__)

#: What the process may use, and how often it is started anew when somebody ends it.
MEMORY_BYTES: Final = 3 * 1024**3
TRIES: Final = 2
#: With so many people for each account it pays to know the keys first, and to keep only those who share one.
PEOPLE_PER_ACCOUNT: Final = 4
#: More people than these are never all kept.
MOST_KEPT: Final = 200_000
_PAGE = 5_000
_FIRST = UUID(int=0)
#: Pages of people, and seconds of waiting, after which a run hears of a stop.
_HEED_PAGES, _HEED_S = 20, 2.0
#: A process whose end of the line is closed is about to end by itself, and to say how.
_LAST_WORDS_S = 0.2
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from worker.correlation.apart import main; main(int(sys.argv[2]))"
)

Heed = Callable[[], Awaitable[None]]
#: Makes the accounts, in pages: they are read again when the process has to start anew.
Accounts = Callable[[], AsyncGenerator[list[Observed], None]]
Found = tuple[UUID, CorrelationResult]


def _spawned(line: socket.socket) -> subprocess.Popen[bytes]:
    paths = json.dumps([each for each in sys.path if each])
    return subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
        [sys.executable, "-I", "-X", "utf8", "-c", _BOOT, paths, str(MEMORY_BYTES)],
        stdin=line.fileno(),
        stdout=line.fileno(),
        stderr=subprocess.DEVNULL,
        env={"OPENBLAS_NUM_THREADS": "1"},
        cwd="/",
    )


class _Ended(Exception):
    """The process ended before it had answered."""


async def correlated_apart(
    pool: Pool, view: View, accounts: Accounts, *, heed: Heed
) -> AsyncGenerator[list[Found], None]:
    """Whose these accounts are, decided about all together; some at a time. ``heed`` raises when a run must stop.

    Raises SurroundingsError when the memory does not do, or when the process is ended again and again.
    """
    for attempt in range(1, TRIES + 1):
        other, answered = await _Other.start(), False
        try:
            await _tell(pool, view, accounts, other, heed)
            async for found in _answers(pool, view, other, heed):
                answered = True
                yield found
        except (_Ended, ConnectionError) as error:
            await asyncio.sleep(_LAST_WORDS_S)
            status = await other.end()
            log.warning("correlation.ended", connector_id=str(view.connector.id), status=status, attempt=attempt)
            if status in {NO_ROOM, -signal.SIGABRT}:
                raise SurroundingsError(_no_room()) from error
            if attempt == TRIES or answered:
                raise SurroundingsError(_ended(status)) from error
        else:
            return
        finally:
            await other.end()


def _no_room() -> str:
    return (
        f"To find whose these accounts are takes more than {MEMORY_BYTES / 1024**3:g} GiB of memory, which is what one"
        " process may use. Let the connector's scope or its target show fewer accounts at first, or link those that"
        " have a definitive rule before."
    )


def _ended(status: int) -> str:
    why = f"by signal {-status}" if status < 0 else f"with status {status}"
    return (
        f"The process that finds whose accounts are was ended {why} before it had answered. Nothing is lost: the next"
        " run does it again. If nobody ended it, see whether this machine is short of memory."
    )


class _Other:
    """The process, and our end of the line to it."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader, self._writer = reader, writer

    @classmethod
    async def start(cls) -> "_Other":
        """Start it without environment and files of ours."""
        ours, theirs = socket.socketpair()
        try:
            process = _spawned(theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(process, *await asyncio.open_unix_connection(sock=ours))

    @property
    def pid(self) -> int:
        return self._process.pid

    async def end(self) -> int:
        """End it if it has not ended, and how it did; negative: by that signal."""
        self._writer.transport.abort()
        self._process.kill()
        # Shielded: a cancelled caller must not leave a zombie behind.
        return await asyncio.shield(asyncio.to_thread(self._process.wait))

    async def send(self, frame: bytes) -> None:
        self._writer.write(frame)
        await self._writer.drain()

    async def receive(self, heed: Heed) -> tuple[Frame, bytes]:
        """The next frame, however long it takes."""
        waiting = asyncio.ensure_future(self._receive())
        try:
            while True:
                done, _ = await asyncio.wait([waiting], timeout=_HEED_S)
                if done:
                    return waiting.result()
                await heed()
        finally:
            waiting.cancel()
            with suppress(asyncio.CancelledError, _Ended, ConnectionError):
                await waiting

    async def _receive(self) -> tuple[Frame, bytes]:
        try:
            kind, size = frame_head(await self._reader.readexactly(FRAME_HEAD.size))
            return kind, await self._reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            raise _Ended from error


async def _tell(pool: Pool, view: View, accounts: Accounts, other: _Other, heed: Heed) -> None:
    """Send the rules, the accounts with what people said of them, and everybody."""
    tuning_mode = bool(view.connector.settings.get("tuning_mode", False))
    await other.send(frame_with(Frame.RULES, {"rule_set": view.rule_set.to_json(), "tuning_mode": tuning_mode}))
    count = 0
    async with aclosing(accounts()) as pages:
        async for page in pages:
            count += len(page)
            await other.send(frame_with(Frame.ACCOUNTS, [[str(each.id), each.attributes] for each in page]))
            if said := await _said(pool, view, [each.id for each in page]):
                await other.send(frame_with(Frame.DECISIONS, said))
    async with tenant(pool, view.place.tenant_id) as conn:
        are_few = await backtests.has_more_people(
            conn, tenant_id=view.place.tenant_id, than=min(PEOPLE_PER_ACCOUNT * count, MOST_KEPT)
        )
    await other.send(frame_with(Frame.BEGIN, {"keeps_all": not are_few}))
    await _tell_everybody(pool, view, other, heed)


async def _tell_everybody(pool: Pool, view: View, other: _Other, heed: Heed) -> None:
    after, pages = _FIRST, 0
    while True:
        async with tenant(pool, view.place.tenant_id) as conn:
            people = await correlation.people_rows(conn, tenant_id=view.place.tenant_id, after=after, limit=_PAGE)
        await other.send(frame_of(Frame.PEOPLE, people.rows))
        after, pages = people.last, pages + 1
        if people.count < _PAGE:
            break
        if pages % _HEED_PAGES == 0:
            await heed()
    await other.send(frame_of(Frame.END))


async def _said(pool: Pool, view: View, account_ids: Sequence[UUID]) -> list[Any]:
    async with tenant(pool, view.place.tenant_id) as conn:
        said = await correlation.decisions(
            conn, tenant_id=view.place.tenant_id, connector_id=view.place.connector_id, account_ids=account_ids
        )
    return [[str(each.account_id), str(each.identity_id), each.verdict.value, each.evidence] for each in said]


async def _answers(pool: Pool, view: View, other: _Other, heed: Heed) -> AsyncGenerator[list[Found], None]:
    while True:
        kind, payload = await other.receive(heed)
        if kind is Frame.DONE:
            return
        if kind is Frame.TAKEN:
            await other.send(frame_of(Frame.TAKEN, await _taken(pool, view, payload)))
        else:
            yield [(UUID(account_id), result_of(document)) for account_id, document in frame_value(payload)]


async def _taken(pool: Pool, view: View, ids: bytes) -> bytes:
    """A byte for each of these people: whether they have an account there."""
    people = [UUID(bytes=ids[at : at + 16]) for at in range(0, len(ids), 16)]
    async with tenant(pool, view.place.tenant_id) as conn:
        found = await correlation.taken(conn, identity_ids=people, **view.place.as_arguments())
    return bytes(each in found for each in people)


def result_of(document: dict[str, Any]) -> CorrelationResult:
    """A result from its JSON."""
    matches = tuple(map(_match, document["candidates"]))
    match = _match(document["match"]) if document["match"] else None
    return CorrelationResult(
        Decision(document["decision"]), document["reason"], match, matches, document["rule_set_version"]
    )


def _match(document: dict[str, Any]) -> CorrelationMatch:
    return CorrelationMatch(
        UUID(document["ref_id"]),
        document["confidence"],
        MatchType(document["match_type"]),
        tuple(Contribution(**each) for each in document["contributions"]),
        document["uid"],
        document["name"],
    )
