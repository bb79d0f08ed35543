"""The grammar of ``provisiond recon``."""

import argparse
from typing import Any

from worker.cli.grammar import add_group, add_list, add_no_wait, add_tenant, add_verb

_RUNS, _FINDINGS = "reconciliation", "discrepancies"


def add(verbs: Any) -> None:
    """Every verb of reconciliation."""
    recon = add_group(verbs, "recon", "reconciliation: runs of targets, what they find, repairs, what is held")
    _runs(recon)
    _found(recon)
    _proposals(recon)
    _repairs(recon)
    _over_time(recon)
    _policies(add_group(recon, "policy", "what a target repairs by itself: show, set"))
    _held(recon)


def _runs(recon: Any) -> None:
    start = add_verb(recon, "run", _RUNS, "start", "start a run of a connector and follow it")
    start.add_argument("connector")
    start.add_argument("--mode", choices=["full", "delta"], help="full lists everything (full)")
    start.add_argument("--uid", action="append", default=[], help="look at this account only; as often as needed")
    start.add_argument("--user", action="append", default=[], help="look at this person's account only")
    start.add_argument("--dry-run", action="store_true", help="find and propose, change nothing")
    add_no_wait(start)
    add_tenant(start)
    listed = add_list(recon, "list", _RUNS, "list_runs", "the latest runs, of sources too")
    listed.add_argument("--connector", metavar="NAME", help="those of this connector")
    listed.add_argument("--live", action="store_true", help="those that wait, run or are paused")
    for name, function, help_text in (
        ("watch", "watch", "follow a run to its end"),
        ("show", "show_one", "one run"),
        ("report", "report", "what a run found and did"),
        ("pause", "pause", "put a run down"),
        ("resume", "resume", "let a paused run go on"),
        ("cancel", "cancel", "end a run"),
    ):
        verb = add_verb(recon, name, _RUNS, function, help_text)
        verb.add_argument("id", help="the id of a run, as `recon list` shows it")
        add_tenant(verb)


def _found(recon: Any) -> None:
    listed = add_list(recon, "findings", _FINDINGS, "list_findings", "what was found at a target, the newest first")
    listed.add_argument("connector")
    _filters(listed)
    file = add_verb(recon, "export", _FINDINGS, "export", "all findings of a target as CSV or JSON Lines")
    file.add_argument("connector")
    file.add_argument("--format", choices=["csv", "jsonl"], help="csv, or what the name of the file says")
    file.add_argument("--out", metavar="FILE", default="-", help="where to; - is standard output (-)")
    _filters(file)
    add_tenant(file)


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", metavar="KIND", help="missing, orphan, mismatch, collision, unlinked or deleted")
    parser.add_argument("--status", help="pending, resolved or ignored")
    parser.add_argument("--run", metavar="ID", help="only what this run saw")
    parser.add_argument("--user", metavar="WHO", help="whose: user name, external id or id")
    parser.add_argument("--uid", metavar="TEXT", help="a part of the account's uid")
    parser.add_argument("--attribute", metavar="NAME", help="where this attribute differs")
    parser.add_argument("--since", metavar="TIME", help="last seen since: 2026-03-01, 2026-03-01T08:30, 15m, 6h, 2d")
    parser.add_argument("--until", metavar="TIME", help="last seen before")


def _proposals(recon: Any) -> None:
    looked = add_verb(recon, "preview", "previews", "preview", "what a dry run proposed, or repairs would change")
    looked.add_argument("id", nargs="+", help="the id of a dry run, or of findings")
    add_tenant(looked)
    grouped = add_list(recon, "causes", "previews", "causes", "open differences by what made them")
    grouped.add_argument("connector")
    grouped.add_argument("--run", metavar="ID", help="only what this run saw")
    grouped.add_argument("--approve", nargs="+", metavar="GROUP", help="repair all accounts of these groups")
    grouped.add_argument("--expect", type=int, metavar="N", help="with --approve: how many accounts you were shown")


def _repairs(recon: Any) -> None:
    repair = add_verb(recon, "repair", _FINDINGS, "repair", "settle findings, up to 100 at once")
    repair.add_argument("--action", help="create, update, delete, link, …; what is suggested unless given")
    repair.add_argument("--direction", help="xavyo_to_target or target_to_xavyo; the usual one unless given")
    repair.add_argument("--owner", metavar="WHO", help="with link: whose account it is")
    repair.add_argument("--dry-run", action="store_true", help="note what would be done, change nothing")
    ignore = add_verb(recon, "ignore", _FINDINGS, "ignore", "put findings aside, up to 100 at once")
    ignore.add_argument("--reason", required=True, help="why, for whoever looks later")
    ignore.add_argument(
        "--until", metavar="TIME", help="until then: 2027-03-01, 2027-03-01T08:30, 12h, 30d; else for good"
    )
    undo = add_verb(recon, "undo", _FINDINGS, "undo", "take back what settled findings, where that can be")
    for verb in (repair, ignore, undo):
        verb.add_argument("id", nargs="+", help="the ids of findings, as `recon findings` shows them")
        add_tenant(verb)


def _over_time(recon: Any) -> None:
    done = add_list(recon, "history", _FINDINGS, "history", "what was done about findings, by whom, the newest first")
    done.add_argument("connector")
    done.add_argument("--run", metavar="ID", help="by this run")
    done.add_argument("--finding", metavar="ID", help="about this finding")
    trend = add_verb(recon, "trend", "trends", "trend", "findings by day: how many were new, how many were open")
    trend.add_argument("connector", nargs="?", help="of one connector; of all unless given")
    trend.add_argument("--from", metavar="DAY", dest="from_day", help="the first day, such as 2026-03-01")
    trend.add_argument("--to", metavar="DAY", dest="to_day", help="the last one (today)")
    trend.add_argument("--days", type=int, metavar="N", help="instead of --from: so many days (30)")
    add_tenant(trend)


def _policies(policy: Any) -> None:
    shown = add_verb(policy, "show", "policies", "show_policy", "what happens to each kind of finding, and what could")
    made = add_verb(policy, "set", "policies", "set_policy", "change what is repaired without a person")
    for verb in (shown, made):
        verb.add_argument("connector")
        add_tenant(verb)
    made.add_argument(
        "rule",
        nargs="+",
        metavar="KIND=ACTION",
        help="such as mismatch=update, orphan=wait (for a person); kinds not named stay as they are",
    )


def _held(recon: Any) -> None:
    add_list(recon, "approvals", _RUNS, "list_approvals", "what the safeguard holds until somebody decides")
    approve = add_verb(recon, "approve", _RUNS, "approve", "let held removals, or a held run, go on")
    approve.add_argument("id", help="the id of the approval, or of the run that waits for it")
    approve.add_argument("--version", type=int, help="what you approve: the version that `recon approvals` showed you")
    approve.add_argument("--reject", action="store_true", help="reject instead: what is held is cancelled")
    add_tenant(approve)
