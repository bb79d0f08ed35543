"""Every verb with its options; nothing heavy is imported here, so that help is instant."""

import argparse
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from worker.cli import recon_verbs
from worker.cli.grammar import add_group, add_json, add_list, add_no_wait, add_tenant, add_verb, count, port, seconds


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="provisiond",
        description="Keeps accounts in target systems equal to what an organisation's identities say they should be.",
    )
    parser.add_argument("--version", action="version", version=f"provisiond {_version()}")
    parser.add_argument("--config", metavar="FILE", help="a TOML file of settings, in place of PROVISIOND_CONFIG")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _running(verbs)
    _looking(verbs)
    _operations(verbs)
    recon_verbs.add(verbs)
    _schedules(add_group(verbs, "schedules", "when runs start: list, show, set, next, enable, disable, run, delete"))
    _correlation(verbs)
    _things(verbs)
    return parser


def _running(verbs: Any) -> None:
    serve = add_verb(verbs, "serve", "serving", "serve", "run a daemon on the configured database")
    serve.add_argument("--roles", help="what this process does: api,console,worker,scheduler,intake")
    serve.add_argument("--port", type=port, help="the port of API and console")
    serve.add_argument("--host", help="the address of API and console")
    dev = add_verb(
        verbs, "dev", "developing", "dev", "run everything with a database and a demo organisation of its own"
    )
    dev.add_argument("--port", type=port, help="the port to try first (8080)")
    dev.add_argument("--empty", action="store_true", help="without the demo organisation")
    dev.add_argument(
        "--employees", type=int, default=5_000, metavar="N", help="how many people the demo organisation has (5000)"
    )
    dev.add_argument("--no-drift", action="store_true", help="let nothing go wrong at the demo's targets on purpose")
    dev.add_argument("--data-dir", metavar="DIR", help="where everything is kept (.provisiond)")
    migrate = add_verb(verbs, "migrate", "migrating", "migrate", "bring the schema up to date, as its owner")
    migrate.add_argument(
        "--phase",
        choices=("pre", "post"),
        default="pre",
        help="pre: before the new version runs, the old one may run on; post: after the old one is gone",
    )
    migrate.add_argument("--distribute", action="store_true", help="spread tenants over the nodes of a Citus cluster")


def _looking(verbs: Any) -> None:
    check = add_verb(verbs, "check", "checking", "check", "explain every mistake in the configuration")
    check.add_argument("--all", action="store_true", help="show every setting with its value and where it comes from")
    add_json(check)
    doctor = add_verb(
        verbs, "doctor", "diagnosis", "doctor", "look at database, schema, sandbox, targets; say what is not well"
    )
    add_json(doctor)


def _operations(verbs: Any) -> None:
    ops = add_group(verbs, "ops", "operations: list, tail, show, retry, redrive, cancel, resolve, conflicts")
    _filters(add_list(ops, "list", "operations", "list_operations", "list operations, the newest first"))
    tail = add_verb(ops, "tail", "tailing", "tail", "follow what is accepted, tried and ended, until Ctrl-C")
    _filters(tail)
    tail.add_argument("--for", type=seconds, metavar="SECONDS", dest="for_s", help="end by itself after so long")
    add_tenant(tail)
    show = add_verb(ops, "show", "operations", "show_one", "one operation: what it waits for, its life in order")
    show.add_argument("id")
    add_tenant(show)
    for name, help_text in (
        ("retry", "try again now"),
        ("cancel", "cancel it"),
        ("redrive", "make a new operation from a dead letter"),
    ):
        verb = add_verb(ops, name, "operations", name, help_text)
        _chosen(verb)
        if name == "redrive":
            verb.add_argument("--payload", metavar="FILE", help="the corrected payload, of one operation; - for stdin")
    resolve = add_verb(ops, "resolve", "operations", "resolve", "close a dead letter with a note")
    resolve.add_argument("--notes", required=True)
    _chosen(resolve)
    _conflicts(add_group(ops, "conflicts", "changes of one account that disagree: list, show, resolve"))


def _conflicts(verbs: Any) -> None:
    found = add_list(verbs, "list", "disputes", "list_conflicts", "conflicts, the newest first")
    found.add_argument("--status", help="pending or resolved")
    found.add_argument("--type", help="concurrent_update, stale_data, missing_target or external_change")
    found.add_argument("--connector", help="the name of a connector")
    found.add_argument("--operation", metavar="ID", help="those that this operation is in")
    show = add_verb(verbs, "show", "disputes", "show_one", "one conflict with its operations")
    show.add_argument("id")
    add_tenant(show)
    resolve = add_verb(verbs, "resolve", "disputes", "resolve", "say which of the changes counts")
    resolve.add_argument("id")
    resolve.add_argument("outcome", help="applied, superseded, merged or rejected")
    resolve.add_argument("--notes", help="why, for whoever looks later")
    add_tenant(resolve)


