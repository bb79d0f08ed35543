from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from worker.connectors.builtin.sqlvalues import from_column, to_column, uid_of
from worker.domain.errors import InvalidAttributes

ID = UUID("01900000-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        pytest.param(sa.Text(), "x", "x", id="text"),
        pytest.param(sa.Text(), 7, "7", id="number as text"),
        pytest.param(sa.Text(), True, "true", id="boolean as text"),
        pytest.param(sa.Integer(), "7", 7, id="text as integer"),
        pytest.param(sa.Integer(), 7.0, 7, id="whole float as integer"),
        pytest.param(sa.Boolean(), "Yes", True, id="word as boolean"),
        pytest.param(sa.Boolean(), 0, False, id="number as boolean"),
        pytest.param(sa.Numeric(), 1.1, Decimal("1.1"), id="float as exact number"),
        pytest.param(sa.Date(), "2026-11-22", date(2026, 11, 22), id="date"),
        pytest.param(
            sa.DateTime(timezone=True), "2026-11-22T06:00:00Z", datetime(2026, 11, 22, 6, tzinfo=UTC), id="moment"
        ),
        pytest.param(sa.Uuid(), str(ID), ID, id="uuid"),
        pytest.param(postgresql.ARRAY(sa.Integer()), ["1", 2], [1, 2], id="list"),
        pytest.param(postgresql.ARRAY(sa.Text()), "a", ["a"], id="one value for a list"),
        pytest.param(postgresql.JSONB(), {"a": [1]}, {"a": [1]}, id="json"),
        pytest.param(sa.Integer(), None, None, id="null"),
    ],
)
def test_value_fits_its_column(kind, value, expected):
    assert to_column(sa.Column("c", kind), value) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param(sa.Integer(), "hunter2", id="text in an integer"),
        pytest.param(sa.Integer(), 1.5, id="fraction in an integer"),
        pytest.param(sa.SmallInteger(), 2**15, id="too large for a small integer"),
        pytest.param(sa.Integer(), -(2**31) - 1, id="too small for an integer"),
        pytest.param(sa.BigInteger(), str(2**63), id="too large for a big integer"),
        pytest.param(sa.Integer(), float("inf"), id="infinity in an integer"),
        pytest.param(sa.Boolean(), "hunter2", id="word in a boolean"),
        pytest.param(sa.Date(), "22.11.2026", id="another date form"),
        pytest.param(sa.Date(), 5, id="number in a date"),
        pytest.param(sa.Text(), ["hunter2"], id="list in a text"),
        pytest.param(sa.Text(), "hunter2\x00", id="zero byte"),
        pytest.param(sa.Uuid(), "hunter2", id="no uuid"),
        pytest.param(sa.Numeric(), "hunter2", id="no number"),
        pytest.param(postgresql.ARRAY(sa.Integer()), [1, "hunter2"], id="in a list"),
    ],
)
def test_value_that_does_not_fit_is_refused_by_column(kind, value):
    with pytest.raises(InvalidAttributes, match='"shoe_size"') as caught:
        to_column(sa.Column("shoe_size", kind), value)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(date(2026, 11, 22), "2026-11-22", id="date"),
        pytest.param(Decimal("7.00"), 7, id="whole exact number"),
        pytest.param(Decimal("7.10"), "7.10", id="exact number"),
        pytest.param(ID, str(ID), id="uuid"),
        pytest.param([Decimal(1), ID], [1, str(ID)], id="list"),
        pytest.param(True, True, id="boolean"),
        pytest.param(None, None, id="null"),
    ],
)
def test_column_becomes_json(value, expected):
    assert from_column(value) == expected


def test_equal_keys_have_equal_uids():
    assert uid_of(7) == uid_of(Decimal("7.0")) == "7"
