import os
from pathlib import Path

import pytest

from worker.connectors.base import ConnectorContext
from worker.connectors.builtin.csvfile import CsvConnector, CsvSettings, check_file
from worker.domain.errors import (
    AccessRefused,
    InvalidAttributes,
    ListingChanged,
    PermanentError,
    TargetBusy,
    TargetUnavailable,
)

HEADER = "id,name,mail,works,groups\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def connector_of(path: Path, **settings) -> CsvConnector:
    return CsvConnector(CsvSettings(path=str(path), key="id", **settings), ConnectorContext(name="people"))


async def listed(connector: CsvConnector, *, page_size: int = 2):
    accounts, token = [], None
    while True:
        page = await connector.search("user", token=token, page_size=page_size)
        accounts += page.accounts
        if page.is_last:
            return accounts
        token = page.next_token


async def test_rows_are_accounts(path):
    path.write_text(f"{HEADER}1, Jörg ,j@x,yes,a|b\n2,李,,no,\n\n ,,,,\n3,Zoë,z@x,maybe,c\n", encoding="utf-8")
    accounts = await listed(connector_of(path, active_column="works", multi_valued={"groups": "|"}))

    assert [(account.uid, account.active) for account in accounts] == [("1", True), ("2", False), ("3", None)]
    assert accounts[0].attributes == {"id": "1", "name": "Jörg", "mail": "j@x", "groups": ["a", "b"]}
    assert accounts[1].attributes == {"id": "2", "name": "李", "mail": None, "groups": []}


async def test_every_page_tells_how_many_there_are(path):
    path.write_text(HEADER + "".join(f"{n},n,m,yes,\n" for n in range(5)))
    connector = connector_of(path)
    page = await connector.search("user", token=None, page_size=3)
    rest = await connector.search("user", token=page.next_token, page_size=3)

    assert (len(page.accounts), page.total, page.is_last) == (3, 5, False)
    assert (len(rest.accounts), rest.total, rest.is_last, rest.next_token) == (2, 5, True, None)


async def test_file_without_rows_is_an_empty_listing(path):
    path.write_text(HEADER)
    page = await connector_of(path).search("user", token=None, page_size=3)

    assert (page.accounts, page.is_last, page.total) == ((), True, 0)


async def test_listing_goes_on_in_another_process(path):
    path.write_text(HEADER + "".join(f"{n},n,m,yes,\n" for n in range(5)))
    async with connector_of(path) as connector:
        page = await connector.search("user", token=None, page_size=3)
    rest = await connector_of(path).search("user", token=page.next_token, page_size=3)

    assert [account.uid for account in rest.accounts] == ["3", "4"]


def _replaced(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.parametrize("same_process", [True, False])
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda path: path.write_text(f"{path.read_text()}9,n,m,yes,\n"), id="appended"),
        pytest.param(lambda path: path.write_text(HEADER), id="emptied"),
        pytest.param(lambda path: os.utime(path, (1, 1)), id="touched"),
        pytest.param(_replaced, id="replaced by an equal file"),
    ],
)
async def test_file_that_changes_ends_the_listing(path, write, same_process):
    path.write_text(HEADER + "".join(f"{n},n,m,yes,\n" for n in range(5)))
    async with connector_of(path) as connector, connector_of(path) as other:
        page = await connector.search("user", token=None, page_size=3)
        write(path)

        with pytest.raises(ListingChanged):
            await (connector if same_process else other).search("user", token=page.next_token, page_size=3)


def test_file_that_is_being_written_is_busy(path, monkeypatch):
    """Half a line at the end is no fault of a file that somebody is still writing."""
    path.write_text(f'{HEADER}1,n,m,yes,\n2,"half')
    looks = iter(["10-1-1", "20-2-1", "20-2-1"])
    monkeypatch.setattr("worker.connectors.builtin.csvfile._looks_of", lambda settings: next(looks))

    with pytest.raises(TargetBusy, match="being written"):
        check_file(CsvSettings(path=str(path), key="id"))


