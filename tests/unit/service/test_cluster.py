"""What is remembered of the embedded cluster."""

import os
from dataclasses import replace

import pytest

from worker.domain.errors import SurroundingsError
from worker.service.cluster import FILE, Cluster, lock


def test_what_was_written_is_read_again(tmp_path):
    cluster = replace(Cluster.new(), port=54320, applications={"crm": "secret"})
    cluster.write(tmp_path)

    assert Cluster.read(tmp_path) == cluster


def test_passwords_are_for_their_owner_alone(tmp_path):
    Cluster.new().write(tmp_path)

    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_no_two_clusters_share_a_password():
    one, other = Cluster.new(), Cluster.new()

    assert len({one.superuser, one.owner, one.daemon, other.superuser, other.owner, other.daemon}) == 6


def test_first_start_remembers_nothing(tmp_path):
    assert Cluster.read(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [pytest.param("{", id="cut off"), pytest.param("[]", id="a list"), pytest.param('{"a": 1}', id="other fields")],
)
def test_damaged_memory_says_how_to_start_over(tmp_path, text):
    (tmp_path / FILE).write_text(text)

    with pytest.raises(SurroundingsError, match=f"remove {tmp_path} to start over"):
        Cluster.read(tmp_path)


def test_a_directory_has_one_owner_who_is_named(tmp_path):
    held = lock(tmp_path)

    with pytest.raises(SurroundingsError, match=f"process {os.getpid()}"):
        lock(tmp_path)

    os.close(held)
    os.close(lock(tmp_path))
