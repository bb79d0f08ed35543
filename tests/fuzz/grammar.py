"""Starlark as nobody should write it: programs from a grammar that likes the large, the deep and the strange.

The same random numbers make the same program. Most programs can be read; ``damage`` sees to the others.
"""

from collections.abc import Callable
from random import Random

from worker.sandbox import reference

NAMES = ("a", "b", "c", "y", "self", "text", "json", "transform", "helper", "_hidden", "print", "API", "identity")
#: Whatever scripts can call, as the manual has it.
CALLED = tuple(entry["name"] for entry in reference())
HOST = (
    *(name for name in CALLED if "." in name),
    "lookup",
    "coalesce",
    "pick",
    "omit",
    "merge",
    "reject",
    "skip",
    "print",
)
BUILTIN = tuple(name for name in CALLED if "." not in name)
METHODS = (
    "format", "join", "split", "rsplit", "splitlines", "replace", "find", "rfind", "count", "strip", "upper", "lower",
    "title", "elems", "codepoints", "startswith", "partition", "append", "extend", "insert", "pop", "remove", "clear",
    "keys", "values", "items", "get", "update", "setdefault", "popitem", "index", "removeprefix", "isdigit",
    "__class__", "to_json",
)  # fmt: skip
OPERATORS = (
    "+", "-", "*", "//", "/", "%", "<<", ">>", "&", "|", "^", "==", "!=", "<", ">=", "in", "not in", "and", "or",
)  # fmt: skip
NUMBERS = (
    "0", "1", "-1", "7", "255", "65536", "2147483647", "-2147483648", "9223372036854775807", "(1 << 63)", "(1 << 200)",
    "1e308", "1.5", "float('nan')", "float('inf')", "0xffffffffffffffffffff", "10", "100", "1000",
)  # fmt: skip
TEXTS = (
    "''", "'a'", "'abc def'", "'äöüß'", "'\\u202e'", "'\\0'", "'%s%d%r'", "'{}{0}{a}'", "'{0.__class__}'", "'\\n' * 9",
    "'1e999999'", "'[' * 99", "'NaN'", "'2024-02-30'", "'+49 30 123'", "'😀'", "'\\x1b[31m'", "'a' * 1000", "'%' * 99",
    "'9' * 5000", '"""x\ny"""', "r'\\d'", "'cn=a,dc=b'", 'f"{x}{ctx}"',
)  # fmt: skip
FUNCTIONS = ("transform", "transform", "before_create", "before_delete", "after_update", "on_error", "correlate")
LOADED = ("lib/one", "lib/two", "host", "script", "/etc/passwd", "lib/../one")
MANY = ("-", "not ", "(", "[", "x.", "1+", "lambda:", "0 if 0 else ", "{")
#: Each alone is a way to hang, to fill the memory or to fall through the stack.
HEAVY = (
    "max(range(2147483640 + len(str({e}))))",
    "[{n} for a in range(100000) for b in range(100000)]",
    "'a' * (1 << 30)",
    "[{e}] * (1 << 28)",
    "sorted(range(50000000))",
    "int('9' * 1000000)",
    "(7 << 100000) * (7 << 100000)",
    "json.decode('[' * 100000)",
    "list(range(2147483640))",
    "'%s' * 1000000 % tuple([{e}] * 1000000)",
    "text.slug('a' * 10000000)",
)
#: What expressions name, where there is no function around them.
TOP = "x = {'a': 1}\nctx = {'a': [1, 'b']}"
DEEPEST = 5
Maker = Callable[[], str]


