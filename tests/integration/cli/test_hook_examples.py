"""The examples of the guide and its own snippets, as a reader would try them."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.cli.conftest import Configure
from worker.cli import run

GUIDE = ROOT / "docs" / "hooks.md"
EXAMPLES = ROOT / "docs" / "hooks"
#: What it draws is random, so there is nothing to expect but that it runs.
WITHOUT_CASES = {"initial-password"}


def test_every_example_decides_as_its_cases_say(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure()

    code = run(["hooks", "test", str(EXAMPLES), "--json"])

    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each for each in records if not each["ok"]] == []
    assert (code, len(records) >= 15) == (0, True)


def test_there_is_nothing_to_say_against_an_example(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure()

    code = run(["hooks", "validate", str(EXAMPLES), str(EXAMPLES / "lib" / "names.star"), "--json"])

    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (code, [each["diagnostics"] for each in records if each["diagnostics"]]) == (0, [])


def test_the_guide_names_every_example_and_each_has_cases() -> None:
    scripts = {path.stem for path in EXAMPLES.glob("*.star")}
    named = re.findall(r"\]\(hooks/(.+)\.star\)", GUIDE.read_text(encoding="utf-8"))

    assert sorted(named) == sorted(scripts)
    assert {name for name in scripts if not (EXAMPLES / f"{name}.tests.json").exists()} == WITHOUT_CASES


def test_the_first_hook_of_the_guide_goes_as_it_tells(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    guide = GUIDE.read_text(encoding="utf-8")
    misspelt, better = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    context, _ = re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "login.star").write_text(misspelt, encoding="utf-8")
    (tmp_path / "zoe.json").write_text(context, encoding="utf-8")
    first = run(["hooks", "test", "login.star"])
    said = capsys.readouterr().out
    (tmp_path / "login.star").write_text(better, encoding="utf-8")

    second = run(["hooks", "test", "login.star", "--context", "zoe.json", "--json"])

    assert (first, second) == (1, 0)
    assert f"$ provisiond hooks test login.star\n{said}```" in guide
    assert json.loads(capsys.readouterr().out)["patch"]["unique"]["uid"][:3] == ["zaangstr", "zaangst2", "zaangst3"]
