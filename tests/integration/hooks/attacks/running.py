"""Scripts that never end: in loops, and in one call of something native."""

from tests.integration.hooks.attacks.shape import CONTAINED, FINE, HEAVY, LATE, RESULT, SCRIPT, Attack, body, value

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

SPIN = "def spin():\n    for i in range(2000000000):\n        pass\n"
#: Not in the function that is called, but on the way to it, or elsewhere.
ELSEWHERE = (
    Attack("loop while the script is built", SPIN + "X = spin()\ndef transform(ctx):\n    return None\n", HEAVY),
    Attack("loop in a default", SPIN + "def transform(ctx, x = spin()):\n    return None\n", HEAVY),
    Attack("native call while the script is built", "X = max(range(2147483647))\ndef transform(c): pass\n", LATE),
    Attack(
        "loop in a library", 'load("lib/one", "spin")\ndef transform(ctx):\n    return spin()\n', LATE,
        libraries=(("one", SPIN),),
    ),
    Attack(
        "loop while a library is built", 'load("lib/one", "X")\ndef transform(ctx):\n    return X\n', HEAVY,
        libraries=(("one", SPIN + "X = spin()\n"),),
    ),
    Attack(
        "loop while each of many libraries is built", "def transform(ctx):\n    return None\n", HEAVY,
        libraries=tuple((f"l{n}", f"X = [0 for a in range({9000 + n}) for b in range(1000)]\n") for n in range(10)),
    ),
    body("loop in a correlation", "for i in range(2000000000):\n    pass", LATE, function="correlate"),
    body("loop in on_error", "for i in range(2000000000):\n    pass", LATE, function="on_error"),
    body("native call after a change", "return max(range(2147483640 + len(ctx)))", LATE, function="after_create"),
    Attack(
        "loop over calls of itself",
        "def f(n):\n    return [f(n - 1) for i in range(9)] if n else 1\ndef transform(ctx):\n    return f(40)\n",
        HEAVY,
    ),
    body("lambda in a loop", "for i in range(2000000000):\n    (lambda x: x)(i)", HEAVY),
    body("many caught by a key", "x = sorted(range(3000000), key=lambda x: -x)\nreturn len(x)", HEAVY | {FINE}),
)  # fmt: skip

#: One native call each that looks at 2^n nodes of a graph of n.
GRAPH = "x = [1]\nfor i in range(60):\n    x = [x, x]\n"
OTHER = "y = [1]\nfor i in range(60):\n    y = [y, y]\n"
TUPLES = "x = (1,)\nfor i in range(60):\n    x = (x, x)\n"
GRAPHS = (
    body("comparison of graphs", f"{GRAPH}{OTHER}return x == y", HEAVY | SCRIPT),
    body("order of graphs", f"{GRAPH}{OTHER}return x < y", HEAVY | SCRIPT),
    body("graph among others", f"{GRAPH}{OTHER}return y in [x, x]", HEAVY | SCRIPT),
    body("text of a graph", f"{GRAPH}return len(str(x))", HEAVY | SCRIPT),
    body("print of a graph", f"{GRAPH}print(x)", HEAVY | SCRIPT),
    body("failure with a graph", f"{GRAPH}fail(x)", HEAVY | SCRIPT | {"hook.fail"}),
    body("json of a graph", f"{GRAPH}return len(json.encode(x))", HEAVY | SCRIPT),
    body("hash of a graph", f"{TUPLES}return len({{x: 1}})", HEAVY | SCRIPT),
    body("format of a graph", f"{GRAPH}return len('{{}}'.format(x))", HEAVY | SCRIPT),
    body("graph for a host function", f"{GRAPH}return text.slug(x)", HEAVY | SCRIPT),
    body("graph in a reason", f"{GRAPH}return reject(x)", RESULT | HEAVY),
)

QUADRATIC = (
    body("count in a long text", "s = 'a' * 4000000\nfor i in range(100000):\n    y = s.count('ab')", HEAVY),
    body("split of a long text", "s = 'a,' * 500000\nfor i in range(100000):\n    y = len(s.split(','))", HEAVY),
    body("reversed list", "x = list(range(400000))\nfor i in range(100000):\n    y = reversed(x)", HEAVY),
    body("insert in front", "x = list(range(400000))\nfor i in range(1000000):\n    x.insert(0, i)", HEAVY),
    body("remove from the front", "x = list(range(400000))\nfor i in range(400000):\n    x.pop(0)", HEAVY | {FINE}),
    body("division of large numbers", "x = 1 << 100000\nfor i in range(100000):\n    y = x // 7", HEAVY),
    body("large number as text again and again", "x = 1 << 8000\nfor i in range(1000000):\n    y = str(x)", HEAVY),
    value("a float of many digits", "float('9' * (1000000 + len(ctx)))", HEAVY | SCRIPT | RESULT | {FINE}),
    body("title of a long text", "s = 'ab ' * 500000\nfor i in range(10000):\n    y = s.title()", HEAVY),
    body("letters of a long text", "s = 'a' * 1000000\nfor i in range(10000):\n    y = len(list(s.elems()))", HEAVY),
    body("colliding numbers in a comprehension", "return len({(1 << 200) + i: i for i in range(300000)})", HEAVY),
    body("colliding tuples", "d = {}\nfor i in range(200000):\n    d[((1 << 200) + i,)] = i", HEAVY),
    body("any of a range", "return any([x > 2147483646 for x in range(2147483640 + len(ctx))])", HEAVY),
)
