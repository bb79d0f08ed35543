"""Scripts that try to hang, exhaust, crash, deceive or leave the sandbox, and what each may end in.

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
    name: str
    source: str
    ends: frozenset[str]
    context: dict[str, Any] = field(default_factory=dict)


def body(name: str, text: str, ends: frozenset[str], **context: Any) -> Attack:
    """The statements of a ``transform``, one per line."""
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    return Attack(name, f"def transform(ctx):\n{lines}", ends, context)


def value(name: str, text: str, ends: frozenset[str]) -> Attack:
    return body(name, f"return {text}", ends)


LOOPS = (
    body("range loop", "for i in range(2000000000):\n    pass", LATE),
    body("nested loops", "for i in range(100000):\n    for j in range(100000):\n        pass", LATE),
    value("comprehension", "len([i for i in range(100000) for j in range(100000) if False])", HEAVY),
    Attack(
        "exponential calls",
        "def f(n):\n    return f(n - 1) + f(n - 1) if n else 1\ndef transform(ctx):\n    return f(40)\n",
        HEAVY,
    ),
    value("sort key", "sorted(range(1000000), key=lambda x: [y for y in range(1000)])", HEAVY),
    body("growing dict while looping", "d = {}\nfor i in range(2000000000):\n    d[i % 10] = i", HEAVY),
    body("host function in a loop", "for i in range(2000000000):\n    text.slug('abc')", HEAVY),
    body("map and filter", "for x in filter(lambda v: v < 0, range(2000000000)):\n    pass", HEAVY),
    body("print for ever", "for i in range(2000000000):\n    print(i)", HEAVY),
    body("string building", "s = ''\nfor i in range(2000000000):\n    s = (s + 'a')[-100:]", HEAVY),
)

NATIVE = (
    value("max of a range", "max(range(2147483640 + len(ctx)))", LATE),
    value("min of a range", "min(range(2147483640 + len(ctx)))", LATE),
    value("all of a range", "all(range(1, 2147483640 + len(ctx)))", LATE),
    value("sorted range", "sorted(range(2147483640 + len(ctx)))[0]", HEAVY),
    value("list of a range", "list(range(2147483640 + len(ctx)))[0]", HEAVY),
    value("zip of ranges", "zip(range(2147483640 + len(ctx)), range(2147483640))[0]", HEAVY),
    value("enumerate", "enumerate(range(2147483640 + len(ctx)))[0]", HEAVY),
    body("squaring a number", "x = 7 + len(ctx)\nfor i in range(40):\n    x = x * x\nreturn x % 10", HEAVY),
    value("parsing a long number", "int('9' * (1000000 + len(ctx))) % 10", HEAVY | {FINE}),
    value("a number as text", "len(str(1 << (1000000 + len(ctx))))", HEAVY | SCRIPT | {FINE}),
    value("shift", "(1 << (100000 + len(ctx))) << 2000000000", HEAVY | SCRIPT),
    body("in a long list", "x = list(range(400000))\nfor i in range(100000):\n    y = -1 in x", LATE | HEAVY),
    body(
        "find in a long text", "s = 'a' * 1000000\nfor i in range(10000):\n    y = s.find('a' * 1500000 + 'b')", HEAVY
    ),
    body("replace", "s = 'a' * 1000\nfor i in range(10):\n    s = s.replace('a', 'aaaaaaaaaa')", HEAVY),
    body("splitlines", "s = '\\n' * 1000000\nfor i in range(1000):\n    y = len(s.splitlines())", HEAVY),
    body("index in a text that is not ASCII", "s = 'é' * 500000\nfor i in range(100000):\n    y = s[400000]", HEAVY),
    body("colliding hashes", "d = {}\nfor i in range(200000):\n    d[(1 << 200) + i] = i", HEAVY),
    value("format", "('%s' * (1000000 + len(ctx))) % tuple(['x' * 100] * (1000000 + len(ctx)))", HEAVY | SCRIPT),
    value("reversed range", "reversed(range(2147483640 + len(ctx)))[0]", HEAVY),
    value("json decode of many brackets", "json.decode('[' * 1000000)", CONTAINED),
    value("json decode of a huge exponent", "json.decode('1e99999' + str(len(ctx)))", CONTAINED),
    value("json decode of many digits", "json.decode('9' * 1000000) % 10", CONTAINED),
)

MEMORY = (
    body("doubling text", "x = 'a' * (1 << 20)\nfor i in range(20):\n    x += x", HEAVY),
    body("doubling list", "x = [0] * 1000\nfor i in range(30):\n    x += x", HEAVY),
    value("a long text", "len('a' * (4000000000 + len(ctx)))", HEAVY | SCRIPT),
    value("a long list", "len([0] * (2000000000 + len(ctx)))", HEAVY | SCRIPT),
    value("join", "len(('x' * 1000000).join(['y'] * 1000))", HEAVY),
    value("repr of a large value", "len(repr(['x' * 100000] * 10000))", HEAVY),
    value("json of a large value", "len(json.encode(['x' * 100000] * 10000))", HEAVY),
    value("format of a wide text", "len('{0}{0}{0}{0}{0}{0}{0}{0}'.format('x' * (20000000 + len(ctx))))", HEAVY),
    body("dict", "d = {}\nfor i in range(50000000):\n    d[i] = str(i)", HEAVY),
    body("structs", "x = []\nfor i in range(50000000):\n    x.append(struct(a=i, b=[i]))", HEAVY),
    body("closures", "x = []\nfor i in range(50000000):\n    x.append(lambda y=i: y)", HEAVY),
    body("lists of lists", "x = []\nfor i in range(50000000):\n    x.append([[], []])", HEAVY),
    Attack("folded constant", "X = 'a' * 1000000000\ndef transform(ctx):\n    return None\n", HEAVY | COMPILE),
    body("folded constant in dead code", "if False:\n    x = 'a' * 1000000000\nreturn None", HEAVY | COMPILE | {FINE}),
    value("host function with a large text", "text.slug('a' * (30000000 + len(ctx)))", HEAVY | SCRIPT),
    value("host function with a large list", "dn.build([['cn', 'a']] * 1000000)", HEAVY | SCRIPT),
    body("large print", "print('a' * (30000000 + len(ctx)))", HEAVY | {FINE}),
)

DEPTH = (
    body("repr of deep data", "x = []\nfor i in range(100000):\n    x = [x]\nreturn len(repr(x))", DEEP),
    body("json of deep data", "x = []\nfor i in range(100000):\n    x = [x]\nreturn len(json.encode(x))", DEEP),
    body("deep result", "x = []\nfor i in range(100000):\n    x = [x]\nreturn x", RESULT | HEAVY),
    body("deep print", "x = []\nfor i in range(100000):\n    x = [x]\nprint(x)", DEEP),
    body("deep fail", "x = []\nfor i in range(100000):\n    x = [x]\nfail(x)", DEEP),
    body("deep comparison", "x = []\ny = []\nfor i in range(100000):\n    x = [x]\n    y = [y]\nreturn x == y", DEEP),
    body("hash of a deep tuple", "x = ()\nfor i in range(100000):\n    x = (x,)\nreturn len({x: 1})", DEEP),
    body("graph of 2^60 nodes", "x = [1]\nfor i in range(60):\n    x = [x, x]\nreturn x", RESULT | HEAVY),
    body("wide graph within the depth", "x = [1]\nfor i in range(15):\n    x = [x] * 10\nreturn x", HEAVY),
    body("cycle", "x = []\nx.append(x)\nreturn x", RESULT),
    body("cycle printed", "x = []\nx.append(x)\nprint(x)\nreturn None", frozenset({FINE})),
    body("cycle encoded", "x = []\nx.append(x)\nreturn json.encode(x)", SCRIPT | HEAVY),
    Attack("recursion", "def f(x):\n    return f(x)\ndef transform(ctx):\n    return f(1)\n", SCRIPT),
    Attack("recursion of two", "def f(x): return g(x)\ndef g(x): return f(x)\ndef transform(c): return f(1)\n", SCRIPT),
    Attack(
        "deep global", "def deep():\n    x = []\n    for i in range(100000):\n        x = [x]\n    return x\n"
        "X = deep()\ndef transform(ctx):\n    return None\n", DEEP,
    ),
)  # fmt: skip

PARSER = (
    Attack("brackets", "x = " + "[" * 60000, SYNTAX | HEAVY),
    Attack("closed brackets", "x = " + "[" * 30000 + "]" * 30000, CONTAINED),
    Attack("parentheses", "x = " + "(" * 30000 + "1" + ")" * 30000, CONTAINED),
    Attack("minus signs", "x = " + "-" * 60000 + "1", CONTAINED),
    Attack("not", "x = " + "not " * 15000 + "1", CONTAINED),
    Attack("sum", "x = 1" + " + 1" * 15000, CONTAINED),
    Attack("and", "x = 1" + " and 1" * 10000, CONTAINED),
    Attack("attributes", "x = a" + ".a" * 30000, CONTAINED),
    Attack("calls", "x = len" + "()" * 30000, CONTAINED),
    Attack("indexes", "x = 'a'" + "[0]" * 20000, CONTAINED),
    Attack("conditions", "x = " + "1 if 0 else " * 5000 + "1", CONTAINED),
    Attack("lambdas", "x = " + "lambda: " * 8000 + "1", CONTAINED),
    Attack("elif", "def transform(ctx):\n    if 0:\n        pass\n" + "    elif 0:\n        pass\n" * 2500, CONTAINED),
    Attack("indents", "def f():\n" + "".join(" " * n + "if 1:\n" for n in range(1, 99)) + " " * 99 + "pass", CONTAINED),
    Attack("comprehensions", "x = " + "[0 for a in " * 5000 + "[]" + "]" * 5000, CONTAINED),
    Attack("many lines", "x = 1\n" * 10000, CONTAINED),
    Attack("one long token", "x = '" + "a" * 65000 + "'", CONTAINED),
    Attack("annotations", "def f(a: " + "list[" * 12000 + "int" + "]" * 12000 + "):\n    pass\n", CONTAINED),
    Attack("too large", "#" * 70000, LIMIT),
    Attack("nul", "x = 1\x00\n", SYNTAX),
    Attack("half a character", "x = '\ud800'\n", SYNTAX),
    Attack("half a character escaped", "x = '\\ud800'\n", SYNTAX),
)  # fmt: skip

RESULTS = (
    value("nan", "{'a': float('nan')}", RESULT),
    value("infinity", "{'a': float('inf')}", RESULT),
    value("minus infinity", "{'a': [float('-inf')]}", RESULT),
    value("none for an attribute", "{'a': None}", RESULT),
    value("function", "{'a': len}", RESULT),
    value("range", "{'a': range(3)}", RESULT),
    value("numbers as keys", "{1: 2}", RESULT),
    value("tuple as key", "{('a', 'b'): 2}", RESULT),
    value("a number of 30000 digits", "{'a': 1 << 100000}", RESULT),
    value("a text of 100 MB", "{'a': 'x' * 100000000}", LIMIT | HEAVY),
    value("ten million items", "{'a': [1] * 5000000}", LIMIT | HEAVY),
    value("a text with a nul", "{'a': '\\0'}", RESULT),
    value("a struct that looks like a rejection", "struct(_outcome='crash', reason='x')", RESULT | SCRIPT),
    value("a rejection without a text", "reject(None)", RESULT),
    value("a rejection of a large text", "reject('x' * 2000000)", RESULT),
    value("a frame", "'\\n{\"id\": 2}\\n'", RESULT),
)

TEXTS = (
    value("a long failure", "fail('a' * 20000000)", frozenset({"hook.fail"}) | HEAVY),
    value("control characters in a failure", "fail('\\x1b[2J\\r\\n\\u202e')", frozenset({"hook.fail"})),
    value("a failure that looks like a deadline", "fail('\\nerror: Evaluation cancelled')", frozenset({"hook.fail"})),
    value("a failure that looks like a place", "fail('\\n --> script:999999999:1\\n')", frozenset({"hook.fail"})),
    body("print flood", "for i in range(100000):\n    print('\\x1b[31m' * 10000)", HEAVY | {FINE}),
    value("missing key of a large dict", "{'a%d' % i: i for i in range(10000)}['b']", SCRIPT),
)

ESCAPES = (
    value("open", "open('/etc/passwd')", COMPILE),
    value("eval", "eval('1')", COMPILE),
    value("import", "__import__('os')", COMPILE),
    value("class of a text", "''.__class__", SCRIPT | COMPILE),
    value("insides of a host function", "text.slug.__globals__", SCRIPT | COMPILE),
    value("attributes of a host function", "dir(text.slug)", frozenset({FINE}) | RESULT),
    value("our own functions", "_refuse('hook.busy', 'x')", COMPILE),
    value("our own printer", "_log('x')", COMPILE),
    value("the wrapper's names", "finish(1)", COMPILE),
    Attack("load of a file", "load('/etc/passwd', 'x')\n", COMPILE),
    Attack("load of a name of ours", "load('host', 'finish')\ndef transform(ctx):\n    return finish(1)\n", COMPILE),
    Attack("import statement", "import os\n", SYNTAX),
    Attack("while", "def transform(ctx):\n    while True:\n        pass\n", SYNTAX),
    Attack("state between calls", "seen = []\ndef transform(ctx):\n    seen.append(1)\n", SCRIPT),
    Attack("name replaced", "def print(*a): return None\ndef transform(ctx): return print(1)\n", frozenset({FINE})),
    value("a pattern that asks for everything", "username.candidates('{__class__}', {})", SCRIPT),
    value("a format that asks for insides", "'{0.__class__}'.format(text)", SCRIPT),
)  # fmt: skip

ATTACKS = (*LOOPS, *NATIVE, *MEMORY, *DEPTH, *PARSER, *RESULTS, *TEXTS, *ESCAPES)
