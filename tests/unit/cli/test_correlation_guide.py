"""The guide of correlation: its files are written, its commands run, and they say what the guide says."""

import re
import shlex
from pathlib import Path

import pytest

from worker.cli import run

GUIDE = Path(__file__).parents[3] / "docs" / "correlation.md"
FILE = re.compile(r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^```console\n\$ provisiond (.*?)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("line", "said"), COMMAND.findall(GUIDE.read_text()))
def test_a_command_of_the_guide_says_what_is_written_there(
    line: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in FILE.findall(GUIDE.read_text()):
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)

    assert run(shlex.split(line)) == 0
    assert said.strip() in capsys.readouterr().out
    assert (tmp_path / "links.csv").exists()
