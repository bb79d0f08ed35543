"""Scripts that take all memory there is."""

from tests.integration.hooks.attacks.shape import COMPILE, FINE, HEAVY, SCRIPT, Attack, body, value

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

MORE_MEMORY = (
    body("tuple doubling", "x = (0, 0)\nfor i in range(40):\n    x = x + x", HEAVY),
    body("list extending itself", "x = [1]\nfor i in range(60):\n    x.extend(x)", HEAVY | SCRIPT),
    body("f-string doubling", "x = 'a'\nfor i in range(60):\n    x = f'{x}{x}'", HEAVY),
    body("number doubling", "x = 3\nfor i in range(60):\n    x = x * x\nreturn x % 7", HEAVY),
    value("one long number", "(1 << (2000000000 + len(ctx))) % 7", HEAVY | SCRIPT),
    body("replace of nothing", "x = 'a' * 1000000\nfor i in range(20):\n    x = x.replace('', 'aaaaaaaaaa')", HEAVY),
    body("letters of letters", "x = ('a' * 3000000).elems()\nreturn len([list(x) for i in range(100)])", HEAVY),
    value("dict of long texts", "len({str(i): 'a' * 100000 + str(i) for i in range(100000)})", HEAVY),
    body("partial of partial", "x = len\nfor i in range(10000000):\n    x = partial(x, i)", HEAVY | SCRIPT),
    value("json of many items", "len(json.decode('[' + '0,' * (20000000 + len(ctx)) + '0]'))", HEAVY | SCRIPT),
    value("dict of many pairs", "len(dict([(i, i) for i in range(30000000)]))", HEAVY),
    Attack(
        "memory while the script is built",
        "X = [str(i) * 100 for i in range(3000000)]\ndef transform(c): return None\n", HEAVY,
    ),
    Attack(
        "memory while a library is built", 'load("lib/one", "X")\ndef transform(ctx):\n    return None\n', HEAVY,
        libraries=(("one", "X = [str(i) * 100 for i in range(3000000)]\n"),),
    ),
    value("key that is too long", "len({'a' * (100000000 + len(ctx)): 1})", HEAVY),
    body("split into letters", "return len(('a ' * 20000000).split(' '))", HEAVY),
)  # fmt: skip
