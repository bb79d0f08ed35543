import pytest

from worker.sandbox.engine import Engine
from worker.sandbox.review import review
from worker.sandbox.watch import Watch


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Watch(arm=lambda cpu_s, wall_s: None))


def test_a_good_script_has_its_functions_and_no_remark(engine: Engine) -> None:
    found = review(
        engine, 'def transform(ctx):\n    return {"a": text.slug("b")}\ndef after_delete(ctx):\n    return None\n'
    )

    assert found == {
        "ok": True,
        "functions": ("after_delete", "transform"),
        "loads": [],
        "api": 1,
        "diagnostics": [],
    }


@pytest.mark.parametrize(
    ("source", "severity", "line", "code"),
    [
        pytest.param("def transform(ctx):\n    return (\n", "error", 2, "hook.syntax", id="syntax"),
        pytest.param("def transform(ctx):\n\treturn 1\n", "error", 1, "hook.syntax", id="tab"),
        pytest.param("def transform(ctx):\n    return nope\n", "error", 2, "hook.compile", id="unknown name"),
        pytest.param("x = 1\n", "error", 1, "hook.no_function", id="no function"),
        pytest.param('def transform(ctx):\n    return 1 + "a"\n', "warning", 2, "types", id="types"),
        pytest.param("def transform(ctx):\n    if ctx:\n        return 1\n", "warning", 1, "missing-return", id="lint"),
        pytest.param(
            "def transform(ctx):\n    return None\ndef before_crate(ctx):\n    return None\n",
            "warning",
            3,
            "unknown-function",
            id="misspelt event",
        ),
        pytest.param("def transform(ctx):\n    return '\u202eabc'\n", "warning", 2, "bidi", id="direction override"),
    ],
)
def test_remarks_have_their_place_and_code(engine: Engine, source: str, severity: str, line: int, code: str) -> None:
    found = review(engine, source)

    assert [(entry["severity"], entry["line"], entry["code"]) for entry in found["diagnostics"]] == [
        (severity, line, code)
    ]
    assert found["ok"] is (severity != "error")


def test_remarks_are_counted(engine: Engine) -> None:
    source = "def transform(ctx):\n    return None\n" + "".join(
        f"def before_{n}(ctx):\n    return None\n" for n in range(90)
    )

    assert len(review(engine, source)["diagnostics"]) == 50


NAMES = ["names", 'load("lib/text", "short")\ndef login(ctx):\n    return short(ctx["name"])\n']
TEXT = ["text", "def short(value):\n    return value[:3]\n"]
LOADS = 'load("lib/names", "login")\ndef transform(ctx):\n    return {"uid": login(ctx)}\n'


def test_loaded_libraries_are_named_and_their_names_are_known(engine: Engine) -> None:
    found = review(engine, LOADS, [TEXT, NAMES])

    assert (found["ok"], found["loads"], found["diagnostics"]) == (True, ["names"], [])


def test_a_library_that_did_not_come_along_is_named_all_the_same(engine: Engine) -> None:
    found = review(engine, "\n" + LOADS)

    assert (found["ok"], found["loads"]) == (False, ["names"])
    [remark] = [entry for entry in found["diagnostics"] if entry["severity"] == "error"]
    assert (remark["line"], remark["code"]) == (2, "hook.compile")
    assert remark["message"] == 'the library "lib/names" is missing; there is none before it'


def test_a_fault_of_a_library_is_placed_where_it_is_loaded(engine: Engine) -> None:
    found = review(engine, "\n" + LOADS, [["names", "\ndef login(ctx):\n    return nope\n"]])

    [remark] = [entry for entry in found["diagnostics"] if entry["severity"] == "error"]
    assert remark["line"] == 2
    assert remark["message"].startswith("lib/names, line 3: ")


def test_a_library_needs_no_function_that_is_called(engine: Engine) -> None:
    assert review(engine, TEXT[1], is_library=True)["ok"]
    assert not review(engine, TEXT[1])["ok"]


def test_a_script_for_another_contract_is_refused(engine: Engine) -> None:
    assert review(engine, "API = 1\ndef transform(ctx):\n    return None\n")["ok"]
    for api in ("2", "'1'", "True", "lambda: 1"):
        found = review(engine, f"API = {api}\ndef transform(ctx):\n    return None\n")
        assert "known is 1" in found["diagnostics"][0]["message"]
