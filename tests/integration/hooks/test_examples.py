"""Every example of the functions' reference, run by a real child inside its box, gives what it says."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from worker.hooks.child import Child
from worker.sandbox import reference

MEMORY = 64 * 1024 * 1024
#: As much as the builder of a program and its call together may take on a busy machine.
PATIENCE_S = 60.0

EXAMPLES = [
    pytest.param(example["code"], example["result"], example["error"], id=f"{entry['name']} {place}")
    for entry in reference()
    for place, example in enumerate(entry["examples"], 1)
]


@pytest.fixture
async def child() -> AsyncIterator[Child]:
    made = await Child.start(memory_bytes=MEMORY)
    yield made
    await made.stop()


async def answer(child: Child, expression: str, *, seed: bytes = b"example") -> dict[str, Any]:
    """What one call says: ``{"result": {"value": ...}}`` or ``{"failure": ...}``."""
    source = f"def before_create(ctx):\n    return {expression}\n"
    request = {"op": "run", "key": expression, "source": source, "function": "before_create", "seeds": [seed.hex()]}
    reply = await child.ask(request | {"budget_ms": 2000, "batch_ms": 2000}, [b"{}"], timeout_s=PATIENCE_S)
    said: dict[str, Any] = json.loads(reply.lines[0]) if reply.lines else reply.header
    return said


async def test_every_example_gives_what_the_reference_says(child: Child) -> None:
    wrong = []
    for parameters in EXAMPLES:
        code, result, error = parameters.values
        said = await answer(child, str(code))
        found = said["failure"]["message"] if "failure" in said else said["result"]
        is_outcome = "failure" not in said and "value" not in found
        expected = error if error is not None else json.loads(str(result))
        if found != (expected if error is not None or is_outcome else {"value": expected}):
            wrong.append((code, found))

    assert wrong == []
    assert len(EXAMPLES) >= len(reference()) - 5


async def test_phone_numbers_and_other_scripts_need_no_file_in_the_box(child: Child) -> None:
    """The first use of each region, and of letters from many blocks, after the child has given up its files."""
    regions = ["DE", "US", "JP", "IN", "BR", "ZA", "AU", "VN", "UA", "IT"]
    numbers = ["+4930123456", "+12015550123", "+81312345678", "+911123456789", "+551123456789"]

    said = await answer(child, f"[[phone.valid(n, r) for n in {numbers}] for r in {regions}]")
    spelled = await answer(child, "[text.ascii(t) for t in ['김민준', 'さくら', 'ქართული', 'Հայ', 'ไทย', 'שלום']]")

    assert len(said["result"]["value"]) == len(regions)
    assert all(value.isascii() and value for value in spelled["result"]["value"])


async def test_random_values_are_the_same_for_a_seed_and_differ_between_seeds(child: Child) -> None:
    drawn = "[rand.password(), rand.alnum(20), rand.uuid4(), rand.digits(9)]"

    first = await answer(child, drawn, seed=b"one")
    again = await answer(child, drawn, seed=b"one")
    other = await answer(child, drawn, seed=b"two")
    none = await answer(child, drawn, seed=b"")

    assert first["result"] == again["result"]
    assert all(a != b for a, b in zip(first["result"]["value"], other["result"]["value"], strict=True))
    assert "random values belong in" in none["failure"]["message"]


async def test_a_wrong_call_is_refused_under_the_name_that_scripts_know(child: Child) -> None:
    missing = await answer(child, "text.slug()")
    unknown = await answer(child, "phone.e164('030', country = 'DE')")

    assert missing["failure"]["message"].startswith("text.slug() missing 1 required positional argument")
    assert unknown["failure"]["message"].startswith("phone.e164() got an unexpected keyword argument 'country'")
