import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog

from worker.telemetry import logs, metrics

RUN = UUID("01900000-0000-7000-8000-000000000001")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Logging is global: put it back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def configured(**options: Any) -> io.StringIO:
    out = io.StringIO()
    logs.configure(format="json", stream=out, **options)
    return out


def log_failure(text: str) -> None:
    try:
        {}[text]
    except KeyError:
        structlog.get_logger().exception("broken")


def test_line_is_one_json_object_with_time_level_and_event_first() -> None:
    out = configured()
    structlog.get_logger().info("operation.finished", took=timedelta(milliseconds=12), run=RUN)

    (line,) = lines(out)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["event"], line["took"], line["run"]) == ("info", "operation.finished", 0.012, str(RUN))


def test_ids_are_on_every_line_inside_and_gone_outside() -> None:
    out = configured()
    with logs.bound(tenant_id="t", run_id=RUN):
        with logs.bound(operation_id="o"):
            structlog.get_logger().info("inner")
        structlog.get_logger().info("outer")
    structlog.get_logger().info("after")

    assert [{key for key in line if key.endswith("_id")} for line in lines(out)] == [
        {"tenant_id", "run_id", "operation_id"},
        {"tenant_id", "run_id"},
        set(),
    ]


def test_lines_below_the_level_are_not_written() -> None:
    out = configured(level="warning")
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert [line["event"] for line in lines(out)] == ["loud"]


def test_lines_of_libraries_have_the_same_form_from_warning_on() -> None:
    out = configured()
    logging.getLogger("aiohttp").info("chatter")
    with logs.bound(run_id=RUN):
        logging.getLogger("aiohttp").warning("lost %s", "postgresql://u:hunter2@db/x")

    (line,) = lines(out)
    assert line["event"] == "lost postgresql://u:***@db/x"
    assert (line["logger"], line["level"], line["run_id"]) == ("aiohttp", "warning", str(RUN))


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        pytest.param({"password": "x"}, {"password": "***"}, id="password"),
        pytest.param({"bindPasswd": "x"}, {"bindPasswd": "***"}, id="passwd inside of a name"),
        pytest.param({"client_secret": "x"}, {"client_secret": "***"}, id="secret"),
        pytest.param({"Authorization": "x"}, {"Authorization": "***"}, id="header"),
        pytest.param({"credentials": {"a": "x"}}, {"credentials": "***"}, id="whole group"),
        pytest.param({"config": {"api_key": "x", "host": "h"}}, {"config": {"api_key": "***", "host": "h"}}, id="deep"),
        pytest.param({"rows": [{"token": "x"}]}, {"rows": [{"token": "***"}]}, id="in a list"),
        pytest.param({"session_id": "x"}, {"session_id": "***"}, id="a session's id is its secret"),
        pytest.param({"token_id": "7"}, {"token_id": "7"}, id="an id is no secret"),
        pytest.param({"next_token": "7"}, {"next_token": "7"}, id="page token"),
        pytest.param({"keys": {1: "x"}}, {"keys": {"1": "x"}}, id="number as a key"),
        pytest.param({"at": "http://u:p4ss@h/x"}, {"at": "http://u:***@h/x"}, id="address with password"),
        pytest.param({"header": "Bearer abcdefgh12"}, {"header": "Bearer ***"}, id="bearer"),
        pytest.param({"said": "token pvd_00aa-11_Qx-9 used"}, {"said": "token *** used"}, id="our own token"),
        pytest.param({"attribute": "userPassword"}, {"attribute": "userPassword"}, id="a name as a value"),
    ],
)
def test_what_looks_secret_is_hidden(fields: dict[str, Any], shown: dict[str, Any]) -> None:
    assert logs.redact(None, "info", {**fields}) == shown


def test_traceback_is_hidden_in_and_shortened_to_its_end() -> None:
    out = configured()
    log_failure("y" * 9_000 + " https://u:hunter2@h/x")

    (line,) = lines(out)
    assert len(line["exception"]) < 4_100
    assert line["exception"].endswith("https://u:***@h/x'")


def test_long_values_are_cut_so_that_a_line_stays_small() -> None:
    out = configured()
    structlog.get_logger().info("x", message="m" * 5_000, items=list(range(5_000)))

    assert len(out.getvalue()) < 1_024


def test_lone_surrogates_and_odd_values_do_not_break_a_line() -> None:
    out = configured()
    structlog.get_logger().info("x", text="\ud800", at=datetime(2026, 1, 1, tzinfo=UTC), kind=ValueError)

    (line,) = lines(out)
    assert line["at"] == "2026-01-01T00:00:00+00:00"


def test_of_lines_that_are_alike_one_a_minute_is_written_and_counts_the_rest() -> None:
    now = 0.0
    limiter = logs.CauseLimiter(clock=lambda: now)
    before = metrics.registry.get_sample_value("provisiond_log_lines_suppressed_total") or 0

    def admitted(cause: str | None) -> int | None:
        try:
            return limiter(None, "warning", {"event": "operation.failed", "cause": cause}).get("alike_before", 0)
        except structlog.DropEvent:
            return None

    first = [admitted("scim target_down") for _ in range(1_000)]
    other = admitted("ldap target_down")
    now = 61.0
    later = [admitted("scim target_down"), admitted("scim target_down")]

    assert first == [0, *[None] * 999]
    assert other == 0
    assert later == [999, None]
    assert metrics.registry.get_sample_value("provisiond_log_lines_suppressed_total") == before + 1_000


def test_lines_without_a_cause_are_all_written() -> None:
    out = configured()
    for _ in range(3):
        structlog.get_logger().warning("x")

    assert len(lines(out)) == 3


def test_causes_in_memory_are_bounded() -> None:
    limiter = logs.CauseLimiter(clock=lambda: 0.0)
    for number in range(logs.MOST_CAUSES + 50):
        limiter(None, "warning", {"event": "x", "cause": str(number)})

    assert len(limiter._seen) == logs.MOST_CAUSES


def test_on_a_terminal_lines_are_for_people_and_cannot_steer_it() -> None:
    out = Terminal()
    logs.configure(stream=out)
    structlog.get_logger().info("operation.finished", name="a\x1b]0;owned\x07b")

    assert "operation.finished" in out.getvalue()
    assert "\x1b]0;" not in out.getvalue()
    assert "\\x1b]0;owned" in out.getvalue()


def test_traceback_on_a_terminal_keeps_its_lines() -> None:
    out = Terminal()
    logs.configure(stream=out)
    log_failure("no number")

    assert "KeyError: 'no number'" in out.getvalue()
    assert "\\n" not in out.getvalue()


def test_auto_writes_json_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    structlog.get_logger().info("x")

    assert lines(out)[0]["event"] == "x"
