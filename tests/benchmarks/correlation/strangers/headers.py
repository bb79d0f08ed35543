"""What other people call their columns: of persons as a personnel department exports them, of accounts as systems do.

A column's content is one of: number, given, family, name (given and family), shown (as a directory shows it), mail,
upn (the login with a realm), login, phone, department, city, title, born, noise (nothing about anybody).
"""

PERSONS: dict[str, dict[str, str]] = {
    "directory": {
        "employeeID": "number", "givenName": "given", "sn": "family", "mail": "mail", "sAMAccountName": "login",
        "department": "department", "l": "city", "telephoneNumber": "phone", "title": "title",
    },
    "german": {
        "Personalnummer": "number", "Vorname": "given", "Nachname": "family", "E-Mail": "mail",
        "Abteilung": "department",
        "Ort": "city", "Telefon": "phone", "Geburtsdatum": "born",
    },
    "plain": {
        "id": "id", "first_name": "given", "last_name": "family", "work_email": "mail",
        "employee_number": "number",
        "username": "login", "job_title": "title", "location": "city", "department": "department",
    },
    "one name": {
        "PersonID": "id", "Full Name": "name", "Email Address": "mail", "Employee No.": "number",
        "Dept": "department",
        "Mobile": "phone", "Login": "login",
    },
    "french": {
        "matricule": "number", "prénom": "given", "nom": "family", "courriel": "mail", "identifiant": "login",
        "service": "department", "ville": "city", "téléphone": "phone",
    },
    "spanish": {
        "Número de empleado": "number", "Nombre": "given", "Apellidos": "family", "Correo electrónico": "mail",
        "Usuario": "login", "Departamento": "department", "Ciudad": "city",
    },
    "personnel": {
        "Worker ID": "number", "Legal First Name": "given", "Legal Last Name": "family", "Email - Work": "mail",
        "Cost Center": "noise", "Location": "city", "Job Title": "title", "Organization": "department",
        "User Name": "login",
    },
    "terse": {
        "pernr": "number", "name_first": "given", "name_last": "family", "email_addr": "mail",
        "userid": "login",
        "dept_name": "department", "phone_no": "phone", "birthdate": "born",
    },
}  # fmt: skip

ACCOUNTS: dict[str, dict[str, str]] = {
    "active directory": {
        "objectGUID": "id", "sAMAccountName": "login", "userPrincipalName": "upn", "givenName": "given",
        "sn": "family",
        "displayName": "shown", "mail": "mail", "employeeID": "number", "department": "department",
        "physicalDeliveryOfficeName": "city", "telephoneNumber": "phone",
    },
    "ldap": {
        "uid": "login", "cn": "name", "sn": "family", "givenName": "given", "mail": "mail",
        "employeeNumber": "number",
        "ou": "department", "l": "city",
    },
    "shown only": {
        "Account": "login", "Display Name": "shown", "Email": "mail", "Employee ID": "number",
        "Phone": "phone",
    },
    "scim": {
        "id": "id", "userName": "upn", "name.givenName": "given", "name.familyName": "family",
        "emails.value": "mail",
        "title": "title", "phoneNumbers.value": "phone",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "number",
    },
    "german": {
        "Kennung": "login", "Anzeigename": "shown", "Mailadresse": "mail", "Abteilung": "department",
        "Personalnr": "number",
        "Standort": "city", "Telefonnummer": "phone",
    },
    "suite": {
        "User ID": "id", "Email Address [Required]": "mail", "First Name [Required]": "given",
        "Last Name [Required]": "family", "Employee ID": "number", "Department": "department",
        "Work Phone": "phone",
    },
    "chat": {"user-id": "id", "username": "login", "real_name": "name", "email": "mail", "title": "title"},
    "spaced": {
        "Account ID": "id", "Login": "login", "First Name": "given", "Last Name": "family",
        "Email Address": "mail",
        "Employee Number": "number", "Office": "city", "Job Title": "title",
    },
}  # fmt: skip
