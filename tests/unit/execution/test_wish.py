from typing import Any

import pytest

from worker.domain.account import Account
from worker.domain.ids import uuid7
from worker.domain.operation import Operation, OperationType
from worker.execution.wish import Wish, wish_of

CREATE, UPDATE, DELETE = OperationType
ACCOUNT = Account(
    uuid7(), uuid7(), "user", wanted={"login": "ada", "mail": "a@x", "room": None}, wanted_active=True,
    hooked={"mail": "ada@x"},
)  # fmt: skip


def an_operation(kind: OperationType, attributes: dict[str, Any], **payload: Any) -> Operation:
    return Operation(
        tenant_id=uuid7(),
        id=uuid7(),
        connector_id=uuid7(),
        account_id=ACCOUNT.id,
        operation_type=kind,
        object_class="user",
        payload={"attributes": attributes, **payload},
    )


@pytest.mark.parametrize(
    ("operation", "uid", "wish"),
    [
        pytest.param(
            an_operation(CREATE, {"login": "ada"}, active=True), None, Wish(CREATE, {"login": "ada"}, True), id="create"
        ),
        pytest.param(an_operation(UPDATE, {"room": None}), "u", Wish(UPDATE, {"room": None}, None), id="update"),
        pytest.param(an_operation(DELETE, {}), "u", Wish(DELETE, {}, None), id="delete"),
        pytest.param(an_operation(DELETE, {}), None, Wish(DELETE, {}, None), id="delete of nothing"),
        pytest.param(
            an_operation(UPDATE, {"room": "7"}),
            None,
            Wish(CREATE, {"login": "ada", "mail": "ada@x", "room": "7"}, True),
            id="update of an account that was never made",
        ),
        pytest.param(
            an_operation(UPDATE, {"mail": None}),
            None,
            Wish(CREATE, {"login": "ada"}, True),
            id="what should have no value is not sent",
        ),
        pytest.param(
            an_operation(UPDATE, {}, active=False), None, Wish(UPDATE, {}, False), id="disabling what was never made"
        ),
    ],
)
def test_an_operation_wishes_for_what_brings_its_account_about(
    operation: Operation, uid: str | None, wish: Wish
) -> None:
    assert wish_of(operation, ACCOUNT, uid=uid) == wish


def test_an_update_makes_no_account_that_should_be_inactive() -> None:
    inactive = Account(uuid7(), uuid7(), "user", wanted={"login": "ada"}, wanted_active=False)

    assert wish_of(an_operation(UPDATE, {"room": "7"}), inactive, uid=None).kind is UPDATE
    assert wish_of(an_operation(UPDATE, {}, active=True), inactive, uid=None) == Wish(CREATE, {"login": "ada"}, True)


def test_a_wish_holds_the_payload_s_values_and_not_the_payload() -> None:
    operation = an_operation(UPDATE, {"room": "7"})
    wish_of(operation, ACCOUNT, uid="u").attributes["room"] = "8"

    assert operation.attributes == {"room": "7"}
