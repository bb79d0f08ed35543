"""How verbs speak: a table on a terminal, JSON for machines."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

console = Console()
errors = Console(stderr=True)


def show(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Rows as a table with these columns, or as JSON with all they hold."""
    if as_json:
        say_json([dict(row) for row in rows])
        return
    if not rows:
        console.print(empty)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    console.print(table)


def facts(row: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing, a line a fact."""
    if as_json:
        say_json(dict(row))
        return
    width = max(map(len, row), default=0)
    for name, value in row.items():
        console.print(f"[bold]{name.replace('_', ' ').ljust(width)}[/]  ", end="")
        console.print(_cell(value), markup=False, highlight=False)


def say_json(value: Any) -> None:
    """JSON on one line a value, on standard output."""
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False, indent=None if isinstance(value, list) else 2))
    sys.stdout.write("\n")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if hasattr(value, "isoformat"):
        return str(value.isoformat(sep=" ", timespec="seconds"))
    if isinstance(value, dict | list):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
