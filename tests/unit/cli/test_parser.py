import argparse
import importlib
import inspect
from collections.abc import Iterator
from functools import cache

import pytest

from worker.cli.parser import build_parser

VERBS = {
    *("serve", "dev", "migrate", "check", "doctor"),
    *(f"ops {verb}" for verb in ("list", "tail", "show", "retry", "redrive", "cancel", "resolve")),
    *(f"ops conflicts {verb}" for verb in ("list", "show", "resolve")),
    *(
        f"recon {verb}"
        for verb in ("run", "list", "watch", "show", "report", "preview", "causes", "pause", "resume", "cancel")
    ),
    *(f"recon {verb}" for verb in ("findings", "export", "repair", "ignore", "undo", "history", "trend")),
    *(
        "recon policy show",
        "recon policy set",
        "recon approvals",
        "recon approve",
        "connectors list",
        "connectors test",
    ),
    *("identities import", "identities show", "identities disable", "tokens create", "audit verify"),
    *("tenants create", "tenants list", "correlate explain", "correlate files"),
    *(f"schedules {verb}" for verb in ("list", "show", "set", "next", "enable", "disable", "run", "delete")),
    *(f"hooks {verb}" for verb in ("validate", "test", "replay", "versions", "activate")),
}


@cache
def built() -> argparse.ArgumentParser:
    """Nobody changes a parser by asking it."""
    return build_parser()


@cache
def verbs() -> dict[str, argparse.ArgumentParser]:
    return dict(leaves(built()))


def leaves(parser: argparse.ArgumentParser, path: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield path.strip(), parser
    for group in groups:
        for name, below in group.choices.items():
            yield from leaves(below, f"{path} {name}")


def test_verbs_are_these() -> None:
    """The command line is public: whoever changes it changes the changelog."""
    assert set(verbs()) == VERBS


@pytest.mark.parametrize("path", sorted(VERBS))
def test_verb_leads_to_a_function_that_takes_the_options(path: str) -> None:
    parser = verbs()[path]
    module = importlib.import_module(f"worker.cli.{parser.get_default('module')}")
    function = getattr(module, parser.get_default("verb"))

    assert list(inspect.signature(function).parameters) == ["options"]
    assert function.__module__ == module.__name__


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("ops list --limit 0", "must be a number from 1 to 1000", id="no row wanted"),
        pytest.param("ops list --limit many", "must be a number from 1 to 1000", id="no number"),
        pytest.param("serve --port 70000", "must be a number from 0 to 65535", id="no port"),
        pytest.param("recon run app --mode half", "invalid choice: 'half'", id="unknown mode"),
        pytest.param("ops resolve 1", "--notes", id="a dead letter is closed with a note"),
        pytest.param("recon ignore 1", "--reason", id="what is put aside has a reason"),
        pytest.param("recon export app --format xml", "invalid choice: 'xml'", id="unknown format"),
        pytest.param("operations", "invalid choice: 'operations'", id="unknown verb"),
        pytest.param("", "VERB", id="no verb"),
    ],
)
def test_wrong_use_ends_with_two_and_says_why(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        built().parse_args(line.split())

    assert ended.value.code == 2
    assert said in capsys.readouterr().err
