"""What an attack is, and what it may end in.

An expectation is a set of classes, because which limit bites first depends on the machine: where memory is slow, a
memory bomb is late instead. ``FINE`` says that the script may also end well.
"""

from dataclasses import dataclass, field
from typing import Any

FINE = "fine"
LATE = frozenset({"hook.deadline", "hook.timeout"})
HEAVY = LATE | {"hook.memory", "hook.crash", "hook.limit"}
SCRIPT = frozenset({"hook.script"})
RESULT = frozenset({"hook.result"})
SYNTAX = frozenset({"hook.syntax"})
COMPILE = frozenset({"hook.compile"})
LIMIT = frozenset({"hook.limit"})
#: Whatever happens, it happens inside.
CONTAINED = HEAVY | SCRIPT | RESULT | SYNTAX | COMPILE | {"hook.fail", FINE}
DEEP = CONTAINED


@dataclass(frozen=True, slots=True)
class Attack:
    """A script, its libraries as (name, source), and what one of its functions is told; or one expression."""

    name: str
    source: str
    ends: frozenset[str]
    context: dict[str, Any] = field(default_factory=dict)
    function: str = "transform"
    libraries: tuple[tuple[str, str], ...] = ()
    is_expression: bool = False


def body(name: str, text: str, ends: frozenset[str], *, function: str = "transform", **context: Any) -> Attack:
    """The statements of a function, one per line."""
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    return Attack(name, f"def {function}(ctx):\n{lines}", ends, context, function=function)


def value(name: str, text: str, ends: frozenset[str]) -> Attack:
    """What a ``transform`` returns."""
    return body(name, f"return {text}", ends)


def expression(name: str, text: str, ends: frozenset[str]) -> Attack:
    """An expression of a mapping."""
    return Attack(name, text, ends, is_expression=True)


def values(ends: frozenset[str], /, **texts: str) -> tuple[Attack, ...]:
    """Many of one kind: name (underscores are spaces) and what ``transform`` returns."""
    return tuple(value(name.replace("_", " ").strip(), text, ends) for name, text in texts.items())
