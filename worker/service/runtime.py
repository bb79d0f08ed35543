"""What ``provisiond dev`` remembers of itself for other commands of the same directory: a file only its owner reads."""

import json
import os
from pathlib import Path
from typing import Any

FILE = "runtime.json"


def write_runtime(directory: Path, settings: dict[str, Any]) -> None:
    """Leave the settings that lead to the running database."""
    partial = directory / f"{FILE}.new"
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(settings, file)
    partial.rename(directory / FILE)


def read_runtime(directory: Path) -> dict[str, Any] | None:
    """Those settings, or None when nothing was started here."""
    try:
        found: dict[str, Any] = json.loads((directory / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found
