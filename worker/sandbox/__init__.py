"""The Starlark child process, and the words it shares with its parent.

The parent imports only this front door: how to start a child and how frames are written. Starlark itself is imported in
the child alone, behind its hardening; nothing here imports any other room, so the child's memory holds nothing of ours.
"""

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
from worker.sandbox.launch import command

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
    "command",
    "pack",
    "unpack",
    "wall_ceiling",
]
