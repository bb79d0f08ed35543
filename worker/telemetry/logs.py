"""Log lines: JSON for machines, coloured lines for a terminal; the lines of libraries come out in the same form.

Promises: the ids of what is being worked on are on every line (``bound``); what looks like a secret is never written;
a line stays near 1 KB; of lines with a ``cause``, one a minute is written and the rest are counted.
"""

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from worker.telemetry import metrics

HIDDEN = "***"
LONGEST_VALUE = 400
LONGEST_TRACEBACK = 4_000
ALIKE_WINDOW_S = 60.0
MOST_CAUSES = 10_000

_SECRET_KEY = re.compile(
    r"passw(or)?d|passphrase|passcode|secret|credential|token|api_?key|private_?key|authori[sz]ation|cookie|signature"
    r"|session_?id|^pwd$|^dsn$",
    re.IGNORECASE,
)
_NOT_SECRET_KEY = re.compile(
    r"((?<!session)_id|_ids|_count|_type|_name|_at)$|^(next|page)_token$|^tokens$", re.IGNORECASE
)
# Bounded, so that a long text without blanks costs no more than its length.
_SECRET_TEXT = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@]*:)[^\s/@]+(?=@)|(?P<bearer>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}"
    r"|\bpvd_[0-9a-f-]+_[\w-]+",
    re.IGNORECASE,
)
#: Without one of these no text matches _SECRET_TEXT; most of what is told are ids and single words.
_MAY_HOLD_SECRET = re.compile(r"[\s:_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Format = Literal["auto", "json", "console"]


def configure(*, level: str = "info", format: Format = "auto", stream: TextIO | None = None) -> None:  # noqa: A002 - the setting is called so
    """Send every log line of the process, libraries' too, to ``stream`` (standard error when None)."""
    out = sys.stderr if stream is None else stream
    is_pretty = format == "console" or (format == "auto" and out.isatty())
    shared = _processors(is_pretty=is_pretty)
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if is_pretty
        else _as_json
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _take_over_standard_logging(out, level=number, shared=shared, renderer=renderer)


class _Scope:
    """Ids that hold inside a ``with``, over those of the scope around it; written out only when a line is."""

    __slots__ = ("ids", "outer")

    def __init__(self, ids: Mapping[str, UUID | str | None], outer: "_Scope | None") -> None:
        self.ids = ids
        self.outer = outer


#: What is being worked on; that of a task is copied into the tasks it starts.
_scope: ContextVar[_Scope | None] = ContextVar("scope", default=None)


class bound:  # noqa: N801 - read as a verb: with logs.bound(run_id=...)
    """Put these ids on every line that is written inside; those that are None stay as they were."""

    __slots__ = ("_ids", "_token")

    def __init__(
        self,
        *,
        correlation_id: UUID | str | None = None,
        tenant_id: UUID | str | None = None,
        operation_id: UUID | str | None = None,
        run_id: UUID | str | None = None,
    ) -> None:
        self._ids = {
            "correlation_id": correlation_id,
            "tenant_id": tenant_id,
            "operation_id": operation_id,
            "run_id": run_id,
        }

    def __enter__(self) -> None:
        self._token = _scope.set(_Scope(self._ids, _scope.get()))

    def __exit__(self, *exc_info: object) -> None:
        _scope.reset(self._token)


def _with_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    scope = _scope.get()
    while scope is not None:
        for name, value in scope.ids.items():
            if value:
                event.setdefault(name, str(value))
        scope = scope.outer
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide the values of keys that look secret, at any depth, and secrets inside of texts."""
    for key, value in event.items():
        event[key] = HIDDEN if _is_secret(str(key)) else _redacted(value)
    return event


@dataclass(slots=True)
class _Seen:
    since: float
    more: int = 0


class CauseLimiter:
    """Of lines with the same event and ``cause``, let one through a minute; the next one says how many it stands for.

    A line without ``cause`` passes. The number of causes in memory is bounded; beyond it the oldest is forgotten.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, window_s: float = ALIKE_WINDOW_S) -> None:
        self._clock = clock
        self._window_s = window_s
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._lock = threading.Lock()

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        cause = event.get("cause")
        if cause is None:
            return event
        with self._lock:
            more = self._admit((str(event.get("event")), str(cause)))
        if more is None:
            metrics.log_lines_suppressed_total.inc()
            raise structlog.DropEvent
        if more:
            event["alike_before"] = more
        return event

    def _admit(self, key: tuple[str, str]) -> int | None:
        """How many lines this one stands for besides itself, or None when it is to be left out."""
        now = self._clock()
        seen = self._seen.get(key)
        if seen is not None and now - seen.since < self._window_s:
            seen.more += 1
            return None
        self._seen.pop(key, None)
        if len(self._seen) >= MOST_CAUSES:
            del self._seen[next(iter(self._seen))]
        self._seen[key] = _Seen(since=now)
        return seen.more if seen else 0


def _processors(*, is_pretty: bool) -> list[Processor]:
    processors: list[Processor] = [
        CauseLimiter(),
        _with_ids,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if is_pretty else "iso", utc=not is_pretty),
        structlog.processors.format_exc_info,
        redact,
        _shorten,
    ]
    return [*processors, _printable] if is_pretty else processors


def _take_over_standard_logging(out: TextIO, *, level: int, shared: list[Processor], renderer: Processor) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared[1:]],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries tell much of what is none of an operator's business.
    root.setLevel(max(level, logging.WARNING) if level > logging.DEBUG else level)
    logging.captureWarnings(capture=True)


@lru_cache(maxsize=4_096)  # a program has few names for what it tells
def _is_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None and _NOT_SECRET_KEY.search(key) is None


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return _SECRET_TEXT.sub(_hide, value) if _MAY_HOLD_SECRET.search(value) else value
        case Mapping():
            return {str(key): HIDDEN if _is_secret(str(key)) else _redacted(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted(item) for item in value]
        case _:
            return value


def _hide(found: re.Match[str]) -> str:
    return (found["scheme"] or found["bearer"] or "") + HIDDEN


def _shorten(_logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        longest = LONGEST_TRACEBACK if key == "exception" else LONGEST_VALUE
        text = value if isinstance(value, str) else json.dumps(value, default=_plain) if _is_container(value) else ""
        if len(text) > longest:
            # The end of a traceback is what names the error.
            event[key] = f"… {text[-longest:]}" if key == "exception" else f"{text[:longest]} …"
    return event


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape what could steer a terminal; JSON does so by itself."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _CONTROL.sub(lambda found: repr(found[0])[1:-1], value)
    return event


def _is_container(value: Any) -> bool:
    return isinstance(value, dict | list)


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    first = {key: event[key] for key in ("timestamp", "level", "event") if key in event}
    return json.dumps({**first, **event}, default=_plain)


def _plain(value: Any) -> Any:
    match value:
        case timedelta():
            return round(value.total_seconds(), 6)
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
