"""Findings as files: CSV that no spreadsheet takes for formulas, and JSON Lines. One finding in, one line out: pure."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

#: What makes a spreadsheet compute a cell, in the forms that it takes for the same.
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
#: Before these a spreadsheet may look for the first sign.
_IGNORED = " \u00a0\u200b\u200c\u200d\u2060\ufeff"

COLUMNS = (
    "id",
    "discrepancy_type",
    "resolution_status",
    "external_uid",
    "identity_id",
    "account_id",
    "attribute_name",
    "expected_value",
    "actual_value",
    "attributes",
    "explanation",
    "suggested_action",
    "suggested_direction",
    "resolved_action",
    "resolved_at",
    "resolved_by",
    "ignored_reason",
    "ignored_until",
    "first_seen_at",
    "last_seen_at",
    "occurrences",
    "run_id",
)


def csv_header() -> str:
    """The first line: the names of the columns."""
    return _csv_line(COLUMNS)


def csv_line(row: Mapping[str, Any]) -> str:
    """One finding as a line of cells in the order of ``COLUMNS``, each quoted, none of which is a formula."""
    return _csv_line([safe_cell(row.get(name)) for name in COLUMNS])


def json_line(row: Mapping[str, Any]) -> str:
    """One finding as a JSON object on a line."""
    return json.dumps({name: row.get(name) for name in COLUMNS}, ensure_ascii=False, default=str) + "\n"


def safe_cell(value: Any) -> str:
    """A value as a cell: numbers, flags and times as they are, texts never such that a spreadsheet computes them.

    A text that it could take for a formula gets a ' before it; lists and objects are JSON.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    text = str(value)
    first = text.lstrip(_IGNORED)[:1]
    return f"'{text}" if first in _FORMULA and first else text


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue()
