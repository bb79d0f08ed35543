"""What the one argument of a script's functions holds: the fields of ``ctx``, which editors complete."""

from typing import Final, TypedDict

_UPDATE: Final = ("before_update", "after_update")
_BEFORE: Final = ("before_create", "before_update", "before_delete", "transform")
_AFTER: Final = ("after_create", "after_update", "after_delete", "on_error")
_OPERATIONS: Final = (*_BEFORE, *_AFTER)
_ALL: Final = (*_OPERATIONS, "correlate")


class FieldEntry(TypedDict):
    """One field of ``ctx``. ``name`` is a path with dots; ``events`` are the functions whose ``ctx`` has it."""

    name: str
    type: str
    doc: str
    events: tuple[str, ...]


def _field(name: str, kind: str, doc: str, events: tuple[str, ...]) -> FieldEntry:
    return FieldEntry(name=name, type=kind, doc=doc, events=events)


FIELDS: Final = (
    _field("api", "int", "The version of the contract that this context follows: 1.", _ALL),
    _field("event", "string", "The function that is called, such as before_create.", _ALL),
    _field("operation_id", "string | None", "The operation's UUID; None in a test.", _OPERATIONS),
    _field("correlation_id", "string | None", "The UUID that joins all that one event set off.", _OPERATIONS),
    _field("dry_run", "bool", "Whether nothing will be written; random values are then not the real ones.", _ALL),
    _field("attempt", "int", "The number of this try, from 1.", _OPERATIONS),
    _field("iteration", "int", "From 0; one more each time the target said that a unique name is taken.", _OPERATIONS),
    _field("now", "string", "ISO 8601 time in UTC, fixed for the operation or the run: every try sees the same.", _ALL),
    _field("resource", "dict", "The target that the operation goes to.", _ALL),
    _field("resource.id", "string", "The connector's UUID.", _ALL),
    _field("resource.name", "string", "The connector's name.", _ALL),
    _field("resource.type", "string", "The connector's type: ldap, scim, sql, csv, ...", _ALL),
    _field("object_class", "string", "The kind of account, such as account or inetOrgPerson.", _ALL),
    _field("actor", "dict", "Who or what wanted the change.", _OPERATIONS),
    _field("actor.id", "string | None", "The person or source; None for the system itself.", _OPERATIONS),
    _field("actor.kind", "string", "event, source, recon, mapping, api, console or emergency.", _OPERATIONS),
    _field(
        "identity", "dict", "The person's attributes as the sources say them. Times ISO, bytes base64.", _OPERATIONS
    ),
    _field(
        "attributes",
        "dict",
        'What will be sent, by the target\'s names. A secret is {"secret": True} without the permission to see it.',
        _OPERATIONS,
    ),
    _field("current", "dict | None", "What the target has, as far as it was observed; None: unknown.", _OPERATIONS),
    _field("changes", "dict", 'What an update changes: {name: {"old": value, "new": value}}.', (*_UPDATE, "transform")),
    _field("result", "dict", "What became of the operation.", _AFTER),
    _field("result.status", "string", "completed, failed (it will be tried again) or dead_letter.", _AFTER),
    _field("result.uid", "string | None", "The account's id at the target.", _AFTER),
    _field("result.error", "dict | None", 'None, or {"code": string, "message": string}.', _AFTER),
    _field("params", "dict", "What the binding sets: tables, names, keys. Never secrets of the target.", _ALL),
    _field(
        "account",
        "dict",
        "The attributes of the account whose owner is wanted, as the target has them, and its uid there.",
        ("correlate",),
    ),
    _field(
        "candidates",
        "list[dict]",
        "People who come into question by the rules, with all their attributes and their id: at most 20.",
        ("correlate",),
    ),
)
