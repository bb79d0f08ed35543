"""Owners of accounts from files: what is written, what is said, and what is refused with a reason."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.cli import run

PEOPLE = """\
identity_id,given_name,family_name,mail,employee_number,birth_date
P1,Anna,Müller,anna.mueller@acme.example,E-0042,1990-02-03
P2,Bert,Huber,bert.huber@acme.example,E-0043,1985-07-01
P3,Carla,Rossi,carla.rossi@acme.example,E-0044,1979-11-30
"""
ACCOUNTS = """\
account_id,login,first_name,last_name,email,emp_no,dob
a1,amuller,Anna,Mueller,anna.mueller@acme.example,42,1990-02-03
=a2,bhuber,Bert,Hubr,bert.huber@acme.example,,1985-07-01
a3,zz,Zoe,Zorn,zoe@other.example,99,2001-01-01
"""
RULES = """\
auto_threshold = 0.9

[[rules]]
name = "number"
source = "employee_number"
target = "emp_no"
normalize = ["employee_number"]
definitive = true
"""

Files = Callable[..., Path]


@pytest.fixture
def at(tmp_path: Path) -> Files:
    """Writes a file and gives its path."""

    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    written("I.csv", PEOPLE)
    written("A.csv", ACCOUNTS)
    return written


def correlate(folder: Path, *others: str) -> int:
    names = {"--identities": "I.csv", "--accounts": "A.csv", "--out": "L.csv"}
    options = [text for option, name in names.items() for text in (option, str(folder / name))]
    return run(["correlate", "files", *options, *others])


def links(folder: Path) -> list[dict[str, str]]:
    with (folder / "L.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_owners_are_written_with_reasons_and_the_guessed_rules_are_shown(
    at: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert correlate(tmp_path) == 0

    rows = links(tmp_path)
    said = capsys.readouterr()
    assert list(rows[0]) == ["account_id", "identity_id", "confidence", "decision", "explanation"]
    assert [(row["account_id"], row["identity_id"], row["decision"]) for row in rows] == [
        ("a1", "P1", "auto"), ("'=a2", "P2", "auto"), ("a3", "", "none"),
    ]  # fmt: skip
    assert "email: 'anna.muller@acme.example' on both sides" in rows[0]["explanation"]
    assert "employee number: employee_number = emp_no" in said.err
    assert "2 accounts linked, 0 for a person to look at, 1 of nobody" in said.out


def test_a_machine_reads_counts_and_rules(at: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = at("R.toml", RULES)

    assert correlate(tmp_path, "--rules", str(rules), "--json") == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["accounts"], said["auto"], said["review"], said["none"]) == (3, 1, 0, 2)
    assert [rule["name"] for rule in said["rules"]] == ["number"]


def test_guessed_rules_learn_from_the_tables_unless_told_not_to(
    at: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{place},E-{place},p{place}@acme.example" for place in range(600)]
    at("I.csv", "\n".join(["identity_id,employee_number,email", *rows]))
    at("A.csv", "\n".join(["account_id,employee_number,email", *rows]))
    weights = []
    for options in (["--no-refine"], []):
        assert correlate(tmp_path, "--json", *options) == 0
        weights.append([rule["weight"] for rule in json.loads(capsys.readouterr().out)["rules"]])

    assert weights[0] == [11, 10]
    assert weights[1] != weights[0]


def test_decisions_of_people_come_first(at: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "account_id,identity_id,verdict\na1,P1,is_not\n=a2,,nobody\na3,P3,is\ngone,P1,is\n"

    assert correlate(tmp_path, "--decisions", str(at("D.csv", said))) == 0

    assert [(row["identity_id"], row["decision"]) for row in links(tmp_path)] == [
        ("", "none"), ("", "none"), ("P3", "auto"),
    ]  # fmt: skip
    assert "1 decisions are about records that are in neither file" in capsys.readouterr().err


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_other_delimiters_and_a_byte_order_mark_are_understood(at: Files, tmp_path: Path, sign: str) -> None:
    at("I.csv", b"\xef\xbb\xbf" + PEOPLE.replace(",", sign).encode())

    assert correlate(tmp_path) == 0
    assert links(tmp_path)[0]["identity_id"] == "P1"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param("I.csv", b"", "I.csv is empty", id="empty"),
        pytest.param("I.csv", b"identity_id,mail\n", "I.csv has a header and no rows", id="no rows"),
        pytest.param("I.csv", "id,name\n1,Jörg\n".encode("latin-1"), "I.csv, line 2: not UTF-8", id="Latin 1"),
        pytest.param("I.csv", PEOPLE.encode("utf-16"), "I.csv is UTF-16", id="UTF-16"),
        pytest.param("I.csv", b"identity_id,mail\nP1,x@y\nP1,z@y\n", "'P1' is there 2 times", id="an id twice"),
        pytest.param("I.csv", b"identity_id,mail\n,x@y\n", "row 1 has no identity_id", id="no id"),
        pytest.param("I.csv", b"id,mail,mail\n1,2,3\n", "two columns are named 'mail'", id="a column twice"),
        pytest.param("I.csv", b"id,,mail\n1,2,3\n", "column 2 has no name", id="a column without a name"),
        pytest.param("I.csv", b"id,mail\n1,2,3\n", "record 2: 3 cells, and the header names 2", id="a cell too many"),
        pytest.param("I.csv", b'id,mail\n1,"x\n', "record 2: unexpected end of data", id="a quote left open"),
        pytest.param("I.csv", b"key,shoe\n1,42\n", "no rules can be guessed", id="nothing in common"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(
    at: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, sentence: str
) -> None:
    at(name, content)

    assert correlate(tmp_path) == 4
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "L.csv").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param("[[rules]\n", "(at line 1, column 8)", id="no TOML"),
        pytest.param("auto_threshold = 0.9\n", "has no rules", id="no rules"),
        pytest.param(RULES.replace("emp_no", "emp_nr"), "line 3, rule 1, target: no attribute", id="no such column"),
        pytest.param(RULES + "weigth = 3\n", "line 3, rule 1, weigth:", id="no such field"),
        pytest.param(RULES + 'match = "expression"\nexpression = "x"\n', "only a daemon", id="an expression"),
    ],
)
def test_bad_rules_are_refused_with_their_line(
    at: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, sentence: str
) -> None:
    rules = at("R.toml", content)

    assert correlate(tmp_path, "--rules", str(rules)) == 4
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param(["--identity-id", "nr"], "has no column 'nr'", id="no such column of ids"),
        pytest.param(["--decisions", "{}/A.csv"], "lacks the column identity_id", id="decisions of other columns"),
        pytest.param(["--out", "{}/I.csv"], "is read and cannot be written to", id="over an input"),
        pytest.param(["--out", "{}/none/L.csv"], "there is no folder", id="into no folder"),
    ],
)
def test_wrong_options_are_refused(
    at: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert correlate(tmp_path, *(option.format(tmp_path) for option in options)) == 4
    assert sentence in capsys.readouterr().err


def test_an_unknown_verdict_is_refused_with_its_row(
    at: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = at("D.csv", "account_id,identity_id,verdict\na1,P1,maybe\n")

    assert correlate(tmp_path, "--decisions", str(said)) == 4
    assert "row 1: 'maybe' is no verdict" in capsys.readouterr().err
