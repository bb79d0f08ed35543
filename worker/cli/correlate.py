"""``provisiond correlate files``: whose accounts are these, from two tables, without a database."""

import argparse
import csv
import gc
import json
import os
import re
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from worker.cli import output
from worker.cli.tables import CsvTable, Once, ids_of, listed, read_table, safe, written
from worker.correlation import (
    DECISIONS,
    Attributes,
    Numbered,
    Outcome,
    RuleProblem,
    RuleSet,
    Table,
    correlate_columns,
    explanations,
    expressions_of,
    guessed_rule_set,
    refined,
    review_rule_set,
)
from worker.domain.correlation import NOBODY, Decision, PersonDecision, Verdict
from worker.domain.errors import InvalidRequest

COLUMNS = ("account_id", "identity_id", "confidence", "decision", "explanation")
_IDENTITY_IDS = ("identity_id", "id", "uid", "external_id", "person_id", "employee_number", "user_name")
_ACCOUNT_IDS = ("account_id", "id", "uid", "dn", "external_id", "login", "user_name")
_VERDICT_COLUMNS = ("account_id", "identity_id", "verdict")
#: Where a rule begins in a file of rules.
_HEAD = re.compile(r"\s*\[\[\s*rules\s*\]\]")
_FIRST_IDENTITY, _FIRST_ACCOUNT = 1, 1 << 64
#: Rows between which guessed rules learn their weights.
_LEAST_TO_LEARN, _MOST_TO_LEARN = 500, 100_000


def files(options: argparse.Namespace) -> int:
    """Read both tables, correlate, write the links."""
    started = time.monotonic()
    _check_out(options)
    progress = output.Progress(is_quiet=True)
    gc.disable()  # whatever is read stays to the end, and looking through it takes as long as reading it
    try:
        progress.say("Reading …")
        identities, accounts = read_table(Path(options.identities)), read_table(Path(options.accounts))
        people = _ids(identities, options.identity_id, usual=_IDENTITY_IDS, option="--identity-id")
        theirs = _ids(accounts, options.account_id, usual=_ACCOUNT_IDS, option="--account-id")
        rule_set = _rule_set(options.rules, identities, accounts)
        if not options.rules and not options.no_refine:
            progress.say("Learning weights …")
            rule_set = _learnt(rule_set, identities, accounts)
        decisions, unknown = _decisions(options.decisions, people, theirs)
        _tell_start(rule_set, identities, accounts, unknown, is_guessed=not options.rules, is_quiet=options.json)
        progress.say(f"Correlating {len(accounts):,} accounts with {len(identities):,} identities …")
        outcome = _correlated(identities, accounts, rule_set, decisions)
        progress.say(f"Writing {options.out} …")
        _write(Path(options.out), outcome, list(people), list(theirs))
    finally:
        progress.end()
        gc.enable()
    _tell_end(options, outcome, rule_set, seconds=time.monotonic() - started)
    return 0


def _correlated(
    identities: CsvTable, accounts: CsvTable, rule_set: RuleSet, decisions: list[PersonDecision]
) -> Outcome:
    """Who owns what. The tables are used up, unless people's decisions have to be held against them."""
    tables = [
        Table(Numbered(first, len(table)), table.columns if decisions else _moved(table))
        for first, table in ((_FIRST_ACCOUNT, accounts), (_FIRST_IDENTITY, identities))
    ]
    return correlate_columns(*tables, rule_set=rule_set, decisions=decisions, count_names=True, processes=_processes())


def _processes() -> int:
    """Two where there are two cores and processes can be forked."""
    return 2 if hasattr(os, "fork") and (os.cpu_count() or 1) > 1 else 1


def _learnt(rule_set: RuleSet, identities: CsvTable, accounts: CsvTable) -> RuleSet:
    """Guessed rules with weights that these tables teach; few rows teach nothing, and many take too long."""
    sizes = len(identities), len(accounts)
    if min(sizes) < _LEAST_TO_LEARN or max(sizes) > _MOST_TO_LEARN:
        return rule_set
    ours = Table(Numbered(_FIRST_IDENTITY, sizes[0]), identities.columns)
    theirs = Table(Numbered(_FIRST_ACCOUNT, sizes[1]), accounts.columns)
    return refined(ours, theirs, rule_set=rule_set, count_names=True).rule_set


def _moved(table: CsvTable) -> Once:
    columns = Once(table.columns)
    table.columns.clear()
    return columns


def _check_out(options: argparse.Namespace) -> None:
    """Nobody's input is written over."""
    out = Path(options.out).resolve()
    for given in (options.identities, options.accounts, options.rules, options.decisions):
        if given is not None and Path(given).resolve() == out:
            raise InvalidRequest(f"{given} is read and cannot be written to: name another file with --out")


def _ids(table: CsvTable, column: str | None, *, usual: tuple[str, ...], option: str) -> dict[str, int]:
    """The place of each id, in their order."""
    return {value: place for place, value in enumerate(ids_of(table, column, usual=usual, option=option)[1])}


