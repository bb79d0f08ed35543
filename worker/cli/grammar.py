"""What every verb's grammar is made of: verbs, groups, lists, and the options that many have."""

import argparse
from typing import Any

MOST_ROWS = 1000
LAST_PORT = 65_535
MOST_SECONDS = 31_536_000


def add_verb(verbs: Any, name: str, module: str, function: str, help_text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=help_text, description=help_text)
    parser.set_defaults(module=module, verb=function)
    return parser


def add_group(verbs: Any, name: str, help_text: str) -> Any:
    return verbs.add_parser(name, help=help_text).add_subparsers(metavar="VERB", required=True)


def add_list(verbs: Any, name: str, module: str, function: str, help_text: str) -> argparse.ArgumentParser:
    parser = add_verb(verbs, name, module, function, help_text)
    parser.add_argument("--limit", type=count, default=20, help="how many at most (20)")
    add_tenant(parser)
    return parser


def count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_ROWS:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {MOST_ROWS}")
    return int(text)


def seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"must be seconds from 0 to {MOST_SECONDS}")
    return found


def port(text: str) -> int:
    if not text.isdecimal() or int(text) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {LAST_PORT}")
    return int(text)


def add_no_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-wait", action="store_true", help="do not wait for its end")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for machines: JSON")


def add_tenant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenant", help="the name of the tenant, where there is more than one")
    add_json(parser)