async def test_file_of_no_bytes_lists_nobody(path):
    """Emptied is a fact, not a fault of the form: what follows from it is for the safeguards to judge."""
    path.write_bytes(b"")

    page = await connector_of(path).search("user", token=None, page_size=10)

    assert (page.accounts, page.is_last, page.total) == ((), True, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"name,mail\n1,2\n", "no column id", id="key column missing"),
        pytest.param(b"id,name,name\n1,2,3\n", "twice: name", id="column twice"),
        pytest.param(b"id,name\n1,a\n2\n3,c,d\n", "line 3 has 1 values.*line 4 has 3 values", id="wrong widths"),
        pytest.param(b"id,name\n1,a\n2,b\n1,c\n 2 ,d\n", "lines 2 and 4.*lines 3 and 5", id="keys twice"),
        pytest.param(b"id,name\n1,a\n,b\n", "line 3 has no id", id="no key"),
        pytest.param(b'id,name\n1,"two\nlines"\n1,b\n', "lines 2 and 4", id="lines are counted as people see them"),
        pytest.param(b"id,name\n1,a\n2,\xfcber\n", "Line 3 is not utf-8", id="wrong encoding"),
        pytest.param(b"id,name\n" + b"1,a\n" * 5000 + b"2,\xff\n", "Line 5002 is not", id="wrong encoding far in"),
        pytest.param(b'id,name\n1,"open\n', "not CSV", id="quote never closed"),
        pytest.param(b'id,name\n1,"a"b\n', "not CSV", id="text after a quote"),
        pytest.param(b"id,name\n" + b"1,a\n" * 20, "and 14 more", id="many mistakes"),
    ],
)
async def test_faulty_file_is_explained(path, content, message):
    path.write_bytes(content)
    connector = connector_of(path)

    with pytest.raises(PermanentError, match=message):
        await connector.search("user", token=None, page_size=10)
    with pytest.raises(PermanentError, match=message):
        await connector.test_connection()


async def test_missing_columns_are_all_named(path):
    path.write_text("id,name\n1,a\n")

    with pytest.raises(PermanentError, match="no column works, phone; it has id, name"):
        await connector_of(path, active_column="works", columns=["name", "phone"]).test_connection()


async def test_missing_file_is_unavailable(path):
    with pytest.raises(TargetUnavailable, match="no such file"):
        await connector_of(path).search("user", token=None, page_size=10)


async def test_directory_is_no_file(tmp_path):
    with pytest.raises(PermanentError, match="directory"):
        await connector_of(tmp_path).test_connection()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_unreadable_file_is_refused(path):
    path.write_text(HEADER)
    path.chmod(0)

    with pytest.raises(AccessRefused):
        await connector_of(path).test_connection()


async def test_other_forms_of_file_are_read(path):
    path.write_bytes("id;name\r\n1;Jörg\r\n".encode("cp1252"))
    accounts = await listed(connector_of(path, encoding="cp1252", delimiter=";"))

    assert accounts[0].attributes == {"id": "1", "name": "Jörg"}


async def test_only_chosen_columns_are_read(path):
    path.write_text(f"{HEADER}1,a,b,yes,c\n")
    accounts = await listed(connector_of(path, columns=["mail"]))
    schema = await connector_of(path, columns=["mail"]).schema("user")

    assert accounts[0].attributes == {"id": "1", "mail": "b"}
    assert [attribute.name for attribute in schema.attributes] == ["id", "mail"]


async def test_one_row_is_found(path):
    path.write_text(f"{HEADER}1,a,b,yes,c\n2,a,d,yes,c|x\n")
    connector = connector_of(path, multi_valued={"groups": "|"})
    two = await connector.get("user", "2")

    assert two is not None
    assert two.attributes["mail"] == "d"
    assert await connector.get("user", "3") is None
    assert [account.uid for account in await connector.find("user", "name", "a")] == ["1", "2"]
    assert [account.uid for account in await connector.find("user", "groups", "x")] == ["2"]
    with pytest.raises(InvalidAttributes, match="phone"):
        await connector.find("user", "phone", "1")
