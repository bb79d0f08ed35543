"""How the rows of a source become identities: the form in a connector's settings, read and applied.

``settings["import"]`` of a source connector, every part optional:

    {"external_id": column (the row's key if absent),
     "user_name": column (the external id if absent),
     "active": {"column": name, "values": [what means active]} (what the connector says if absent),
     "attributes": {identity attribute: column} or "*" (every column under its own name, the default)}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xxhash import xxh3_64_intdigest

from worker.domain.account import TargetAccount
from worker.domain.connector import Connector
from worker.domain.errors import SettingsError
from worker.domain.storable import is_storable
from worker.intake.changes import MAX_NAME, RESERVED, SourceRow

#: Bytes of a row's key: it is part of an index.
MAX_KEY = 1000


@dataclass(frozen=True, slots=True)
class ImportForm:
    """``attributes`` None: every column under its own name."""

    external_id: str | None = None
    user_name: str | None = None
    active_column: str | None = None
    active_values: frozenset[str] = frozenset()
    attributes: dict[str, str] | None = None
    fingerprint: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that cannot be imported, and why in words."""

    uid: str
    message: str


def form_of(connector: Connector) -> ImportForm:
    """Read the form; raises SettingsError that names the part that is wrong."""
    raw = connector.settings.get("import", {})
    if not isinstance(raw, Mapping):
        raise SettingsError('"import" must be an object.')
    unknown = sorted(set(raw) - {"external_id", "user_name", "active", "attributes"})
    if unknown:
        raise SettingsError(f'"import" has no part "{unknown[0]}".')
    column, values = _active(raw.get("active"))
    return ImportForm(
        external_id=_column(raw, "external_id"),
        user_name=_column(raw, "user_name"),
        active_column=column,
        active_values=values,
        attributes=_attributes(raw.get("attributes", "*")),
        fingerprint=json.dumps(raw, sort_keys=True),
    )


def read_row(form: ImportForm, account: TargetAccount) -> SourceRow | Unreadable:
    """What one row says about an identity."""
    found = account.attributes
    if not is_storable(found):
        bad = next(name for name, value in found.items() if not is_storable({name: value}))
        return Unreadable(account.uid, f"{bad[:MAX_NAME]!r} holds characters or numbers that cannot be stored.")
    external_id = account.uid if form.external_id is None else _text(found.get(form.external_id))
    if not external_id or len(external_id) > MAX_NAME:
        return Unreadable(account.uid, f"{form.external_id or 'The key'} has no value of 1 to {MAX_NAME} characters.")
    user_name = None if form.user_name is None else _text(found.get(form.user_name))
    if form.user_name is not None and (not user_name or len(user_name) > MAX_NAME):
        return Unreadable(account.uid, f"{form.user_name} has no value of 1 to {MAX_NAME} characters.")
    active = account.active
    if form.active_column is not None:
        active = _text(found.get(form.active_column)).lower() in form.active_values
    return SourceRow(account.uid, external_id, _picked(form, found), user_name, active)


def key_trouble(uid: str) -> str | None:
    """Why a row's key cannot be kept, if so."""
    if not uid or len(uid.encode("utf-8", "surrogatepass")) > MAX_KEY:
        return f"The key is empty or longer than {MAX_KEY} bytes."
    return None if is_storable(uid) else "The key holds characters that are not text."


def hash_of_row(form: ImportForm, account: TargetAccount) -> int:
    """What stands for a row and the form it is read with: equal hashes, nothing to do.

    Values are taken as they are written: one written otherwise is read again, and then found to be the same.
    """
    digest: int = xxh3_64_intdigest(repr((form.fingerprint, account.active, account.attributes)).encode())
    return digest - (1 << 64) if digest >> 63 else digest


def _picked(form: ImportForm, found: Mapping[str, Any]) -> dict[str, Any]:
    if form.attributes is not None:
        return {name: found.get(column) for name, column in form.attributes.items()}
    special = {form.external_id, form.user_name, form.active_column} - {None}
    return {name: value for name, value in found.items() if name not in special and name not in RESERVED}


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _column(raw: Mapping[str, Any], name: str) -> str | None:
    value = raw.get(name)
    if value is not None and not isinstance(value, str):
        raise SettingsError(f'"{name}" of "import" must be a column\'s name.')
    return value


def _active(raw: Any) -> tuple[str | None, frozenset[str]]:
    if raw is None:
        return None, frozenset()
    if (
        not isinstance(raw, Mapping)
        or not isinstance(raw.get("column"), str)
        or not isinstance(raw.get("values"), list)
    ):
        raise SettingsError('"active" of "import" must be {"column": name, "values": [what means active]}.')
    return raw["column"], frozenset(str(value).strip().lower() for value in raw["values"])


def _attributes(raw: Any) -> dict[str, str] | None:
    if raw == "*":
        return None
    if not isinstance(raw, Mapping) or not all(isinstance(column, str) for column in raw.values()):
        raise SettingsError('"attributes" of "import" must be "*" or {attribute: column}.')
    reserved = sorted(RESERVED & set(raw))
    if reserved:
        raise SettingsError(f'"{reserved[0]}" cannot be the name of an attribute.')
    return dict(raw)
