from typing import Any

import pytest

from worker.cli.things import differences


@pytest.mark.parametrize(
    ("wanted", "observed", "found"),
    [
        pytest.param({"a": 1}, {"a": 1, "b": 2}, {}, id="what is not managed does not differ"),
        pytest.param({"a": 1}, {"a": 2}, {"a": (1, 2)}, id="another value"),
        pytest.param({"a": "x"}, {}, {"a": ("x", None)}, id="no value"),
        pytest.param({"a": None, "b": ""}, {"b": []}, {}, id="nothing is nothing"),
        pytest.param(None, {"a": 1}, {}, id="a source"),
        pytest.param({"a": 1}, None, {}, id="not made yet"),
    ],
)
def test_differences(wanted: dict[str, Any] | None, observed: dict[str, Any] | None, found: dict[str, Any]) -> None:
    assert differences({"wanted": wanted, "observed": observed}) == found
