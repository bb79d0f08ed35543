"""Where the embedded PostgreSQL may live."""

import errno
import os
import pwd
from pathlib import Path

import pytest

from worker.domain.errors import SurroundingsError
from worker.service.placement import (
    Account,
    find_programs,
    may_pass,
    pick_account,
    require_owner,
    shared_memory_kind,
    socket_folder,
    writing,
)

NOBODY = Account("nobody", 65534, 65534)


def entry(name: str, uid: int) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, "", "/", "/bin/false"))


def found(mode: int, *, uid: int = 0, gid: int = 0) -> os.stat_result:
    return os.stat_result((0o040000 | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        pytest.param(found(0o755), True, id="open to all"),
        pytest.param(found(0o711), True, id="passing without looking"),
        pytest.param(found(0o700), False, id="a closed home of root"),
        pytest.param(found(0o700, uid=65534), True, id="its own"),
        pytest.param(found(0o677, uid=65534), False, id="the owner's bit counts for the owner"),
        pytest.param(found(0o710, gid=65534), True, id="its group's"),
        pytest.param(found(0o701, gid=65534), False, id="the group's bit counts for the group"),
    ],
)
def test_one_permission_bit_decides_who_may_pass(folder, expected):
    assert may_pass(folder, NOBODY) is expected


def test_nobody_runs_the_server_where_there_is_one():
    assert pick_account([entry("root", 0), entry("daemon", 1), entry("nobody", 65534)]) == NOBODY


def test_any_account_but_root_will_do_otherwise():
    assert pick_account([entry("root", 0), entry("daemon", 1)]) == Account("daemon", 1, 1)


def test_a_machine_with_root_alone_is_told_so():
    with pytest.raises(SurroundingsError, match="no other account"):
        pick_account([entry("root", 0)])


def test_data_of_another_user_are_refused_before_the_server_does_it(tmp_path):
    with pytest.raises(SurroundingsError, match="start as the same user as before, or remove"):
        require_owner(tmp_path, uid=tmp_path.stat().st_uid + 1)


def test_data_that_are_yet_to_be_made_belong_to_anybody(tmp_path):
    require_owner(tmp_path / "data", uid=12345)


def test_programs_are_found_in_the_wheel():
    assert (find_programs(None) / "postgres").exists()


def test_a_folder_without_programs_is_named(tmp_path):
    with pytest.raises(SurroundingsError, match=f"{tmp_path} has no program initdb and no postgres"):
        find_programs(tmp_path)


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        pytest.param(Path("/srv/provisiond/data"), True, id="short"),
        pytest.param(Path("/" + "x" * 91), True, id="107 bytes"),
        pytest.param(Path("/" + "x" * 92), False, id="108 bytes"),
        pytest.param(Path("/" + "ü" * 50), False, id="bytes count, not letters"),
        pytest.param(Path('/srv/odd"name'), False, id="a quote mark"),
    ],
)
def test_socket_is_among_the_data_where_its_path_fits(data, fits):
    assert socket_folder(data, port=54320) == (data if fits else None)


def test_missing_shared_memory_is_replaced_by_files(tmp_path):
    assert shared_memory_kind(tmp_path / "absent") == "mmap"


def test_shared_memory_that_others_may_not_write_to_is_not_used(tmp_path):
    assert shared_memory_kind(tmp_path) == "mmap"


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        pytest.param(errno.ENOSPC, "The disk that holds /x is full: free some space and start again.", id="disk full"),
        pytest.param(errno.EDQUOT, "The disk that holds /x is full: free some space and start again.", id="quota"),
        pytest.param(errno.EACCES, "may not write to /x", id="no permission"),
        pytest.param(errno.EROFS, "may not write to /x", id="read only"),
        pytest.param(errno.EIO, "/x cannot be written: Input/output error.", id="anything else"),
    ],
)
def test_what_the_file_system_refuses_becomes_one_sentence(number, sentence):
    with pytest.raises(SurroundingsError) as refused, writing(Path("/x")):
        raise OSError(number, os.strerror(number))

    assert sentence in str(refused.value)
