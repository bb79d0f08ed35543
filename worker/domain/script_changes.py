"""The difference between two versions of a script, as people read it. Pure."""

import difflib
from itertools import takewhile

#: Beyond so many differing lines on both sides together, all of the old go and all of the new come.
MAX_COMPARED = 1000
CONTEXT = 3


def unified(before: str, after: str, *, names: tuple[str, str]) -> str:
    """A unified diff; empty when nothing differs. Its cost is bounded: what differs widely is shown as replaced."""
    old, new = before.splitlines(), after.splitlines()
    head = sum(1 for _ in takewhile(_same, zip(old, new, strict=False)))
    rest_old, rest_new = old[head:], new[head:]
    tail = sum(1 for _ in takewhile(_same, zip(reversed(rest_old), reversed(rest_new), strict=False)))
    middle_old, middle_new = rest_old[: len(rest_old) - tail], rest_new[: len(rest_new) - tail]
    if len(middle_old) + len(middle_new) <= MAX_COMPARED:
        return "\n".join(difflib.unified_diff(old, new, *names, lineterm="", n=CONTEXT))
    lines = [
        f"--- {names[0]}",
        f"+++ {names[1]}",
        f"@@ {_span(head, middle_old, '-')} {_span(head, middle_new, '+')} @@",
    ]
    return "\n".join([*lines, *(f"-{line}" for line in middle_old), *(f"+{line}" for line in middle_new)])


def _same(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def _span(head: int, lines: list[str], sign: str) -> str:
    return f"{sign}{head + 1 if lines else head},{len(lines)}"
