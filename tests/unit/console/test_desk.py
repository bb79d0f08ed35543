import re

import pytest

from tests.e2e.fakes import sample
from tests.unit.console.house import House
from worker.console.desk import masked, unmasked

DEAD = next(o.id for o in sample.OPERATIONS if o.status == "dead_letter")
CSRF = "csrf-of-me"


class DeskHouse(House):
    """A console without a browser: requests in, answers out."""

    def retry(self, **headers: str):
        form = {"csrf": masked(CSRF), "id": str(DEAD), "back": "/connectors/operations/dlq"}
        return self.web.post("/connectors/operations/act/retry", data=form, headers=headers)


@pytest.fixture
def house():
    return DeskHouse()


def test_an_act_answers_with_a_redirect_and_says_what_happened(house):
    answer = house.retry()

    assert answer.status_code == 303
    assert answer.headers["location"] == "/connectors/operations/dlq"
    assert "1 will run again." in house.web.get("/").text


def test_a_message_is_shown_once(house):
    house.retry()
    house.web.get("/")

    assert "1 will run again." not in house.web.get("/").text


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"sec-fetch-site": "cross-site"}, id="said by the browser"),
        pytest.param({"origin": "https://evil.example"}, id="seen by its origin"),
    ],
)
def test_a_form_of_another_site_does_nothing(house, headers):
    answer = house.retry(**headers)

    assert answer.status_code == 403
    assert house.console.acts.done == []


@pytest.mark.parametrize(
    "csrf",
    [
        pytest.param("", id="none"),
        pytest.param("wrong", id="wrong"),
        pytest.param(masked("another"), id="of another session"),
        pytest.param("%%%", id="no token at all"),
    ],
)
def test_a_form_without_the_sessions_token_does_nothing(house, csrf):
    answer = house.web.post("/connectors/operations/act/retry", data={"csrf": csrf, "id": str(DEAD)})

    assert answer.status_code == 403
    assert "Nothing was done" in answer.text
    assert house.console.acts.done == []


def test_the_token_never_looks_the_same():
    assert masked(CSRF) != masked(CSRF)
    assert unmasked(masked(CSRF)) == CSRF.encode()


def test_nobody_gets_in_without_a_session(house):
    house.web.cookies.clear()
    answer = house.web.get("/connectors/operations?status=failed")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fconnectors%2Foperations%3Fstatus%3Dfailed"
    assert house.web.get("/api/stream").status_code == 401


def test_an_act_after_the_session_ended_leads_back_to_its_page(house):
    house.web.cookies.clear()
    answer = house.retry(referer=f"http://testserver/connectors/operations/{DEAD}")
    elsewhere = house.retry(referer="https://evil.example/x")

    assert answer.headers["location"] == f"/sign-in?next=%2Fconnectors%2Foperations%2F{DEAD}"
    assert elsewhere.headers["location"] == "/sign-in"
    assert house.console.acts.done == []


def test_somebody_who_may_only_look_is_offered_nothing_to_do():
    text = DeskHouse("viewer").web.get(f"/connectors/operations/{DEAD}").text

    assert "Retry now" not in text
    assert "Correct and redrive" not in text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        pytest.param("/identities/nobody", 404, "Not found", id="no id"),
        pytest.param(f"/connectors/operations/{sample.uid(99, 1)}", 404, "no such operation", id="unknown id"),
        pytest.param("/connectors/operations?status=done", 422, "“status” cannot be “done”", id="bad filter"),
        pytest.param("/connectors/operations?colour=red", 422, "not a filter", id="unknown filter"),
        pytest.param(f"/approvals/{sample.uid(6, 2)}/approve", 422, "rejected already by Grace", id="too late"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(house, path, status, words):
    answer = house.web.get(path)

    assert answer.status_code == status
    assert words in answer.text


def test_pages_forbid_everything_from_outside_and_cannot_be_kept(house):
    answer = house.web.get("/")
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)[1]

    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert answer.text.count(f'nonce="{nonce}"') == answer.text.count("<script")
    assert answer.headers["cache-control"] == "no-store"


