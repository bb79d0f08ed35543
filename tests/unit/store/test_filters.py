import re

import pytest

from worker.domain.filters import parse
from worker.store.filters import compile_filter


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('zzname eq "zzvalue"', id="eq"),
        pytest.param('zzname co "zzvalue"', id="co"),
        pytest.param('not (zzname sw "zzvalue") or zzname ew "zzvalue"', id="parts"),
        pytest.param('zzname gt "zzvalue" and zzname le 987654321', id="order"),
        pytest.param("zzname ne 987654321", id="number"),
    ],
)
def test_names_and_values_are_places_never_text(text: str) -> None:
    condition = compile_filter(parse(text), first=4)

    assert "zz" not in condition.text
    assert "987654321" not in condition.text
    places = {int(found) for found in re.findall(r"\$(\d+)", condition.text)}
    assert places == set(range(4, 4 + len(condition.values)))


def test_an_id_is_looked_up_by_its_key() -> None:
    condition = compile_filter(parse('id eq "01900000-0000-7000-8000-00000000000A"'))

    assert condition.text == "(i.id = $1::uuid)"
