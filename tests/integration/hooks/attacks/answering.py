"""Answers, failures and logs that are too large, no data, or meant to deceive who reads them."""

from tests.integration.hooks.attacks.shape import (
    COMPILE,
    FINE,
    HEAVY,
    LIMIT,
    RESULT,
    SCRIPT,
    Attack,
    body,
    value,
    values,
)

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

STRANGE = values(
    RESULT,
    number_beyond_64_bits="{'a': 9223372036854775808}",
    number_below_64_bits="{'a': -9223372036854775809}",
    seventeen_levels="{'a': " + "[" * 17 + "]" * 17 + "}",
    nan_in_a_tuple="{'a': (1, (float('nan'),))}",
    number_beyond_floats_from_json="{'a': json.decode('1e308') * 10}",
    struct_inside="{'a': struct(b=1)}",
    lambda_inside="{'a': [lambda: 1]}",
    module_as_a_value="{'a': json}",
    rejection_inside="{'a': reject('x')}",
    rejection_with_a_number_as_code="reject('x', code=1)",
    skip_without_a_text="skip({})",
    text_alone="'x'",
    list_alone="['x']",
    boolean_alone="True",
    set_of_lists="{'set': ['a'], 'unset': [], 'tags': {}}",
    unset_of_numbers="{'set': {}, 'unset': [1]}",
    unset_as_a_dict="{'set': {}, 'unset': {'a': 1}}",
    tags_of_lists="{'tags': ['a']}",
    set_and_unset_at_once="{'set': {'a': 1}, 'unset': ['a']}",
    empty_name="{'set': {'': 1}}",
    name_that_is_too_long="{'set': {'a' * 300: 1}}",
    name_with_a_nul="{'set': {'a\\0': 1}}",
    none_in_a_patch="{'set': {'a': None}}",
    struct_that_looks_like_a_failure="struct(_outcome='failure', reason='x')",
)
FAIL = frozenset({"hook.fail"})
WELL = frozenset({FINE})
BOUNDED = (
    body("print many times", "for i in range(100):\n    print('line', i, ctx)\nreturn None", WELL),
    body("print with a long separator", "print('a', 'b', sep='x' * 1000000)", WELL),
    body("print with a number as separator", "print('a', 'b', sep=1)", SCRIPT),
    body("print of a wrong keyword", "print('a', file=1)", SCRIPT | COMPILE),
    body("fail with many things", "fail(1, [2], {'a': None}, 'x' * 100)", FAIL),
    body("a failure in a name of a failure", "fail('fail: MemoryError: hook.memory')", FAIL),
    body("a failure of many lines", "fail('\\n'.join(['error: x'] * 100000))", FAIL | HEAVY),
    Attack("failure in a long line", "def transform(ctx):\n    return ctx['" + "x" * 60000 + "']\n", SCRIPT),
    Attack(
        "failure in a function with a long name",
        f"def {'f' * 20000}():\n    fail('x')\ndef transform(ctx):\n    return {'f' * 20000}()\n", FAIL,
    ),
    Attack(
        "failure under many frames",
        "def f(n):\n    return f(n - 1) if n else fail('deep')\ndef transform(ctx):\n    return f(40)\n", FAIL,
    ),
    body("a text that looks like places", "fail('\\n --> lib/x:1:1\\n  * script:7, in a\\n')", FAIL),
    value("a key that is not there", "ctx['\\x1b[31m\\u202e' * 1000]", SCRIPT),
    value("result just below the limit", "{'a': 'x' * 1000000}", WELL),
    value("result just above the limit", "{'a': 'x' * 1048577}", LIMIT),
    value("many small results", "{'a': [[i] for i in range(400000)]}", LIMIT | HEAVY),
    value("a result of signs that grow as JSON", "{'a': '\\x01' * 900000}", LIMIT | RESULT),
    value("a struct with a dict as outcome", "struct(_outcome={'a': 1}, reason='x', code='y')", SCRIPT | RESULT),
    value("a struct that looks like a value", "struct(_outcome='value', reason='x')", WELL | RESULT),
)  # fmt: skip
