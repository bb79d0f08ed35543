"""The process for large correlations: reads accounts and people, answers whose they are, and ends.

Started by a daemon, which it does not outlive, with as much memory as it may use. It opens nothing: whatever it learns
comes in frames (``frames``). What it keeps of people is who shares a rare key with an account, or everybody where there
are very many accounts.
"""

import os
import resource
import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO, Final
from uuid import UUID

from worker.correlation.columns import correlate_columns
from worker.correlation.columns.results import Sides, results
from worker.correlation.columns.search import SHOWN_AS, Rows, Search, names_read
from worker.correlation.frames import FRAME_HEAD, NO_ROOM, Frame, frame_head, frame_of, frame_value, frame_with
from worker.correlation.rules import RuleSet
from worker.domain.correlation import PersonDecision, Side, Verdict

_NICE: Final = 5
_ASKED_TOGETHER: Final = 10_000
_ANSWERED_TOGETHER: Final = 500
_LOOK_EVERY_S: Final = 1.0


def main(memory_bytes: int) -> None:
    """Take one correlation from descriptor 0 to descriptor 1; ends with ``NO_ROOM`` when the memory does not do."""
    os.nice(_NICE)
    threading.Thread(target=_live_no_longer_than, args=(os.getppid(),), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    try:
        Correlation(os.fdopen(0, "rb"), os.fdopen(1, "wb")).run()
    except MemoryError:
        os._exit(NO_ROOM)
    except (BrokenPipeError, EOFError):  # nobody wants to know any more
        os._exit(0)


def _live_no_longer_than(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    os._exit(0)


class Correlation:
    """One correlation, from its rules to its results."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._decisions: list[PersonDecision] = []

    def run(self) -> None:
        told = self._expect(Frame.RULES)
        rule_set = RuleSet.from_json(told["rule_set"])
        accounts = Rows(names_read(rule_set, Side.ACCOUNT))
        begun = self._read_accounts(accounts)
        search = Search(accounts, rule_set, keeps_all=begun["keeps_all"])
        for people in self._people():
            search.meet([each[0] for each in people], list(map(_as_source, people)))
        kind = search.end()
        table = search.people.table(self._taken(search.people))
        outcome = correlate_columns(
            accounts.table(),
            table,
            rule_set=rule_set,
            decisions=self._decisions,
            frequencies=search.frequencies,
            tuning_mode=told["tuning_mode"],
            count_names=search.frequencies is None,
            kinds=[kind] if kind else None,
        )
        sides = Sides(accounts.table(), table, search.people.column(SHOWN_AS))
        found = results(outcome, sides, rule_set, frequencies=outcome.scorer.frequencies)
        self._answer(zip(accounts.ids, found, strict=True))

    def _read_accounts(self, accounts: Rows) -> Any:
        """Accounts, and what people said of them, until people come."""
        while True:
            kind, payload = self._read()
            if kind is Frame.ACCOUNTS:
                rows = frame_value(payload)
                accounts.add([each[0] for each in rows], [each[1] for each in rows])
            elif kind is Frame.DECISIONS:
                self._decisions += [
                    PersonDecision(UUID(account), UUID(identity), Verdict(verdict), evidence)
                    for account, identity, verdict, evidence in frame_value(payload)
                ]
            elif kind is Frame.BEGIN:
                return frame_value(payload)
            else:
                raise ValueError(f"{kind} comes out of turn")

    def _people(self) -> Iterator[Any]:
        while True:
            kind, payload = self._read()
            if kind is Frame.END:
                return
            if kind is not Frame.PEOPLE:
                raise ValueError(f"{kind} comes out of turn")
            yield frame_value(payload)

    def _taken(self, people: Rows) -> list[bool]:
        """Who has an account there already, asked of those who are left."""
        found = bytearray()
        size = 16 * _ASKED_TOGETHER
        for at in range(0, len(people.ids.packed), size):
            self._write(frame_of(Frame.TAKEN, bytes(people.ids.packed[at : at + size])))
            kind, payload = self._read()
            if kind is not Frame.TAKEN:
                raise ValueError(f"{kind} comes out of turn")
            found += payload
        return list(map(bool, found))

    def _answer(self, found: Iterator[Any]) -> None:
        some: list[Any] = []
        for account_id, result in found:
            some.append([str(account_id), result.to_json()])
            if len(some) == _ANSWERED_TOGETHER:
                self._write(frame_with(Frame.OWNERS, some))
                some = []
        if some:
            self._write(frame_with(Frame.OWNERS, some))
        self._write(frame_of(Frame.DONE))

    def _expect(self, wanted: Frame) -> Any:
        kind, payload = self._read()
        if kind is not wanted:
            raise ValueError(f"{kind} comes in place of {wanted}")
        return frame_value(payload)

    def _read(self) -> tuple[Frame, bytes]:
        head = self._source.read(FRAME_HEAD.size)
        if len(head) < FRAME_HEAD.size:
            raise EOFError
        kind, size = frame_head(head)
        payload = self._source.read(size)
        if len(payload) < size:
            raise EOFError
        return kind, payload

    def _write(self, frame: bytes) -> None:
        self._sink.write(frame)
        self._sink.flush()


def _as_source(row: list[Any]) -> dict[str, Any]:
    """A person as rules read one: ``Identity.as_source``."""
    identity_id, external_id, user_name, is_enabled, attributes = row
    fixed = {"id": identity_id, "external_id": external_id, "user_name": user_name, "active": is_enabled}
    return {**attributes, **fixed}
