"""What of a payload people and records may see."""

import re
from collections.abc import Mapping
from typing import Any

_SECRET = re.compile(r"pass(word|wd|phrase)?$|secret|token|credential|private_?key|unicodepwd", re.IGNORECASE)
MARK = {"secret": True}


def shown(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes with every secret replaced by its mark; which are secret shows in their names."""
    return {name: MARK if _SECRET.search(name) and value is not None else value for name, value in attributes.items()}
