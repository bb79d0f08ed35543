"""What identities and targets call the things that tell people apart; compared without case and separators."""

ALIASES: dict[str, tuple[str, ...]] = {
    "external_id": ("external_id", "externalid", "immutable_id", "source_id", "source_anchor"),
    "employee_number": (
        "employee_number", "employeenumber", "employee_id", "emp_no", "empno", "emp_number", "personnel_number",
        "staff_id", "staff_number", "person_number", "emp_id", "staff_no", "payroll_number", "worker_id",
        "personalnummer", "mitarbeiternummer", "matricule", "student_id", "student_number",
    ),
    "national_id": (
        "national_id", "ssn", "soc_sec_id", "social_security_number", "social_security_id", "tax_id", "tax_number",
        "passport_number", "passport", "national_insurance_number", "nin", "personal_id", "cpr", "pesel", "dni",
    ),
    "user_name": (
        "user_name", "login", "uid", "samaccountname", "login_name", "account_name", "account", "logon", "user",
        "userprincipalname", "upn", "login_id", "user_id", "logon_name", "nick_name", "benutzername", "anmeldename",
        "identifiant", "mail_nickname",
    ),
    "email": (
        "mail", "email", "email_address", "mail_address", "e_mail", "emails", "emails.value", "proxyaddresses",
        "smtp_address", "primary_smtp_address", "e_mail_address", "courriel",
    ),
    "given_name": ("given_name", "first_name", "name.givenName", "forename", "vorname", "givenname", "fname", "prenom"),
    "family_name": (
        "family_name", "last_name", "surname", "sn", "name.familyName", "nachname", "familienname", "lname", "nom",
    ),
    "display_name": (
        "display_name", "full_name", "cn", "name", "name.formatted", "common_name", "complete_name", "gecos",
        "employee_name",
    ),
    "birth_date": ("birth_date", "date_of_birth", "birthday", "dob", "geburtsdatum", "born", "birthdate"),
    "department": (
        "department", "dept", "department_name", "org_unit", "organizational_unit", "ou", "abteilung", "division",
        "organisational_unit", "team", "unit", "business_unit",
    ),
    "phone": (
        "phone", "telephone", "telephone_number", "phone_number", "mobile", "mobile_phone", "phoneNumbers.value",
        "telefon", "cell_phone", "mobile_number", "tel", "handy",
    ),
    "city": ("city", "location", "suburb", "town", "site", "office", "l", "locality", "addresses.locality", "ort",
             "physical_delivery_office_name", "place", "standort", "ville", "office_location"),
    "postcode": ("postcode", "postal_code", "zip", "zip_code", "plz", "post_code", "addresses.postalCode"),
    "street": (
        "street", "address_1", "address_2", "street_address", "address", "address_line_1", "address_line_2", "address1",
        "address2", "strasse", "rue", "addresses.streetAddress", "home_address",
    ),
    "street_number": ("street_number", "house_number", "hausnummer", "street_no", "house_no"),
    "state": ("state", "province", "region", "st", "county", "bundesland", "addresses.region"),
    "title": ("title", "job_title", "job", "position", "function", "role", "occupation", "funktion"),
    "manager": ("manager", "manager_id", "supervisor", "reports_to", "line_manager", "vorgesetzter"),
    "company": ("company", "organization", "organisation", "o", "company_name", "legal_entity", "employer"),
    "cost_center": ("cost_center", "cost_centre", "kostenstelle"),
    "ended": ("end_date", "terminated_at", "termination_date", "leave_date", "left_at", "last_day", "contract_end",
              "ended_at", "exit_date", "austritt"),
    "created": ("created", "created_at", "when_created", "creation_date", "account_created", "meta.created"),
}  # fmt: skip


def plain(attribute: str) -> str:
    """A name without case and separators."""
    return "".join(sign for sign in attribute.lower() if sign.isalnum())


_ROLE_OF = {plain(alias): role for role, aliases in ALIASES.items() for alias in aliases}


def role_of(attribute: str) -> str | None:
    """What an attribute of this name holds; None when its name does not tell."""
    return _ROLE_OF.get(plain(attribute))
