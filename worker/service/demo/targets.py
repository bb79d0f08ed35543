"""What the demo organisation provisions: its source, its three targets, and how each is mapped, scoped and repaired.

Everything here is data as a person could have entered it on the console. Addresses and passwords come in when the
servers run; this module knows none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from worker.domain.connector import DeprovisionPolicy
from worker.domain.mapping import MappingRule
from worker.service.demo.organisation import DOMAIN, Employee

SOURCE_NAME = "personnel-file"
HOOK_NAME = "names"
HOOK_SOURCE = files(__package__).joinpath("names.star").read_text(encoding="utf-8")
#: What the daemon calls of it.
HOOK_FUNCTIONS = ("before_create", "before_update")
LDAP_BASE = "ou=people,dc=nordwerk,dc=example"
EMPLOYED = "active eq true"
APP_TABLE = "app_users"

#: The application's table, as its own developers made it.
APP_DDL = f"""
CREATE TABLE IF NOT EXISTS {APP_TABLE} (
    user_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text NOT NULL UNIQUE,
    employee_no text UNIQUE,
    first_name text,
    last_name text NOT NULL,
    email text UNIQUE,
    department text,
    title text,
    phone text,
    birth_date date,
    manager_no text,
    active boolean NOT NULL DEFAULT true,
    last_login_at timestamptz
)
"""

#: The directory's top entries, parents first: name and attributes.
LDAP_TREE: tuple[tuple[str, dict[str, list[str]]], ...] = (
    (
        "dc=nordwerk,dc=example",
        {"objectClass": ["top", "dcObject", "organization"], "dc": ["nordwerk"], "o": ["Nordwerk"]},
    ),
    (LDAP_BASE, {"objectClass": ["top", "organizationalUnit"], "ou": ["people"]}),
)


@dataclass(frozen=True, slots=True)
class DemoTarget:
    """One target: ``login`` and ``mail`` are what it calls the two attributes that the hook computes."""

    name: str
    type: str
    description: str
    login: str
    mail: str
    rules: tuple[MappingRule, ...]
    rule_set: dict[str, Any]
    #: accounts of machines and administrators, which are never touched
    protected_filter: str
    scope: str = EMPLOYED
    deprovision: DeprovisionPolicy = DeprovisionPolicy.DISABLE
    #: which kinds of discrepancy are repaired without asking; orphans and collisions wait for a person
    policy: Mapping[str, str] = field(
        default_factory=lambda: {"missing": "create", "mismatch": "update", "unlinked": "link", "deleted": "create"}
    )

    @property
    def settings(self) -> dict[str, Any]:
        return {"hook_attributes": [self.login, self.mail]}

    @property
    def hook_params(self) -> dict[str, str]:
        return {"login": self.login, "mail": self.mail, "domain": DOMAIN}

    def wants(self, employee: Employee) -> bool:
        """Whether ``scope`` takes an employee in."""
        return employee.is_active and ("contractor" not in self.scope or employee.employee_type != "contractor")

    def account_of(self, employee: Employee) -> dict[str, Any]:
        """What the account of an employee must be, after mapping and hook; attributes without a value are left out."""
        row = employee.as_row()
        values = {rule.target: row[rule.source] for rule in self.rules if rule.source}
        values |= {self.login: employee.login, self.mail: employee.mail}
        return {name: value for name, value in values.items() if value}

    def attribute(self, source: str) -> str | None:
        """What the target calls an attribute of the personnel file, if it has it."""
        return next((rule.target for rule in self.rules if rule.source == source), None)


#: Identity attributes, and what agreement and disagreement on them are worth: near the weights that are shipped.
_COMPARED: dict[str, dict[str, Any]] = {
    "employee number": {
        "source": "employee_number",
        "weight": 11,
        "disagreement": 6,
        "tier": 1,
        "normalize": ["employee_number"],
    },
    "email": {
        "source": "mail",
        "match": "fuzzy",
        "algorithm": "osa",
        "weight": 10,
        "disagreement": 2.5,
        "tier": 1,
        "normalize": ["email"],
        "group": "name",
    },
    "birth date": {"source": "birth_date", "weight": 8, "disagreement": 6, "normalize": ["date"]},
    # Everybody has an extension of their own, so it identifies.
    "phone": {"source": "phone", "weight": 4, "disagreement": 2, "tier": 1, "normalize": ["digits"]},
    "department": {"source": "department", "weight": 2, "disagreement": 1.8, "blocking": False},
    "title": {"source": "title", "weight": 2.5, "disagreement": 1.6, "blocking": False},
    "name": {
        "source": "given_name+family_name | display_name",
        "match": "fuzzy",
        "algorithm": "token_sort",
        "weight": 8.5,
        "disagreement": 4,
        "normalize": ["name"],
        "group": "name",
        "by_frequency": True,
    },
}


def _rule_set(paths: Mapping[str, str], *, logins: str) -> dict[str, Any]:
    """The rules for what a target has: per compared thing, the target's attributes. In the form of ``RuleSet``."""
    rules = [{"name": name, "target": paths[name], **rule} for name, rule in _COMPARED.items() if name in paths]
    return {"rules": rules, "service_source": "external_id", "service_target": logins}


