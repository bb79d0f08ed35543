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

    assert found == {"ok": True, "functions": ("after_delete", "transform"), "diagnostics": []}


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
