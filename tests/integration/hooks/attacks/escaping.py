"""Ways out of the box, or from one call into another."""

from tests.integration.hooks.attacks.shape import COMPILE, FINE, RESULT, SCRIPT, SYNTAX, Attack, body, value, values

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

UNKNOWN = values(
    COMPILE,
    exec_="exec('1')", compile_="compile('1', 'x', 'eval')", globals_="globals()", locals_="locals()",
    vars_="vars(ctx)",
    environment="env", getenv="getenv('PATH')", system="os.system('id')", time_="time.time()", sleep="sleep(10)",
    input_="input()", breakpoint_="breakpoint()", socket_="socket.socket()", debug_="debug(ctx)", pprint_="pprint(ctx)",
    record_="record(a=int)", enum_="enum('a')", bytes_="bytes('a')", super_="super()", self_="self.x",
    import_lib="importlib.import_module('os')", call_stack="call_stack()", opaque="_random()",
    room_of_the_log="_log_room()", values_of_wrapper="finish_values([1])", checks="_check(1, 0, [0])",
    native="native('x')",
)  # fmt: skip
WELL = frozenset({FINE})
REACHING = (
    value("builtins of a text", "getattr('', '__class__')", SCRIPT),
    value("module behind a host function", "getattr(text.slug, '__self__')", SCRIPT),
    value("all that a text has", "[getattr('', name) for name in dir('')]", RESULT | SCRIPT),
    value("all that the host library has", "[str(getattr(text, name)) for name in dir(text)]", WELL | RESULT),
    value("host function as a text", "{'a': str(text.slug)[:100]}", WELL),
    value("type of a host function", "{'a': type(text.slug)}", WELL),
    value("host function with our own keyword", "text.slug(value='a', self=1)", SCRIPT),
    value("host function with a function", "text.slug(text.slug)", SCRIPT | RESULT),
    value("host function with itself as a list", "dn.build([text, json])", SCRIPT | RESULT),
    value("prototype", "{'__proto__': {'a': 1}, 'constructor': 'b'}", WELL),
    body("changes to the context", "ctx['params'] = {'a': 1}\nctx.clear()\nreturn None", WELL),
    Attack("a default that remembers", "def transform(ctx, seen=[]):\n    seen.append(1)\n", SCRIPT),
    Attack(
        "a closure that remembers",
        "def make():\n    seen = []\n    return lambda: seen.append(1)\nF = make()\ndef transform(ctx):\n    F()\n",
        SCRIPT,
    ),
    Attack("a struct that remembers", "S = struct(a=[])\ndef transform(ctx):\n    S.a.append(1)\n", SCRIPT),
    Attack("a dict that remembers", "D = {}\ndef transform(ctx):\n    D['a'] = ctx\n", SCRIPT),
    Attack(
        "names of the host library replaced",
        "text = 1\njson = 2\ndef transform(ctx):\n    return {'a': [text, json]}\n", WELL,
    ),
    Attack(
        "our reader replaced",
        "def read(x): return 1\njson = struct(decode=read, encode=read)\n"
        "def transform(ctx):\n    return {'a': str(type(ctx))}\n", WELL,
    ),
    Attack("a function that is none", "transform = 1\n", SCRIPT),
    Attack("a function without a parameter", "def transform():\n    return None\n", SCRIPT),
    Attack("a function with too many parameters", "def transform(a, b, c):\n    return None\n", SCRIPT),
    Attack(
        "private name of a library", 'load("lib/one", "_x")\ndef transform(ctx):\n    return _x\n', COMPILE,
        libraries=(("one", "_x = 1\n"),),
    ),
    Attack(
        "library that remembers", 'load("lib/one", "seen")\ndef transform(ctx):\n    seen.append(1)\n', SCRIPT,
        libraries=(("one", "seen = []\n"),),
    ),
    Attack(
        "library that loads itself", 'load("lib/one", "x")\ndef transform(c): return x\n', COMPILE,
        libraries=(("one", 'load("lib/one", "x")\n'),),
    ),
    Attack(
        "library of the host", 'load("lib/one", "finish")\ndef transform(c): return finish(c)\n', COMPILE,
        libraries=(("one", 'load("host", "finish")\n'),),
    ),
    Attack("path in a name", 'load("lib/../../etc/passwd", "x")\n', COMPILE),
    Attack("our own module", 'load("module", "transform")\n', COMPILE),
    Attack("load in a function", "def transform(ctx):\n    load('lib/one', 'x')\n", SYNTAX | COMPILE),
)  # fmt: skip