def _rule_set(path: str | None, identities: CsvTable, accounts: CsvTable) -> RuleSet:
    if path is None:
        found = guessed_rule_set(identities.columns, accounts.columns)
        if not found.rules:
            raise InvalidRequest(
                f"no rules can be guessed: {identities.path} has the columns {listed(identities.columns)} and"
                f" {accounts.path} has {listed(accounts.columns)}; say in a file with --rules which go together"
            )
        return found
    return read_rules(Path(path), identities=identities.columns, accounts=accounts.columns)


def read_rules(path: Path, *, identities: Iterable[str], accounts: Iterable[str]) -> RuleSet:
    """A rule set from TOML: settings, then ``[[rules]]``; InvalidRequest names every mistake with its line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = tomllib.loads(text)
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} is not UTF-8: save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{path}: {error}") from None
    if not document.get("rules"):
        raise InvalidRequest(f"{path} has no rules: each begins with a line [[rules]]")
    problems = review_rule_set(document, attributes=Attributes(frozenset(identities), frozenset(accounts)))
    heads = [number for number, line in enumerate(text.splitlines(), 1) if _HEAD.match(line)]
    mistakes = [_with_line(each, heads) for each in problems]
    mistakes += [
        f"{_line(place, heads)}rule {place + 1}, expression: only a daemon can decide it; leave this rule out"
        for place in expressions_of(document)
    ]
    if mistakes:
        raise InvalidRequest("\n".join(f"{path}: {each}" for each in mistakes))
    return RuleSet.from_json(document)


def _with_line(problem: RuleProblem, heads: list[int]) -> str:
    """A mistake and where its rule begins."""
    return str(problem) if problem.rule is None else f"{_line(problem.rule, heads)}{problem}"


def _line(place: int, heads: list[int]) -> str:
    return f"line {heads[place]}, " if place < len(heads) else ""


def _decisions(
    path: str | None, people: Mapping[str, int], theirs: Mapping[str, int]
) -> tuple[list[PersonDecision], int]:
    """People's words from a file, and how many are about records that are not there."""
    if path is None:
        return [], 0
    table = read_table(Path(path))
    for name in _VERDICT_COLUMNS:
        if name not in table.columns:
            raise InvalidRequest(f"{path} lacks the column {name}; it has {listed(table.columns)}")
    found, unknown = [], 0
    rows = zip(*(table.columns[name] for name in _VERDICT_COLUMNS), strict=True)
    for number, (account, identity, word) in enumerate(rows, 1):
        verdict = _verdict(path, number, word.strip())
        place, other = theirs.get(account.strip()), people.get(identity.strip())
        if place is None or (other is None and verdict is not Verdict.NOBODY):
            unknown += 1
            continue
        whose = NOBODY if verdict is Verdict.NOBODY or other is None else UUID(int=_FIRST_IDENTITY + other)
        found.append(PersonDecision(UUID(int=_FIRST_ACCOUNT + place), whose, verdict))
    return found, unknown


def _verdict(path: str, number: int, word: str) -> Verdict:
    try:
        return Verdict(word)
    except ValueError:
        raise InvalidRequest(f"{path}, row {number}: {word!r} is no verdict; there are is, is_not and nobody") from None


def _write(path: Path, outcome: Outcome, people: list[str], theirs: list[str]) -> None:
    decided = [decision.value for decision in DECISIONS]
    shown = [*map(safe, people), ""]
    rows = zip(
        map(safe, theirs),
        (shown[place] for place in outcome.owners()),
        (f"{sure:.6f}" for sure in outcome.confidences.tolist()),
        (decided[place] for place in outcome.decisions.tolist()),
        explanations(outcome, processes=_processes()),  # begin with words of ours
        strict=True,
    )
    with written(path) as file:
        sheet = csv.writer(file)
        sheet.writerow(COLUMNS)
        sheet.writerows(rows)


def _tell_start(
    rule_set: RuleSet, identities: CsvTable, accounts: CsvTable, unknown: int, *, is_guessed: bool, is_quiet: bool
) -> None:
    if is_quiet:
        return
    if is_guessed:
        output.complain(f"Rules guessed from the columns of {identities.path} and {accounts.path}:")
        for rule in rule_set.rules:
            output.complain(
                f"  {rule.name}: {rule.source} = {rule.target} ({rule.match.value}, weight {rule.weight:g})"
            )
    if unknown:
        output.complain(f"{unknown} decisions are about records that are in neither file, and change nothing.")


def _tell_end(options: argparse.Namespace, outcome: Outcome, rule_set: RuleSet, *, seconds: float) -> None:
    counts = Counter(DECISIONS[place] for place in outcome.decisions.tolist())
    if options.json:
        told = {"accounts": len(outcome.decisions), **{each.value: counts[each] for each in Decision}}
        shown: dict[str, Any] = {**told, "seconds": round(seconds, 3), "out": options.out, "rules": _rules(rule_set)}
        output.say(json.dumps(shown, ensure_ascii=False))
        return
    auto, review, none = (counts[each] for each in (Decision.AUTO, Decision.REVIEW, Decision.NONE))
    output.say(
        f"{auto} accounts linked, {review} for a person to look at, {none} of nobody, in {seconds:.1f} s: {options.out}"
    )


def _rules(rule_set: RuleSet) -> Iterable[Mapping[str, Any]]:
    return rule_set.to_json()["rules"]  # type: ignore[no-any-return] # the JSON form of a rule set