def _chosen(parser: argparse.ArgumentParser) -> None:
    """Operations by id, or by filters and how many they may match."""
    parser.add_argument("id", nargs="*", help="ids; or give filters")
    _filters(parser)
    parser.add_argument(
        "--expect", type=int, metavar="N", help="with filters: do it to all that match if no more than N do; else tell"
    )
    add_tenant(parser)


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", help="pending, in_progress, failed, dead_letter, awaiting_system, completed, …")
    parser.add_argument("--connector", help="the name of a connector")
    parser.add_argument("--type", help="create, update or delete")
    parser.add_argument("--user", help="whose: user name, external id or id")
    parser.add_argument("--error-code", help="the code of the last error")
    parser.add_argument("--run", help="the id of the run that asked for it")
    parser.add_argument("--since", metavar="TIME", help="accepted since: 2026-03-01, 2026-03-01T08:30, 15m, 6h, 2d")
    parser.add_argument("--until", metavar="TIME", help="accepted before")
    parser.add_argument("--q", metavar="TEXT", help="an id, or the beginning of a user name or target uid")


def _schedules(verbs: Any) -> None:
    add_list(verbs, "list", "schedules", "list_schedules", "every schedule, the next to run first")
    shown = add_verb(
        verbs, "show", "schedules", "show_one", "one schedule, its next runs, what became of the last ones"
    )
    made = add_verb(verbs, "set", "schedules", "set_one", "give a connector its schedule, in place of the one it had")
    ahead = add_verb(
        verbs, "next", "schedules", "next_runs", "the next runs, as stored or as they would be; saves nothing"
    )
    ahead.add_argument("-n", type=count, default=5, metavar="N", help="how many (5)")
    on = add_verb(verbs, "enable", "schedules", "switch", "switch a schedule on")
    off = add_verb(verbs, "disable", "schedules", "switch", "switch a schedule off")
    for verb, is_on in ((on, True), (off, False)):
        verb.set_defaults(on=is_on)
    now = add_verb(verbs, "run", "schedules", "run_now", "start now what the schedule would start, and follow it")
    add_no_wait(now)
    gone = add_verb(verbs, "delete", "schedules", "delete", "delete a schedule; its runs stay")
    for verb in (shown, made, ahead, on, off, now, gone):
        verb.add_argument("connector")
        add_tenant(verb)
    for verb in (made, ahead):
        _times(verb)


def _times(parser: argparse.ArgumentParser) -> None:
    """A schedule in options."""
    parser.add_argument("--every", dest="frequency", metavar="WORD", help="hourly, daily, weekly, monthly or cron")
    parser.add_argument("--hour", type=int, help="the hour of the day, 0 to 23")
    parser.add_argument("--weekday", metavar="DAY", help="for weekly: mon, tue, …")
    parser.add_argument("--day", type=int, help="for monthly: 1 to 31; the last day of a shorter month")
    parser.add_argument("--cron", metavar="'M H D M W'", help="for cron: minute, hour, day, month, day of week")
    parser.add_argument("--timezone", default="UTC", metavar="ZONE", help="such as Europe/Berlin (UTC)")
    parser.add_argument("--mode", default="full", help="full or delta (full)")
    parser.add_argument(
        "--missed", default="one", metavar="POLICY", help="what was missed: one run for all (one), or skip"
    )
    parser.add_argument("--jitter", type=int, default=0, metavar="SECONDS", help="begin up to so much later (0)")
    parser.add_argument(
        "--blackout",
        action="append",
        default=[],
        metavar="'DAYS HH:MM-HH:MM'",
        help="when nothing begins, such as 22:00-06:00 or 'Mon-Fri 08:00-18:00'; as often as needed",
    )
    parser.add_argument("--off", action="store_true", help="switched off for now")


def _correlation(verbs: Any) -> None:
    correlate = add_group(verbs, "correlate", "whose accounts are these: files, explain")
    of_files = add_verb(
        correlate, "files", "correlate", "files", "find the owners of accounts in two CSV files, no database"
    )
    of_files.add_argument("--identities", required=True, metavar="I.csv", help="the people, a row each")
    of_files.add_argument("--accounts", required=True, metavar="A.csv", help="the accounts, a row each")
    of_files.add_argument("--rules", metavar="RULES.toml", help="what is compared (guessed from the column names)")
    of_files.add_argument(
        "--no-refine", action="store_true", help="guessed rules as they are shipped: nothing is learnt"
    )
    of_files.add_argument("--decisions", metavar="D.csv", help="account_id, identity_id, verdict: is, is_not, nobody")
    of_files.add_argument("--out", required=True, metavar="LINKS.csv", help="where the links are written")
    of_files.add_argument("--identity-id", metavar="COLUMN", help="the column that names the people")
    of_files.add_argument("--account-id", metavar="COLUMN", help="the column that names the accounts")
    add_json(of_files)
    explain = add_verb(
        correlate, "explain", "explaining", "explain", "whose an account is by the rules in force, and why"
    )
    explain.add_argument("connector", help="its name")
    explain.add_argument("--uid", help="an account that is known")
    explain.add_argument(
        "--attribute", action="append", default=[], metavar="NAME=VALUE", help="what an account would have; repeatable"
    )
    add_tenant(explain)


