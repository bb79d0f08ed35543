"""What the documents say of settings is what the program takes."""

import re
from pathlib import Path

import pytest

from worker.settings import FIELDS, Settings, variable_of

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
KNOWN = {variable_of(name): name for name in FIELDS} | {"PROVISIOND_CONFIG": ""}
ROW = re.compile(r"^\| `(PROVISIOND_[A-Z_0-9]+)` \| ([^|]+) \|", re.MULTILINE)


@pytest.mark.parametrize("document", [pytest.param(path, id=path.name) for path in DOCUMENTS])
def test_every_variable_that_a_document_names_is_a_setting(document: Path) -> None:
    named = re.findall(r"PROVISIOND_[A-Z][A-Z_0-9]*", document.read_text(encoding="utf-8"))
    assert sorted(set(named) - KNOWN.keys()) == []


def test_the_defaults_of_the_table_are_those_of_the_program() -> None:
    rows = ROW.findall((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
    told = {variable: default for variable, default in rows if variable != "PROVISIOND_ROLES"}

    assert len(told) >= 10
    assert {variable: _default(KNOWN[variable]) for variable in told} == told


def _default(name: str) -> str:
    value = Settings()
    for part in name.split("."):
        value = getattr(value, part)
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
