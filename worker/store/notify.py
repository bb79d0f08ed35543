"""Hints that there is something to do: what was asked for is told after its commit, never before, never inside.

In this process the hint names what is due. To others goes a word over one channel, with the name of what is due when
it is one thing; it may be lost, for everybody polls as well. After a quiet moment the word travels behind the COMMIT,
as a transaction of its own in the same round trip: a commit that notifies waits for all others that do, and keeps them
waiting while it is written to disk.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from worker.store.pool import Connection, Pool
from worker.store.sql import load

queries = load("notify")

CHANNEL = "provisiond_due"


class Word(StrEnum):
    """What one process tells the others: work is due; or a target is to be treated otherwise from now on."""

    WORK = "work"
    TARGETS = "targets"
    #: to oneself, to know that one still hears
    ECHO = "echo"


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that somebody made due; ``is_new`` when nobody had before, ``is_later`` when it is due in a while.

    ``is_urgent``: whoever is told need not wait for a turn.
    """

    tenant_id: UUID
    kind: str
    ref_id: UUID
    is_new: bool = True
    is_later: bool = False
    is_urgent: bool = False


@dataclass(slots=True)
class Hints:
    """What one transaction will have to tell."""

    asked: list[Asked] = field(default_factory=list)
    has_moved_targets: bool = False
    #: others have been told by the commit itself
    is_told: bool = False

    def __bool__(self) -> bool:
        return bool(self.asked) or self.has_moved_targets


_open: dict[Connection, Hints] = {}
_ears: list[Callable[[Hints], None]] = []
_mouths: list[Callable[[Hints], str | None]] = []


def note_asked(conn: Connection, asked: Asked) -> None:
    """Something is due once this transaction is committed; outside of a tenant transaction nobody is told."""
    if conn in _open:
        _open[conn].asked.append(asked)


def note_moved(conn: Connection) -> None:
    """A target is to be treated otherwise once this transaction is committed."""
    if conn in _open:
        _open[conn].has_moved_targets = True


@contextmanager
def told(conn: Connection) -> Iterator[None]:
    """Collect the hints of a transaction and tell them when it ends well; with an error they are forgotten."""
    _open[conn] = Hints()
    try:
        yield
    except BaseException:
        del _open[conn]
        raise
    hints = _open.pop(conn)
    if hints:
        for ear in _ears:
            ear(hints)


def along(conn: Connection) -> str:
    """What the commit of this transaction takes along to the server: a statement for others, or nothing."""
    hints = _open.get(conn)
    if not hints:
        return ""
    said = [text for mouth in _mouths if (text := mouth(hints)) is not None]
    hints.is_told = bool(said)
    return "".join(f"; {text}" for text in said)


@contextmanager
def hearing(ear: Callable[[Hints], None], *, mouth: Callable[[Hints], str | None] | None = None) -> Iterator[None]:
    """Be told of what this process commits; the ear must be quick and raise nothing.

    ``mouth`` is asked just before the commit for what to tell others behind it, as ``spoken``; None: nothing now.
    """
    _ears.append(ear)
    if mouth is not None:
        _mouths.append(mouth)
    try:
        yield
    finally:
        _ears.remove(ear)
        if mouth is not None:
            _mouths.remove(mouth)


async def listen(
    conn: Connection,
    *,
    on_word: Callable[[Word], None],
    on_asked: Callable[[Asked], None],
    on_echo: Callable[[], None],
) -> bool:
    """Hear what other processes tell, on a connection of its own; of what it tells itself there only that it came, of
    what it tells over others (``by`` the server's process of this one) nothing.

    False behind a pooler that lends another server connection each time: there is nothing to hear, and nothing is left
    there.
    """
    if await queries.server_pid.value(conn) != conn.get_server_pid():
        return False

    def heard(by: Any, pid: int, channel: str, payload: object) -> None:
        del channel
        word, _, name = str(payload).partition(" ")
        name, _, teller = name.partition(" by ")
        if pid == by.get_server_pid():
            on_echo()
        elif teller == str(by.get_server_pid()):
            return
        elif (asked := named(name)) is not None:
            on_asked(asked)
        elif word != Word.ECHO:  # what a later version tells is worth a look, too
            on_word(Word.TARGETS if word == Word.TARGETS else Word.WORK)

    await conn.add_listener(CHANNEL, heard)
    return True


async def tell(conn: Connection, word: Word, *, only: Asked | None = None) -> None:
    """Tell the other processes, outside of any transaction; ``only``: the one thing that is due."""
    await conn.execute(spoken(word, only=only))


def spoken(word: Word, *, only: Asked | None = None, by: int | None = None) -> str:
    """The statement that tells others, all in one text: nothing has to be prepared for it.

    ``by``: the server's process that the teller listens with.
    """
    name = f" {only.kind} {only.tenant_id} {only.ref_id} {int(only.is_urgent)}" if only is not None else ""
    teller = f" by {by}" if by is not None else ""
    said = f"{word}{name}{teller}".replace("'", "''")
    return f"SELECT pg_notify('{CHANNEL}', '{said}')"


def named(name: str) -> Asked | None:
    """What a name names; None when it names nothing that this version knows."""
    try:
        kind, tenant_id, ref_id, urgent = name.split()
        return Asked(UUID(tenant_id), kind, UUID(ref_id), is_urgent=urgent == "1")
    except ValueError:
        return None


@asynccontextmanager
async def telling(pool: Pool) -> AsyncIterator[None]:
    """For a short-lived process: what it has committed meanwhile is told to the others at the end."""
    words: set[Word] = set()

    def note(hints: Hints) -> None:
        words.update(words_of(hints))

    with hearing(note):
        yield
    if words:
        async with pool.acquire() as conn:
            for word in sorted(words):
                await tell(conn, word)


def words_of(hints: Hints) -> set[Word]:
    """What others have to be told."""
    found = {Word.TARGETS} if hints.has_moved_targets else set()
    return found | {Word.WORK} if hints.asked else found
