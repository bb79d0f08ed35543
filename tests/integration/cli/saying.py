"""A command line, run here, and what it answers."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

#: Runs a command line: exit code, output, errors.
Say = Callable[..., tuple[int, str, str]]


def read(say: Say, *arguments: str | UUID, code: int = 0) -> Any:
    """The JSON document that a verb writes."""
    ended, out, err = say(*arguments, "--json")
    assert (ended, err) == (code, "")
    return json.loads(out)
