from pathlib import Path
from typing import Any

import pytest

from tests.conformance.targets import Target

ROWS = 7


@pytest.fixture
def csv_target(tmp_path: Path) -> Target:
    path = tmp_path / "people.csv"
    rows = [f"p{n},Zoë,Müller {n},{'yes' if n % 2 else 'no'}" for n in range(ROWS)]
    path.write_text("\n".join(["id,given_name,family_name,works", *rows]) + "\n", encoding="utf-8-sig")
    return Target(
        type="csv",
        config={"path": str(path), "key": "id", "active_column": "works"},
        gate=None,
        naming="id",
        text="given_name",
        unknown_uid="nobody",
        person=person,
    )


def person(name: str) -> dict[str, Any]:
    return {"id": name, "given_name": "Zoë", "family_name": "Müller"}
