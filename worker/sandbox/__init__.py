"""The Starlark child process, and the words it shares with its parent.

The parent imports only this front door: how to start a child and how frames are written. Starlark itself is imported in
the child alone, behind its hardening; nothing here imports any other room, so the child's memory holds nothing of ours.
"""

from typing import TYPE_CHECKING

from worker.sandbox.frames import (
    API,
    EXPRESSION_NAMES,
    FUNCTIONS,
    HEADER,
    LIBRARY_PREFIX,
    MAX_LIBRARIES,
    MAX_LIBRARY_BYTES,
    MAX_REPLY,
    MAX_RESULT,
    MAX_SOURCE,
    PROTOCOL,
    FrameError,
    pack,
    unpack,
    wall_ceiling,
)
from worker.sandbox.launch import command, compile_package
from worker.sandbox.library.countries import alpha2, alpha3
from worker.sandbox.library.countries import name as country_name
from worker.sandbox.library.kept import supplies
from worker.sandbox.library.phones import e164, national
from worker.sandbox.library.transliteration import normalized, to_ascii

if TYPE_CHECKING:
    from worker.sandbox.fields import FieldEntry
    from worker.sandbox.manual import FunctionEntry

__all__ = [
    "API",
    "EXPRESSION_NAMES",
    "FUNCTIONS",
    "HEADER",
    "LIBRARY_PREFIX",
    "MAX_LIBRARIES",
    "MAX_LIBRARY_BYTES",
    "MAX_REPLY",
    "MAX_RESULT",
    "MAX_SOURCE",
    "PROTOCOL",
    "FrameError",
    "alpha2",
    "alpha3",
    "command",
    "compile_package",
    "context_fields",
    "country_name",
    "e164",
    "national",
    "normalized",
    "pack",
    "reference",
    "supplies",
    "to_ascii",
    "unpack",
    "wall_ceiling",
]


def reference() -> "tuple[FunctionEntry, ...]":
    """Every function that scripts may use, with its parameters, documentation and examples; made once.

    Plain dicts, lists and texts, ready to be written as JSON.
    """
    from worker.sandbox.manual import functions  # noqa: PLC0415 - a child needs no manual, and starts in milliseconds

    return functions()


def context_fields() -> "tuple[FieldEntry, ...]":
    """Every field of a script's ``ctx``, with its type, documentation and the functions whose ``ctx`` has it."""
    from worker.sandbox.manual import fields  # noqa: PLC0415 - the same

    return fields()
