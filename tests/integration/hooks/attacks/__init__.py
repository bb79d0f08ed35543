"""Scripts that try to hang, exhaust, crash, deceive or leave the sandbox, by how they try, and what each may end in."""

from tests.integration.hooks.attacks import answering, calling, escaping, filling, nesting, running
from tests.integration.hooks.attacks.shape import FINE, Attack

CLASSES: dict[str, tuple[Attack, ...]] = {
    "loops": running.LOOPS,
    "one native call": running.NATIVE,
    "elsewhere": running.ELSEWHERE,
    "graphs": running.GRAPHS,
    "quadratic": running.QUADRATIC,
    "memory": filling.MEMORY + filling.MORE_MEMORY,
    "depth": nesting.DEPTH,
    "parser": nesting.PARSER + nesting.PARSER_MORE,
    "answers": answering.RESULTS + answering.STRANGE,
    "texts and logs": answering.TEXTS + answering.BOUNDED,
    "isolation": escaping.ESCAPES + escaping.UNKNOWN + escaping.REACHING,
    "host functions": calling.HOST + calling.SLOW,
    "arithmetic": calling.ARITHMETIC + calling.FLOATS,
    "expressions": calling.EXPRESSIONS,
}
ATTACKS = tuple(attack for attacks in CLASSES.values() for attack in attacks)

__all__ = ["ATTACKS", "CLASSES", "FINE", "Attack"]
