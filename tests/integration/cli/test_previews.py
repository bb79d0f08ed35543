"""What would be changed, told before anything is, on a real database."""

from uuid import UUID

from tests.integration.cli.saying import Say, read
from worker.domain.discrepancy import RepairAction, RepairDirection, Suggestion

UPDATE = Suggestion(RepairAction.UPDATE, RepairDirection.TO_TARGET, "The identity decides.")


def test_what_a_dry_run_proposed_is_told_with_before_and_after(found: tuple[UUID, list[UUID]], say: Say) -> None:
    run_id, ids = found

    [row] = read(say, "recon", "preview", run_id)
    _, table, _ = say("recon", "preview", run_id)

    assert (row["discrepancy_id"], row["action"], row["result"]) == (str(ids[0]), "update", "proposed")
    assert (row["before_state"], row["after_state"]) == ({"mail": "p0@b.org"}, {"mail": "p0@a.org"})
    assert "mail: 'p0@b.org' > 'p0@a.org'" in table


def test_the_repair_of_findings_is_told_and_nothing_is_written(found: tuple[UUID, list[UUID]], say: Say) -> None:
    _, ids = found

    rows = read(say, "recon", "preview", *ids[:2])
    unknown, _, err = say("recon", "preview", ids[0], UUID(int=7))

    assert [(each["result"], each["after_state"]["mail"]) for each in rows] == [
        ("proposed", "p0@a.org"),
        ("proposed", "p1@a.org"),
    ]
    assert (unknown, f"There is no run and no finding {UUID(int=7)}: " in err) == (4, True)
    assert read(say, "ops", "list") == []


def test_differences_of_one_cause_are_shown_and_approved_together(found: tuple[UUID, list[UUID]], say: Say) -> None:
    [group] = read(say, "recon", "causes", "app")
    _, table, _ = say("recon", "causes", "app")
    unseen, _, err = say("recon", "causes", "app", "--approve", group["id"])
    begun = read(say, "recon", "causes", "app", "--approve", group["id"], "--expect", "3")
    second, _, _ = say("recon", "causes", "app", "--approve", group["id"], "--expect", "3")

    assert (group["count"], group["cause"]) == (3, "the domain is another: a.org > b.org")
    assert "the domain is another: a.org > b.org" in table
    assert (unseen, err[:36]) == (4, "provisiond: Say with --expect how ma")
    assert (begun["status"], begun["total"], begun["mixed"], second) == ("running", 3, 0, 4)


def test_a_run_that_waits_for_nobody_is_not_approved(found: tuple[UUID, list[UUID]], say: Say) -> None:
    code, _, err = say("recon", "approve", found[0], "--version", "1")

    assert (code, err) == (4, "provisiond: This run waits for nobody's approval.\n")