def test_static_files_are_kept_for_ever_under_the_name_of_their_content(house):
    address = re.search(r"/static/console\.css\?v=\w+", house.web.get("/").text)[0]
    answer = house.web.get(address)

    assert "immutable" in answer.headers["cache-control"]
    assert house.web.get("/static/../router.py").status_code == 404


def test_a_message_in_the_cookie_leads_nowhere_else(house):
    house.console.acts.reads.mark([DEAD], "dead_letter")
    house.web.cookies.set("pvd_flash", "bm90IGpzb24=")

    assert house.web.get("/").status_code == 200


def test_too_large_a_form_is_refused(house):
    answer = house.web.post("/connectors/operations/act/retry", data={"csrf": masked(CSRF), "notes": "x" * 300_000})

    assert answer.status_code == 422
    assert house.console.acts.done == []


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        pytest.param("/", "Home", id="home"),
        pytest.param("/connectors/conflicts", "Conflicts", id="an entry below another"),
        pytest.param("/connectors/operations/dlq", "Dead letters", id="the lowest of three"),
        pytest.param("/connectors/reconciliation", "Reconciliation", id="all reconciliation"),
        pytest.param(f"/connectors/conflicts/{sample.CONFLICTS[0].id}", "Conflicts", id="a page below such an entry"),
        pytest.param(f"/connectors/{sample.LDAP.id}/reconciliation", "Connectors", id="a page without an entry"),
    ],
)
def test_the_navigation_marks_one_entry_the_nearest(house, path, entry):
    nav = re.search(r'<nav class="side".*?</nav>', house.web.get(path).text, re.DOTALL)[0]

    assert re.findall(r'aria-current="page">.*?<span class="w">([^<]+)', nav) == [entry]


def test_reconciliation_and_schedules_lead_to_each_other(house):
    trend = house.web.get("/connectors/reconciliation").text

    assert 'href="/schedules"' in trend
    assert "Next by the clock" in trend
    assert 'href="/connectors/reconciliation">What runs found' in house.web.get("/schedules").text


DISCREPANCIES = f"/connectors/{sample.LDAP.id}/reconciliation/discrepancies"


def test_before_a_repair_both_values_are_shown_and_secrets_are_not(house):
    page = house.web.get(f"{DISCREPANCIES}/remediate", params={"id": str(sample.uid(7, 6)), "action": "update"}).text

    assert '<th scope="col">Now</th><th scope="col">Will be</th>' in page
    assert "userPassword" in page
    assert house.console.repairs.asked == [{"action": "update", "direction": "xavyo_to_target", "identity_id": None}]


def test_what_cannot_be_repaired_now_says_why_and_has_no_button(house):
    one = house.web.get(f"{DISCREPANCIES}/remediate", params={"id": str(sample.uid(7, 12))}).text
    many = house.web.get(f"{DISCREPANCIES}/remediate", params={"id": [str(sample.uid(7, n)) for n in (12, 6)]}).text

    assert "This cannot be done now. An operation of this account is under way" in one
    assert 'class="btn main"' not in one
    assert "Repair 1 discrepancy of ldap-main?" in many
    assert "1 stay: An operation of this account is under way" in many
    assert f'name="id" value="{sample.uid(7, 12)}"' not in many


def test_a_settled_discrepancy_tells_its_history_and_is_undone(house):
    path = f"{DISCREPANCIES}/{sample.uid(7, 30)}"
    asked = house.web.get(f"{path}/undo").text
    done = house.web.post(f"{path}/undo", data={"csrf": masked(CSRF)})

    assert "Change values" in house.web.get(path).text
    assert "The former values come back" in asked
    assert done.headers["location"] == path
    assert house.console.repairs.done == [("undo", {"finding_id": sample.uid(7, 30)})]


def test_an_open_discrepancy_has_nothing_to_undo(house):
    assert house.web.get(f"{DISCREPANCIES}/{sample.uid(7, 6)}/undo").status_code == 422