class Author:
    """Writes one program after the other from the same random numbers."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._depth = 0

    def script(self) -> str:
        """A whole script; nearly always one that defines something the daemon calls."""
        parts = [TOP, *(self._top() for _ in range(self._rng.randrange(3)))]
        parts.insert(self._rng.randrange(len(parts) + 1), self._def(self._rng.choice(FUNCTIONS), 0))
        return "\n".join(parts) + "\n"

    def library(self) -> str:
        """A script whose ``helper`` others can load."""
        return "\n".join([TOP, *(self._top() for _ in range(self._rng.randrange(2))), self._def("helper", 0)]) + "\n"

    def expression(self) -> str:
        """An expression; at the top it is one of a mapping's."""
        rng = self._rng
        self._depth += 1
        try:
            if self._depth > DEEPEST or rng.random() < 0.35:
                leaves = (rng.choice(NUMBERS), rng.choice(TEXTS), "x", "x", "ctx", "ctx['a']", "None", "True")
                return rng.choice(NAMES) if rng.random() < 0.002 else rng.choice(leaves)
            if rng.random() < 0.01:
                return rng.choice(HEAVY).replace("{e}", self.expression()).replace("{n}", rng.choice(NUMBERS))
            return rng.choice(self._makers())()
        finally:
            self._depth -= 1

    def _top(self) -> str:
        rng = self._rng
        makers: tuple[Maker, ...] = (
            lambda: f"{rng.choice('abc')} = {rng.choice((*NUMBERS, *TEXTS[:-1]))}",
            lambda: f"{rng.choice(NAMES)} = {self.expression()}",
            lambda: self._def(rng.choice("abc"), 0),
            lambda: self._def(rng.choice("abc"), 0),
            lambda: f'"""{rng.choice(NAMES)}"""',
            lambda: f"def {rng.choice('abc')}(ctx, x = 1): return {self.expression()}",
            lambda: f"def {rng.choice(NAMES)}({self._parameters()}): return {self.expression()}",
            lambda: rng.choice((f'load("{rng.choice(LOADED)}", "helper")', f"API = {rng.choice(NUMBERS)}")),
        )
        return rng.choice(makers)()

    def _def(self, name: str, indent: int) -> str:
        parameters = "ctx" if self._rng.random() < 0.95 else self._parameters()
        first = " " * (indent + 2) + "x = ctx\n"
        return " " * indent + f"def {name}({parameters}):\n{first}{self._block(indent + 2)}"

    def _parameters(self) -> str:
        kinds: tuple[str, ...] = ("a", "x", "b = 1", "c = None", "*args", "**kwargs")
        if self._rng.random() < 0.05:
            kinds = ("*", "/", "c: int", "a", "*args", "a", "d: list[str] = []")
        picked = self._rng.sample(range(len(kinds)), self._rng.randrange(4))
        return ", ".join(kinds[place] for place in sorted(picked))

    def _block(self, indent: int) -> str:
        lines = [self._statement(indent) for _ in range(self._rng.randrange(4))]
        return "\n".join([*lines, " " * indent + f"return {self._answer()}"])

    def _answer(self) -> str:
        make = self.expression
        return self._rng.choice(
            (
                "None",
                "x",
                make(),
                f"{{'set': {{'a': {make()}}}}}",
                f"{{'set': {make()}, 'unset': {make()}, 'tags': {make()}}}",
                f"reject(str({make()}))",
                f"skip({make()})",
                f"{{'unique': {{'uid': {make()}}}}}",
                f"struct(_outcome = {make()}, reason = {make()})",
            )
        )

    def _statement(self, indent: int) -> str:
        rng, space, make = self._rng, " " * indent, self.expression
        self._depth += 1
        try:
            if self._depth > DEEPEST:
                return space + "pass"
            makers: tuple[Maker, ...] = (
                lambda: f"{space}{rng.choice('abcx')} = {make()}",
                lambda: f"{space}x = {make()}",
                lambda: f"{space}x {rng.choice(('+=', '-=', '*=', '|=', '//=', '%=', '<<='))} {make()}",
                lambda: f"{space}for {rng.choice('abc')} in {self._iterable()}:\n{self._body(indent + 2)}",
                lambda: self._if(indent),
                lambda: f"{space}x[{make()}] = {make()}",
                lambda: f"{space}x.{rng.choice(METHODS)}({make()})",
                lambda: self._def(rng.choice("abc"), indent),
                lambda: f"{space}print({make()})",
                lambda: f"{space}x = [x, x]",
            )
            return rng.choice(makers)()
        finally:
            self._depth -= 1

    def _if(self, indent: int) -> str:
        space = " " * indent
        yes, no = self._body(indent + 2), self._body(indent + 2)
        return f"{space}if {self.expression()}:\n{yes}\n{space}else:\n{no}"

    def _body(self, indent: int) -> str:
        return self._statement(indent) if self._rng.random() < 0.7 else " " * indent + "return x"

    def _iterable(self) -> str:
        sizes = ("3", "3", "3", "100", "1000", "100000", "2000000000")
        some = f"range({self._rng.choice(sizes)})"
        return self._rng.choice((some, "[1, 2]", "ctx", "'abc'.elems()", self.expression()))

    def _makers(self) -> tuple[Maker, ...]:
        rng, make = self._rng, self.expression
        return (
            lambda: f"({make()} {rng.choice(OPERATORS)} {make()})",
            lambda: f"({make()} == {make()})",
            lambda: f"{rng.choice(('-', 'not ', '~', '+'))}({make()})",
            lambda: f"{rng.choice(HOST)}({self._arguments()})",
            lambda: f"{rng.choice(HOST)}(str({make()}))",
            lambda: f"{rng.choice(BUILTIN)}({self._arguments()})",
            lambda: f"{rng.choice(BUILTIN)}({make()})",
            lambda: f"({make()}).{rng.choice(METHODS)}({self._arguments()})",
            lambda: f"str({make()}).{rng.choice(METHODS)}(str({make()}))",
            lambda: f"({make()})[{make()}]",
            lambda: f"str({make()})[{make()}:{make()}]",
            lambda: f"[{make()}, {make()}]",
            lambda: f"({make()}, {make()})",
            lambda: f"{{{make()}: {make()}, 'a': {make()}}}",
            lambda: f"{{'a': {make()}, 'b': {make()}}}",
            lambda: f"[{make()} for {rng.choice('abx')} in {self._iterable()} if {make()}]",
            lambda: f"{{str({make()}): {make()} for a in {self._iterable()}}}",
            lambda: f"({make()} if {make()} else {make()})",
            lambda: f"(lambda {self._parameters()}: {make()})",
            lambda: f"(lambda x: {make()})({make()})",
        )

    def _arguments(self) -> str:
        rng = self._rng
        given = [self.expression() for _ in range(rng.randrange(4))]
        if given and rng.random() < 0.15:
            given[-1] = rng.choice(("a = ", "*", "**", "key = ", "sep = ", "length = ")) + given[-1]
        return ", ".join(given)


def damage(source: str, rng: Random) -> str:
    """The source with something missing, doubled, moved, repeated up to the largest size or strange in it."""
    at, end = sorted((rng.randrange(len(source) + 1), rng.randrange(len(source) + 1)))
    before, piece, after = source[:at], source[at:end], source[end:]
    kinds: tuple[Maker, ...] = (
        lambda: before + after,
        lambda: before + piece * 2 + after,
        lambda: before + piece[:20] * rng.choice((10, 1000, 3000)) + after,
        lambda: before + rng.choice("([{\"'-~\\\t\0;:@#\ufeff\u202e\U0001f600\ud800") + piece + after,
        lambda: before + rng.choice(MANY) * rng.choice((300, 4500)) + piece + after,
        lambda: piece,
        lambda: source.replace(" ", rng.choice(("\t", "  ", "\r", "")), rng.randrange(1, 9)),
        lambda: source + "#" * 70000,
    )
    return rng.choice(kinds)()
