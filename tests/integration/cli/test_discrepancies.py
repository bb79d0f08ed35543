"""What was found, repaired, put aside and taken back from the command line, on a real database."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from tests.integration.cli.saying import Say, read

Found = tuple[UUID, list[UUID]]
NOBODY = UUID(int=7)


def test_findings_are_listed_and_filtered(found: Found, say: Say) -> None:
    run_id, ids = found

    rows = read(say, "recon", "findings", "app", "--run", run_id, "--status", "pending", "--since", "1h")
    one = read(say, "recon", "findings", "app", "--type", "mismatch", "--attribute", "mail", "--uid", "u1")
    _, table, _ = say("recon", "findings", "app")

    assert [row["id"] for row in rows] == [str(each) for each in reversed(ids)]
    assert [(row["external_uid"], row["suggested"], row["actual_value"]) for row in one] == [
        ("u1", "update", "p1@b.org")
    ]
    assert (str(ids[0]) in table, "mail is not as wanted." in table) == (True, True)
    assert say("recon", "findings", "app", "--type", "orphan")[1] == "Nothing was found that matches.\n"


def test_findings_are_put_aside_once_and_taken_back(found: Found, say: Say) -> None:
    _, ids = found

    rows = read(say, "recon", "ignore", ids[0], ids[1], "--reason", "known", "--until", "30d")
    again = read(say, "recon", "ignore", ids[1], ids[2], "--reason", "known", code=1)
    back = read(say, "recon", "undo", ids[0])
    nothing = read(say, "recon", "undo", ids[0], code=1)
    notes = read(say, "recon", "history", "app", "--finding", ids[0])
    _, table, _ = say("recon", "history", "app")

    assert [row["result"] for row in rows] == ["success", "success"]
    assert [row["result"] for row in again] == ["skipped", "success"]
    assert (back[0]["success"], nothing[0]["error"]) == (True, "Nothing has been done about this.")
    assert [note["action_type"] for note in notes if not note["dry_run"]] == ["undo", "ignore"]
    assert "(command line)" in table
    assert len(read(say, "recon", "findings", "app", "--status", "ignored")) == 2


def test_findings_are_repaired_through_the_queue(found: Found, say: Say) -> None:
    _, ids = found

    dry = read(say, "recon", "repair", ids[0], "--dry-run")
    done = read(say, "recon", "repair", ids[0], "--action", "update")
    wrong = read(say, "recon", "repair", ids[1], "--action", "create", code=1)

    assert (dry[0]["result"], done[0]["result"]) == ("proposed", "queued")
    assert [row["id"] for row in read(say, "ops", "list")] == [done[0]["operation_id"]]
    assert wrong[0]["error"]


def test_all_findings_become_a_file(found: Found, say: Say, tmp_path: Path) -> None:
    file = tmp_path / "found.jsonl"

    _, text, _ = say("recon", "export", "app", "--type", "mismatch")
    code, told, _ = say("recon", "export", "app", "--out", str(file))

    assert [row["external_uid"] for row in csv.DictReader(io.StringIO(text))] == ["u2", "u1", "u0"]
    assert (code, told) == (0, f"The findings of app are in {file}.\n")
    assert [json.loads(line)["external_uid"] for line in file.read_text(encoding="utf-8").splitlines()] == [
        "u2",
        "u1",
        "u0",
    ]
    assert not file.with_name("found.jsonl.part").exists()


def test_days_and_the_policy_are_told(found: Found, say: Say) -> None:
    trend = read(say, "recon", "trend", "app", "--days", "2")
    _, drawn, _ = say("recon", "trend")
    before = {row["kind"]: row["policy"] for row in read(say, "recon", "policy", "show", "app")}
    after = read(say, "recon", "policy", "set", "app", "mismatch=update", "orphan=wait")
    _, table, _ = say("recon", "policy", "show", "app")

    assert [day["open"] for day in trend["data_points"]] == [0, 3]
    assert trend["to"] == datetime.now(UTC).date().isoformat()
    assert f"{'█' * 30}  3 mismatch" in drawn
    assert before == dict.fromkeys(before, "wait")
    assert {row["kind"]: row["policy"] for row in after} == {**before, "mismatch": "update"}
    assert "update, by itself" in table


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("recon watch 12", "'12' is not the id of a run: `provisiond recon list` shows", id="no id"),
        pytest.param("recon preview 12", "'12' is not the id of a run or a finding: ", id="no id of two things"),
        pytest.param("recon approve 12 --version 1", "'12' is not the id of an approval or a run: ", id="no approval"),
        pytest.param(
            "ops show 12", "'12' is not the id of an operation: `provisiond ops list` shows", id="no operation"
        ),
        pytest.param(f"recon pause {NOBODY}", f"There is no run {NOBODY}: `provisiond recon list`", id="no such run"),
        pytest.param(f"recon approve {NOBODY} --version 1", f"There is no approval and no run {NOBODY}", id="nothing"),
        pytest.param(f"recon undo {NOBODY}", f"There is no finding {NOBODY}: `provisiond recon find", id="no finding"),
        pytest.param("recon findings nobody", "There is no connector nobody; see", id="no connector"),
        pytest.param("recon findings app --type big", "big is not a kind of finding; there are missing", id="no kind"),
        pytest.param("recon findings app --user nobody", "There is no identity nobody.", id="no person"),
        pytest.param("recon findings app --since soon", "soon is not a time; write", id="no time"),
        pytest.param("recon export app --out x.xlsx", "x.xlsx does not say whether it is CSV or", id="unknown ending"),
        pytest.param("recon export app --out . --format csv", ". is a folder; name a file in it.", id="a folder"),
        pytest.param("recon export app --out no/x.csv", "No such file or directory: no/x.csv", id="no such folder"),
        pytest.param("recon trend --days 0", "Ask for 1 to 731 days", id="no day"),
        pytest.param("recon trend --from 2026-03-02 --to 2026-03-01", "Ask for 1 to 731 days", id="wrong way round"),
        pytest.param("recon trend --from 2026-03-02 --days 3", "Give --from or --days, not both.", id="both"),
        pytest.param("recon policy set app mismatch", "'mismatch' is no rule; write mismatch=update", id="no rule"),
        pytest.param("recon policy set app a=x a=y", "a is there twice.", id="twice"),
        pytest.param("recon policy set app collision=link", "A collision is for a person to decide", id="no policy"),
        pytest.param("recon policy set app big=link", "'big' is no kind of finding; there is missing", id="odd kind"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(found: Found, say: Say, line: str, said: str) -> None:
    code, out, err = say(*line.split())

    assert (code in {3, 4}, out) == (True, "")
    assert err.startswith(f"provisiond: {said}")