SQL = DemoTarget(
    name="warehouse-app",
    type="sql",
    description="The users of the warehouse application, in its own database",
    login="login",
    mail="email",
    rules=(
        MappingRule("employee_no", source="employee_number", required=True),
        MappingRule("first_name", source="given_name"),
        MappingRule("last_name", source="family_name", required=True),
        MappingRule("department", source="department"),
        MappingRule("title", source="title"),
        MappingRule("phone", source="phone"),
        MappingRule("birth_date", source="birth_date"),
        MappingRule("manager_no", source="manager"),
    ),
    rule_set=_rule_set(
        {
            "employee number": "employee_no",
            "email": "email",
            "birth date": "birth_date",
            "phone": "phone",
            "department": "department",
            "title": "title",
            "name": "first_name+last_name",
        },
        logins="login | email",
    ),
    protected_filter='login sw "svc-" or login eq "admin"',
)

SCIM = DemoTarget(
    name="collaboration",
    type="scim",
    description="The collaboration suite, over SCIM 2.0; contractors have no account there",
    login="userName",
    mail="emails.work",
    scope=f'{EMPLOYED} and not (employee_type eq "contractor")',
    rules=(
        MappingRule("externalId", source="employee_number", required=True),
        MappingRule("name.givenName", source="given_name"),
        MappingRule("name.familyName", source="family_name", required=True),
        MappingRule("displayName", source="display_name"),
        MappingRule("title", source="title"),
        MappingRule("userType", source="employee_type"),
        MappingRule("phoneNumbers.work", source="phone"),
        MappingRule("employeeNumber", source="employee_number"),
        MappingRule("department", source="department"),
    ),
    rule_set=_rule_set(
        {
            "employee number": "externalId | employeeNumber",
            "email": "emails.work",
            "phone": "phoneNumbers.work",
            "department": "department",
            "title": "title",
            "name": "name.givenName+name.familyName | displayName",
        },
        logins="userName | emails.work",
    ),
    protected_filter='displayName sw "svc-" or displayName eq "admin"',
)

LDAP = DemoTarget(
    name="directory",
    type="ldap",
    description="The company directory",
    login="uid",
    mail="mail",
    rules=(
        MappingRule("cn", source="display_name", required=True),
        MappingRule("sn", source="family_name", required=True),
        MappingRule("givenName", source="given_name"),
        MappingRule("employeeNumber", source="employee_number", required=True),
        MappingRule("departmentNumber", source="department"),
        MappingRule("title", source="title"),
        MappingRule("telephoneNumber", source="phone"),
        MappingRule("employeeType", source="employee_type"),
        MappingRule("l", source="location"),
    ),
    rule_set=_rule_set(
        {
            "employee number": "employeeNumber",
            "email": "mail",
            "phone": "telephoneNumber",
            "department": "departmentNumber",
            "title": "title",
            "name": "givenName+sn | cn",
        },
        logins="uid | mail",
    ),
    protected_filter='uid sw "svc-" or uid eq "admin"',
)

TARGETS = (SQL, SCIM, LDAP)

#: Every target is compared as a whole each night.
NIGHTLY: dict[str, Any] = {
    "mode": "full",
    "frequency": "daily",
    "hour_of_day": 2,
    "timezone": "Europe/Berlin",
    "missed_run_policy": "one",
    "jitter_seconds": 300,
}


def source_config(path: str) -> dict[str, Any]:
    """Settings of the source connector for the personnel file at an absolute path."""
    return {"path": path, "key": "employee_number", "naming": "display_name", "active_column": "status"}


def sql_config(url: str) -> dict[str, Any]:
    """Settings of the SQL target; ``url`` carries no password."""
    return {"url": url, "table": APP_TABLE, "key": "user_id", "naming": "login", "active_column": "active"}


def scim_config(url: str) -> dict[str, Any]:
    """Settings of the SCIM target, whose token is a credential."""
    return {"url": url}


def ldap_config(url: str, *, bind_dn: str) -> dict[str, Any]:
    """Settings of the directory; without a password policy overlay, a plain attribute tells who is disabled."""
    return {
        "url": url,
        "base_dn": LDAP_BASE,
        "bind_dn": bind_dn,
        "active_attribute": "businessCategory",
        "inactive_value": "disabled",
    }
