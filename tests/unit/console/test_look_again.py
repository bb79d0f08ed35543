"""Looking again at one account: from a finding, from a person's page."""

import pytest

from tests.e2e.fakes import sample
from tests.unit.console.house import House
from worker.console.desk import masked

LOOK = f"/connectors/{sample.LDAP.id}/reconciliation/look"
SOMEBODY = str(sample.uid(3, 1))


def test_the_question_names_the_account_and_the_act_is_about_nothing_else() -> None:
    house = House("operator")
    page = house.web.get(f"{LOOK}?uid=u%2F1042").text
    form = {"csrf": masked("csrf-of-me"), "uid": "u/1042", "follow": "true"}
    answer = house.web.post(LOOK, data=form)

    assert "Look again at u/1042 in" in page
    assert house.console.acts.done == [("look_again", {"uids": ("u/1042",), "identity_ids": ()})]
    assert answer.headers["location"].startswith(f"/connectors/{sample.LDAP.id}/reconciliation/runs/")


def test_an_account_without_an_id_is_meant_by_its_person() -> None:
    house = House("operator")
    house.web.post(LOOK, data={"csrf": masked("csrf-of-me"), "identity_id": SOMEBODY})

    [(verb, what)] = house.console.acts.done
    assert (verb, what["uids"], [str(each) for each in what["identity_ids"]]) == ("look_again", (), [SOMEBODY])


@pytest.mark.parametrize(
    "query",
    [pytest.param("", id="nobody"), pytest.param("?uid=", id="empty"), pytest.param("?identity_id=x", id="no id")],
)
def test_who_names_no_account_is_told_so(query: str) -> None:
    assert House().web.get(LOOK + query).status_code == 422


def test_pages_of_findings_and_people_lead_there() -> None:
    house = House("operator")
    finding = next(each for each in sample.DISCREPANCIES if each.external_uid and each.resolution_status == "pending")
    person = sample.IDENTITIES[1]
    pages = (
        f"/connectors/{sample.LDAP.id}/reconciliation/discrepancies/{finding.id}",
        f"/identities/{person.id}",
    )

    assert all("/reconciliation/look?" in house.web.get(page).text for page in pages)
