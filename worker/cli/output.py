"""How verbs speak: tables and facts for people, JSON for machines, a spinner where something takes long."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Where nobody looks at a terminal lines are not broken, so that they can be searched.
WIDE = 10_000


def _console(*, stderr: bool = False) -> Console:
    """Text is shown as it is, wherever it came from: ``[x]`` is no markup, ``:x:`` no picture."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDE
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


console = _console()
errors = _console(stderr=True)


def say(sentence: str) -> None:
    """A sentence as it is, never broken by us."""
    console.print(sentence, soft_wrap=True)


def complain(sentence: str) -> None:
    """The same on standard error."""
    errors.print(sentence, soft_wrap=True)


def show(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool, empty: str) -> None:
    """Rows as a table with these columns, or as JSON with all they hold."""
    if as_json:
        say_json([dict(row) for row in rows])
    elif rows:
        table(rows, columns)
    else:
        say(empty)


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Rows as a table; ``columns`` are headings by name, the most important first: a narrow terminal shows fewer."""
    cells = {heading: [cell(row[name]) for row in rows] for name, heading in columns.items()}
    widths = [max(map(cell_len, [heading, *texts])) for heading, texts in cells.items()]
    made = Table(box=None, header_style="bold", pad_edge=False)
    shown = [list(cells)[place] for place in fitting(widths, room=console.width)]
    for heading in shown:
        made.add_column(heading, overflow="fold")
    for row in zip(*(cells[heading] for heading in shown), strict=True):
        made.add_row(*row)
    console.print(made)


def fitting(widths: Sequence[int], *, room: int, gap: int = 2) -> list[int]:
    """The places of the columns that are shown whole side by side, the first one in any case."""
    kept: list[int] = []
    used = 0
    for place, width in enumerate(widths):
        wanted = width + (gap if kept else 0)
        if not kept or used + wanted <= room:
            kept.append(place)
            used += wanted
    return kept


def facts(row: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing, a line a fact; people are spared what has no value."""
    if as_json:
        say_json(dict(row))
        return
    told = {name: value for name, value in row.items() if value not in (None, "", {}, [])}
    width = max(map(len, told), default=0)
    for name, value in told.items():
        for number, line in enumerate(_lines(value)):
            label = name.replace("_", " ").ljust(width) if number == 0 else " " * width
            console.print(f"{label}  ", style="bold", end="")
            say(line)


def say_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False, indent=2))
    sys.stdout.write("\n")


def cell(value: Any) -> str:
    """A value in a few words."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
        case date():
            return value.isoformat()
        case dict() | list():
            return json.dumps(value, default=str, ensure_ascii=False)
        case _:
            return str(value)


def _lines(value: Any) -> list[str]:
    """A value that holds others takes a line for each."""
    if isinstance(value, dict):
        width = max(len(str(name)) for name in value)
        return [f"{str(name).ljust(width)}  {cell(each)}" for name, each in value.items()]
    if isinstance(value, list):
        return [cell(each) for each in value]
    return [cell(value)]


class Progress:
    """What takes long, in sentences: a spinner on a terminal; elsewhere lines, or nothing when ``is_quiet``."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._is_quiet = is_quiet
        self._status = errors.status("Starting …") if errors.is_terminal else None
        if self._status is not None:
            self._status.start()

    def say(self, sentence: str) -> None:
        """Say what is being done now."""
        if self._status is not None:
            self._status.update(Text(sentence))
        elif not self._is_quiet:
            say(sentence)

    def end(self) -> None:
        """Nothing takes long any more."""
        if self._status is not None:
            self._status.stop()
            self._status = None
