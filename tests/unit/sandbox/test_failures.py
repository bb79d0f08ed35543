import pytest

from worker.sandbox.failures import MAX_MESSAGE, explain

TRACE = """Traceback (most recent call last):
  File <builtin>, in <module>
  * wrapper:3, in run_transform
      return finish(_transform[0](json.decode(context)))
  * script:12, in transform
      return helper(ctx)
error: {message}
  --> script:12:10
   |
12 |   return ctx["b"]
   |          ^^^^^^^^
   |
"""


def test_a_runtime_error_keeps_the_authors_frames_and_drops_ours() -> None:
    sources = {"script": 'def transform(ctx):\n  return ctx["b"]'}
    found = explain(TRACE.format(message='Key `"b"` was not found'), stage="hook.script", sources=sources)

    assert found == {
        "class": "hook.script",
        "message": 'Key `"b"` was not found',
        "line": 12,
        "column": 10,
        "snippet": '  return ctx["b"]',
        "frames": ["script:12 in transform"],
    }


@pytest.mark.parametrize(
    ("message", "stage", "hook_class", "shown"),
    [
        pytest.param("Evaluation cancelled", "hook.script", "hook.deadline", "the time limit was reached", id="late"),
        pytest.param("fail: no way 1", "hook.script", "hook.fail", "no way 1", id="fail"),
        pytest.param("MemoryError: ", "hook.script", "hook.memory", "MemoryError:", id="memory"),
        pytest.param("ValueError: this takes a text", "hook.script", "hook.script", "this takes a text", id="host"),
        pytest.param(
            'Parse error: unexpected keyword \'return\' here, expected one of "(", "+"',
            "hook.compile",
            "hook.syntax",
            "unexpected keyword 'return' here",
            id="parser's list of tokens goes",
        ),
    ],
)
def test_the_class_follows_from_the_message(message: str, stage: str, hook_class: str, shown: str) -> None:
    found = explain(TRACE.format(message=message), stage=stage)

    assert (found["class"], found["message"]) == (hook_class, shown)


def test_lines_of_an_expression_are_counted_from_its_own_first() -> None:
    text = "error: boom\n --> expression mail:4:3\n  |\n4 | / ident[\n  | |____^\n"
    found = explain(text, stage="hook.script", shift=2)

    assert (found["line"], found["column"], found["snippet"]) == (2, 3, "ident[")


def test_long_text_is_cut_and_strange_text_is_survived() -> None:
    assert len(explain("error: " + "x" * 10_000_000, stage="hook.script")["message"]) == MAX_MESSAGE
    assert explain("", stage="hook.script")["message"] == ""
    assert explain("nothing known", stage="hook.script") == {"class": "hook.script", "message": "nothing known"}


@pytest.mark.parametrize(
    ("row", "column"),
    [
        pytest.param("    return merge(a, b)", 12, id="where ours was called"),
        pytest.param("    return join(a, b)", 5, id="the beginning of the line, under another name"),
    ],
)
def test_an_error_within_ours_is_shown_where_the_author_called_it(row: str, column: int) -> None:
    text = (
        "Traceback (most recent call last):\n  File <builtin>, in <module>\n"
        "  * script:2, in transform\n      return merge(a, b)\n"
        "  * host:77, in merge\n      for record in records:\n"
        "error: Operation `(iter)` not supported on type `string`\n"
        "  --> host:77:5\n   |\n77 |     for record in records:\n   |\n"
    )

    found = explain(text, stage="hook.script", sources={"script": f"def transform(ctx):\n{row}"})

    assert (found["line"], found["column"], found["snippet"]) == (2, column, row)


def test_a_place_in_our_own_modules_is_not_shown() -> None:
    text = (
        "Traceback (most recent call last):\n  File <builtin>, in <module>\n"
        "error: Value of type `dict` is not hashable\n"
        "  --> host:79:29\n   |\n79 |         return json.encode({value._outcome: said})\n   |\n"
    )

    assert explain(text, stage="hook.script") == {
        "class": "hook.script",
        "message": "Value of type `dict` is not hashable",
    }