def test_what_a_dry_run_would_change_is_listed(house):
    page = house.web.get(f"/connectors/{sample.LDAP.id}/reconciliation/runs/{sample.RUNS[4].id}/changes").text

    assert "What would be changed" in page
    assert page.count("Proposed") == 6


POLICY = f"/connectors/{sample.LDAP.id}/reconciliation/policy"


def test_what_a_target_repairs_by_itself_is_chosen_kind_by_kind(house):
    page = house.web.get(POLICY).text
    form = {"csrf": masked(CSRF), "seen": "4", "missing": "create", "mismatch": "update:target_to_xavyo", "orphan": ""}
    answer = house.web.post(POLICY, data=form)

    assert "The identity takes the account’s values over" in page
    assert "A person decides, always" in page
    assert answer.headers["location"] == POLICY
    [(_, said)] = house.console.repairs.done
    assert (said["seen"], said["policy"]["mismatch"], said["policy"]["orphan"]) == (4, "update:target_to_xavyo", None)


def test_a_policy_that_somebody_else_changed_meanwhile_is_not_lost(house):
    house.console.repairs.beaten = True
    answer = house.web.post(POLICY, data={"csrf": masked(CSRF), "seen": "4", "unlinked": "delete"})

    assert answer.status_code == 422
    assert "Somebody else changed this meanwhile" in answer.text
    assert '<option value="delete" selected>' in answer.text


def test_a_policy_is_only_read_by_who_may_not_configure():
    house = DeskHouse("operator")

    assert "<select" not in house.web.get(POLICY).text.partition("<main")[2]
    assert house.web.post(POLICY, data={"csrf": masked(CSRF), "seen": "4"}).status_code == 403


def test_a_run_under_way_tells_pages_pace_and_the_time_that_is_left(house):
    page = house.web.get(f"/connectors/{sample.SQL.id}/reconciliation/runs/{sample.RUNS[0].id}").text

    assert re.search(r"13 pages, 1.840 accounts a second, about 1 min 12 s left", page)
    assert "3 of 8 ranges listed, 2 at work" in page


def test_a_run_is_charted_with_words_and_its_findings_are_files(house):
    base = f"/connectors/{sample.LDAP.id}/reconciliation"
    page = house.web.get(f"{base}/runs/{sample.RUNS[1].id}").text
    listed = house.web.get(f"{base}/discrepancies?type=mismatch&status=any").text

    assert '<desc id="by-type-d">Missing: 9, Orphan: 6, Mismatch: 21' in page
    assert '<desc id="by-action-d">Change values: 21, Create account: 10, Link: 3</desc>' in page
    assert f'href="{base}/export?format=csv&amp;run_id={sample.RUNS[1].id}&amp;status=any" download' in page
    assert f'href="{base}/export?format=jsonl&amp;type=mismatch&amp;status=any" download' in listed


def test_discrepancies_are_a_file_as_they_are_filtered(house):
    base = f"/connectors/{sample.LDAP.id}/reconciliation/export"
    answer = house.web.get(f"{base}?format=csv&type=mismatch")

    assert answer.text == "csv mismatch pending"
    assert answer.headers["content-disposition"] == 'attachment; filename="discrepancies.csv"'
    assert house.web.get(f"{base}?format=xlsx").status_code == 422
    assert house.web.get(f"{base}?format=csv&q=kim").status_code == 422


def test_an_operation_tells_what_it_follows_from_and_what_follows_it():
    house = House()
    done = next(each for each in sample.OPERATIONS if each.status == "completed")
    page = house.web.get(f"/connectors/operations/{done.id}").text

    assert "<dt>Follows from</dt>" in page
    assert page.count("<dt>Followed by</dt>") == 3
    assert "nothing: the person has no account at badges, hook leavers (version 2)" in page
    assert "disable, from <time" in page


def test_a_collision_leads_to_the_case_that_asks_about_it(house):
    page = house.web.get(f"{DISCREPANCIES}?type=collision").text

    assert f'href="/correlation/cases/{sample.CASES[1].id}"' in page