def _things(verbs: Any) -> None:
    tenants = add_group(verbs, "tenants", "tenants: create, list")
    made = add_verb(tenants, "create", "tenants", "create", "make a tenant and print its id")
    made.add_argument("name")
    add_json(made)
    add_json(add_verb(tenants, "list", "tenants", "list_tenants", "every tenant"))
    connectors = add_group(verbs, "connectors", "connectors: list, test")
    add_tenant(add_verb(connectors, "list", "things", "connectors", "every connector and how it is"))
    test = add_verb(connectors, "test", "things", "test_connector", "ask a target whether it answers")
    test.add_argument("name")
    add_tenant(test)
    identities = add_group(verbs, "identities", "identities: import, show, disable")
    imported = add_verb(identities, "import", "things", "import_identities", "import a source now")
    imported.add_argument("connector")
    add_no_wait(imported)
    add_tenant(imported)
    show = add_verb(identities, "show", "things", "show_identity", "one identity with its accounts")
    disable = add_verb(identities, "disable", "things", "disable_identity", "disable every account now")
    disable.add_argument("--reason", default="disabled from the command line", help="for the audit")
    for verb in (show, disable):
        verb.add_argument("who", help="user name, external id or id")
        add_tenant(verb)
    _hooks(add_group(verbs, "hooks", "scripts: validate, test, replay, versions, activate"))
    tokens = add_group(verbs, "tokens", "API tokens: create")
    create = add_verb(tokens, "create", "things", "create_token", "make a token; it is shown once")
    create.add_argument("name")
    create.add_argument("--role", action="append", required=True, help="admin, operator, viewer, ingest, metrics")
    add_tenant(create)
    audit = add_group(verbs, "audit", "the audit: verify")
    add_tenant(add_verb(audit, "verify", "things", "verify_audit", "check the chain of every entry"))


def _hooks(verbs: Any) -> None:
    files = "scripts, or folders with scripts (*.star)"
    validated = add_verb(verbs, "validate", "hooks", "validate", "say what is wrong with scripts, without running them")
    tested = add_verb(verbs, "test", "hooks", "test", "run scripts in the sandbox; exit by the worst that happened")
    tested.add_argument("--function", metavar="F", help="the function to call (the first one that the script has)")
    tested.add_argument("--context", metavar="CTX.json", help="what it is told (a sample person, or the saved cases)")
    known = add_verb(verbs, "versions", "hooks", "versions", "what a version of each script is known by")
    for verb in (validated, tested):
        verb.add_argument("file", nargs="+", metavar="FILE", help=files)
        add_json(verb)
    known.add_argument("file", nargs="*", metavar="FILE", help=files)
    known.add_argument("--hook", metavar="NAME", help="the versions of a hook that is stored, instead")
    add_tenant(known)
    replayed = add_verb(verbs, "replay", "hooks", "replay", "run recorded calls again; tell what is decided otherwise")
    replayed.add_argument("file", metavar="FILE", help="the script")
    replayed.add_argument("--calls", metavar="CALLS.jsonl", help="a call a line: context and answer")
    replayed.add_argument("--against", metavar="FILE", help="compare with this script, not with what was recorded")
    replayed.add_argument("--hook", metavar="NAME", help="the calls that a stored hook was last asked, instead")
    replayed.add_argument("--last", type=count, default=100, metavar="N", help="how many of those (100)")
    add_tenant(replayed)
    active = add_verb(verbs, "activate", "stored_hooks", "activate", "make a file, or a stored version, what runs now")
    active.add_argument("file", nargs="?", metavar="FILE", help="stored as a version of the hook first, its cases run")
    active.add_argument("--hook", metavar="NAME", required=True, help="which hook; made where there is none")
    active.add_argument("--version", type=int, metavar="N", help="a stored version instead, as for going back")
    active.add_argument("--note", help="what this version is for")
    active.add_argument("--force", action="store_true", help="although tests fail")
    add_tenant(active)
    for verb in (validated, tested, known, replayed):
        verb.add_argument(
            "--lib", metavar="DIR", help="where its libraries are: lib/names.star is DIR/names.star (lib)"
        )


def _version() -> str:
    try:
        return version("provisiond")
    except PackageNotFoundError:
        return "(not installed)"
