"""Pairs of identity and account attributes that the tests of this room share."""

from typing import Any
from uuid import UUID

from worker.correlation import RuleSet, default_rule_set
from worker.domain.correlation import Candidate, Side, Subject

TARGETS = ("login", "email", "emp_no", "first_name", "last_name", "dept", "birth_date", "phone")
RULES: RuleSet = default_rule_set(TARGETS)

ANNA: dict[str, Any] = {
    "user_name": "anna.mueller",
    "mail": "anna.mueller@acme.example",
    "employee_number": "E-00042",
    "given_name": "Anna",
    "family_name": "Müller",
    "department": "Sales",
    "birth_date": "1984-03-02",
    "phone": "+49 30 1234567",
}
#: Anna's account as it should be.
HERS: dict[str, Any] = {
    "login": "anna.mueller",
    "email": "anna.mueller@acme.example",
    "emp_no": 42,
    "first_name": "Anna",
    "last_name": "Mueller",
    "dept": "SALES",
    "birth_date": "02.03.1984",
    "phone": "030 1234567",
}
#: Another person of the same name.
NAMESAKES: dict[str, Any] = {
    "login": "anna.mueller2",
    "email": "anna.mueller2@acme.example",
    "emp_no": 43,
    "first_name": "Anna",
    "last_name": "Müller",
    "dept": "IT",
    "birth_date": "1990-11-30",
    "phone": "030 7654321",
}


def ref(number: int) -> UUID:
    return UUID(int=number)


def only(attributes: dict[str, Any], *names: str, **others: Any) -> dict[str, Any]:
    return {name: attributes[name] for name in names} | others


def identity(attributes: dict[str, Any] = ANNA, *, number: int = 1, wanted: dict[str, Any] | None = None) -> Subject:
    return Subject(ref(number), Side.IDENTITY, attributes, wanted or {})


def candidate(attributes: dict[str, Any] = HERS, *, number: int = 100, is_taken: bool = False) -> Candidate:
    return Candidate(
        ref(number), attributes, uid=f"u{number}", name=str(attributes.get("login", "")), is_taken=is_taken
    )
