"""What the guide says of mappings is so."""

import json
import re
from pathlib import Path

import pytest

from worker.domain.filters import parse
from worker.domain.mapping import MappingRule
from worker.mapping import TRANSFORMS, parse_rules
from worker.mapping.check import PHASES

GUIDE = (Path(__file__).parents[3] / "docs" / "mappings.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_rules_of_the_guide_can_be_used() -> None:
    found = [parse_rules(json.loads(text)) for text in blocks("json")]

    assert [mistakes for _, mistakes in found] == [(), ()]
    assert [len(rules) for rules, _ in found] == [8, 1]


@pytest.mark.parametrize("name", MappingRule.__slots__)
def test_each_field_of_a_rule_is_explained(name: str) -> None:
    assert f"\n| `{name}` | " in GUIDE


@pytest.mark.parametrize("name", TRANSFORMS)
def test_each_transform_has_its_row(name: str) -> None:
    spec = TRANSFORMS[name]
    call = name if spec.argument is None else f"{name}:{spec.argument}"
    given, result = (json.dumps(value, ensure_ascii=False) for value in (spec.example.given, spec.example.result))

    assert f"\n| `{call}` | {spec.help} | `{spec.example.transform}`: `{given}` → `{result}` |\n" in GUIDE


def test_filter_of_the_guide_can_be_read() -> None:
    (text,) = blocks("text")

    assert str(parse(text.strip())).startswith("active eq true and ")
    assert PHASES == ("create", "update")
