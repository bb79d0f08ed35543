"""``provisiond ops tail``: what is accepted, tried and ended, as it happens.

Three places are asked behind the last thing that was shown of each: nothing listens, so it works behind any pooler.
What commits late appears within the overlap; what was shown is remembered as long and not shown again.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from worker.cli.arguments import moment_of
from worker.cli.context import Desk, acting
from worker.cli.operations import query_of
from worker.cli.output import say
from worker.store import listings_waiting
from worker.store.listings import OperationQuery
from worker.store.pool import Connection
from worker.store.sql import Record
from worker.store.tenant import tenant

POLL_S = 1.0
#: A look that took long is not followed by another at once: at most so much of the time is spent looking.
_REST = 5
#: How long something may take from its time to its commit and still be shown.
OVERLAP = timedelta(seconds=5)
_AT_ONCE = 500
_REMEMBERED = 100_000
_NO_ID = UUID(int=0)


def tail(options: argparse.Namespace) -> int:
    """Follow operations; Ctrl-C is how it ends."""

    async def act(desk: Desk) -> int:
        where = await query_of(desk, options)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            now = await listings_waiting.now(conn)
        since = moment_of(options.since, now=now) if options.since else now
        await _follow(desk, Follower(where, since), options)
        return 0

    try:
        return acting(options, act)
    except KeyboardInterrupt:
        return 0


async def _follow(desk: Desk, follower: "Follower", options: argparse.Namespace) -> None:
    begun = time.monotonic()
    while True:
        looked = time.monotonic()
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            events, is_behind = await follower.look(conn, desk.tenant_id)
        for event in events:
            _tell(event, as_json=options.json)
        sys.stdout.flush()
        rest = 0.0 if is_behind else max(POLL_S, _REST * (time.monotonic() - looked))
        if options.for_s is not None:
            left = options.for_s - (time.monotonic() - begun)
            if left <= 0 and not is_behind:
                return
            rest = min(rest, max(left, 0.0))
        await asyncio.sleep(rest)


class Follower:
    """What was not shown yet of what matches; bounded, however much happens."""

    def __init__(self, where: OperationQuery, since: datetime) -> None:
        self._where = where
        self._since = since
        begin = (since - OVERLAP, _NO_ID)
        self._made, self._tried, self._ended = begin, begin, begin
        self._shown: OrderedDict[tuple[object, ...], None] = OrderedDict()

    async def look(self, conn: Connection, tenant_id: UUID) -> tuple[list[dict[str, Any]], bool]:
        """The next events in the order of their times; and whether there is more already."""
        at, id_ = self._made
        made = await listings_waiting.made(conn, tenant_id, after=max(id_, _first_id(at)), limit=_AT_ONCE)
        tried = await listings_waiting.tried(conn, tenant_id, after=self._tried, limit=_AT_ONCE)
        ended = await listings_waiting.called_off(conn, tenant_id, after=self._ended, limit=_AT_ONCE)
        self._made, self._tried, self._ended = (
            _next(place, rows) for place, rows in ((self._made, made), (self._tried, tried), (self._ended, ended))
        )
        fresh = [
            *self._new(made, lambda _: {"event": "accepted"}),
            *self._new(tried, lambda row: {"event": row["outcome"], "attempt": row["attempt_number"]}),
            *self._new(ended, lambda row: {"event": row["status"]}),
        ]
        matching = [event for event in fresh if event["at"] >= self._since and self._matches(event)]
        is_behind = any(len(rows) == _AT_ONCE for rows in (made, tried, ended))
        return sorted(matching, key=lambda event: event["at"]), is_behind

    def _new(self, rows: list[Record], told: Callable[[Record], dict[str, Any]]) -> list[dict[str, Any]]:
        found = []
        for row in rows:
            event = {**_plain(row), **told(row)}
            key = (row["id"], event["event"], row.get("epoch"))
            if key not in self._shown:
                self._shown[key] = None
                found.append(event)
        while len(self._shown) > _REMEMBERED:
            self._shown.popitem(last=False)
        return found

    def _matches(self, event: Mapping[str, Any]) -> bool:
        wanted = self._where
        uid, name, text = event["target_uid"] or "", (event["user_name"] or "").lower(), wanted.q
        return (
            wanted.connector_id in {None, event["connector_id"]}
            and wanted.user_id in {None, event["user_id"]}
            and wanted.operation_type in {None, event["operation_type"]}
            and wanted.error_code in {None, event.get("error_code")}
            and (wanted.status is None or wanted.status in {event["event"], _STATUS_OF.get(event["event"])})
            and (text is None or text == str(event["id"]) or uid.startswith(text) or name.startswith(text.lower()))
        )


#: What became of an operation by a try.
_STATUS_OF = {
    "accepted": "pending",
    "done": "completed",
    "already_so": "completed",
    "skipped": "completed",
    "waits": "awaiting_system",
}


def _next(place: tuple[datetime, UUID], rows: list[Record]) -> tuple[datetime, UUID]:
    """Where the next look begins: behind a full page at once, else so far back that what commits late is seen."""
    if not rows:
        return place
    if len(rows) == _AT_ONCE:
        return rows[-1]["at"], rows[-1]["id"]
    return max(place[0], rows[-1]["at"] - OVERLAP), _NO_ID


def _plain(row: Record) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"status", "outcome", "attempt_number", "epoch"}}


def _first_id(moment: datetime) -> UUID:
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def _tell(event: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(event, default=str, ensure_ascii=False) + "\n")
        return
    who = event["user_name"] or event["target_uid"] or ""
    why = " ".join(filter(None, (event.get("error_code"), event.get("error_message"))))
    took = f" after {event['duration_ms']} ms" if event.get("duration_ms") is not None else ""
    line = f"{event['at']:%H:%M:%S}  {event['event']:<12}  {event['operation_type'] or '–':<7}"
    say(f"{line} {event['connector_name'] or '–'}  {who}  {event['id']}{took}{': ' + why if why else ''}")
