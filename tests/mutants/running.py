"""Making a mutant beside our code, and running the tests that must notice it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.catalogue import Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("worker", "migrations", "tests")
ALSO = ("pyproject.toml", "README.md", "CHANGELOG.md", "scripts", "docs")
#: What pytest says when tests failed; anything else means that they could not be run.
FAILED = 1
#: Who cannot even be read is no mutant.
NONSENSE = ("PostgresSyntaxError", "IndeterminateDatatypeError", "UndefinedParameterError", "ImportError", "NameError")
#: In each process that runs tests.
ALONE = ("-p", "no:cacheprovider", "--override-ini", "addopts=", "--import-mode=importlib", "-x", "-q")
PLUGINS = ("--disable-plugin-autoload", "-pasyncio", "-ptimeout", "-pxdist", "-phypothesispytest")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant: ``is_caught``, or why not, and what was said."""

    mutant: Mutant
    is_caught: bool
    reason: str
    said: str = ""


def judge(mutant: Mutant) -> Verdict:
    """Make the mutant and run its tests; one whose text is not found any more is not caught."""
    with copy_of_the_tree() as tree:
        if missing := apply(mutant, tree):
            return Verdict(mutant, is_caught=False, reason=f"does not apply: {missing}")
        code, said = run(tree, mutant.noticed_by)
    if code == FAILED and not any(word in said for word in NONSENSE):
        return Verdict(mutant, is_caught=True, reason="caught")
    reason = "survived" if code == 0 else f"its tests could not run ({code})"
    return Verdict(mutant, is_caught=False, reason=reason, said=said)


def judge_health(mutants: Sequence[Mutant]) -> tuple[int, str]:
    """Run all those tests on our own code: what fails there says nothing of a mutant."""
    found = sorted({test for mutant in mutants for test in mutant.noticed_by})
    tests = [test for test in found if test.partition("::")[0] not in found or "::" not in test]
    with copy_of_the_tree() as tree:
        return run(tree, tests)


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    """Our code where it can be changed, away from everybody else's."""
    with tempfile.TemporaryDirectory(prefix="provisiond-mutant-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder)
        tree.chmod(0o755)  # servers of other accounts look for their files below
        for name in COPIED:
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ALSO:
            if (ROOT / name).exists():
                (tree / name).symlink_to(ROOT / name)
        yield tree


def apply(mutant: Mutant, tree: Path) -> str | None:
    """Change the copy; the first text that is not there, if any."""
    for name, old, new in mutant.edits:
        path = tree / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            return f"{name} has no {old.strip()!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")
    return None


def run(tree: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Run these tests in the copy: the exit code, and the end of what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *ALONE, *PLUGINS, *tests],
        cwd=tree,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout[-4000:]
