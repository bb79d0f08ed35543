"""What the server's files and words mean."""

import itertools
import os
import socket
from pathlib import Path

import pytest

from worker.service.postmaster import (
    PORTS_TRIED,
    Postmaster,
    Refusal,
    explain,
    forget_reused_pid,
    free_ports,
    is_alive,
    parse_pid_file,
    read_pid_file,
    server_settings,
    serves,
)

PID_FILE = "4711\n/srv/data\n1790000000\n54320\n/srv/data\n127.0.0.1\n 12345 678\nready   \n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(PID_FILE, Postmaster(4711, 54320, Path("/srv/data"), "ready"), id="ready"),
        pytest.param(
            PID_FILE.replace("ready   ", "starting"),
            Postmaster(4711, 54320, Path("/srv/data"), "starting"),
            id="starting",
        ),
        pytest.param("1\n/d\n2\n3\n\n127.0.0.1\n 1 2\nready\n", Postmaster(1, 3, None, "ready"), id="without a socket"),
        pytest.param("4711\n/srv/data\n1790000000\n", None, id="being written"),
        pytest.param("", None, id="empty"),
        pytest.param("x\n" * 8, None, id="damaged"),
    ],
)
def test_pid_file_is_read_once_it_is_complete(text, expected):
    assert parse_pid_file(text) == expected


def test_only_a_ready_server_takes_connections():
    assert Postmaster(1, 2, None, "ready").is_ready
    assert not Postmaster(1, 2, None, "stopping").is_ready


def test_absent_pid_file_names_no_server(tmp_path):
    assert read_pid_file(tmp_path) is None


def test_a_live_process_with_other_arguments_is_not_the_server(tmp_path):
    assert is_alive(os.getpid())
    assert not serves(tmp_path, pid=os.getpid())


def test_no_process_serves_under_an_id_that_nobody_has(tmp_path):
    assert not is_alive(2**22 + 1)
    assert not serves(tmp_path, pid=2**22 + 1)


def test_reused_process_id_is_replaced_and_the_memory_key_kept(tmp_path):
    """The memory key is what tells PostgreSQL that processes of the old server still hold the data."""
    lock = tmp_path / ".s.PGSQL.54320.lock"
    (tmp_path / "postmaster.pid").write_text(PID_FILE)
    lock.write_text(PID_FILE)

    forget_reused_pid(tmp_path, found=Postmaster(4711, 54320, tmp_path, "ready"))

    expected = PID_FILE.replace("4711", str(os.getpid()))
    assert (tmp_path / "postmaster.pid").read_text() == expected
    assert lock.read_text() == expected


def test_durable_settings_leave_every_safety_on():
    found = server_settings(port=1, socket_folder=Path("/s"), is_durable=True, shared_memory="posix")

    assert not {"fsync", "synchronous_commit", "full_page_writes", "autovacuum"} & found.keys()
    assert found["listen_addresses"] == "127.0.0.1"


def test_settings_for_tests_wait_for_no_disk():
    found = server_settings(port=1, socket_folder=Path("/s"), is_durable=False, shared_memory="mmap")

    assert found["fsync"] == "off"
    assert found["dynamic_shared_memory_type"] == "mmap"


def test_port_of_the_last_start_comes_first_and_a_taken_one_is_left_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert port not in itertools.islice(free_ports(port), 3)

    assert next(free_ports(port)) == port


def test_ports_run_out(monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(socket.socket, "bind", refuse)

    assert list(free_ports(None)) == []
    assert PORTS_TRIED > 1


@pytest.mark.parametrize(
    ("log", "refusal", "sentence"),
    [
        pytest.param(
            'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\n'
            "FATAL:  could not create any TCP/IP sockets\n",
            Refusal.PORT_TAKEN,
            "PostgreSQL did not start because its port is taken (could not create any TCP/IP sockets).",
            id="port taken",
        ),
        pytest.param(
            "2026-01-01 [1] FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use\n",
            Refusal.STILL_ENDING,
            "PostgreSQL did not start because processes of the last server are still there"
            " (pre-existing shared memory block (key 1, ID 2) is still in use).",
            id="orphans of a killed server",
        ),
        pytest.param(
            'initdb: error: could not write to file "/d/pg_wal/x": No space left on device\n',
            Refusal.FINAL,
            "PostgreSQL did not start because the disk is full"
            ' (could not write to file "/d/pg_wal/x": No space left on device).',
            id="disk full",
        ),
        pytest.param(
            "FATAL:  database files are incompatible with server\nDETAIL:  made by version 17\n",
            Refusal.FINAL,
            "PostgreSQL did not start because its data were made by another version of PostgreSQL"
            " (database files are incompatible with server).",
            id="another version",
        ),
        pytest.param("FATAL:  odd thing\n", Refusal.FINAL, "PostgreSQL did not start: odd thing.", id="anything else"),
        pytest.param(
            "initdb: cannot load a library\n",
            Refusal.FINAL,
            "PostgreSQL did not start: initdb: cannot load a library.",
            id="words without a level",
        ),
        pytest.param("", Refusal.FINAL, "PostgreSQL ended at once with status 127 and said nothing.", id="silence"),
    ],
)
def test_last_words_become_one_sentence(log, refusal, sentence):
    refused = explain(log, status=127)

    assert (refused.refusal, refused.sentence) == (refusal, sentence)
