"""How a server is talked to, by what was found at the other end."""

import pytest

from worker.store.server import Manners, Server, manners

BOUNDS = {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "60s"}
GENERIC = {"plan_cache_mode": "force_generic_plan"}
AUTO = {"plan_cache_mode": "auto"}
PASSED_ON = "; SET LOCAL citus.propagate_set_commands = 'local'"
LOCAL_BOUNDS = "; SET LOCAL statement_timeout = '30s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"


@pytest.mark.parametrize(
    ("server", "wanted"),
    [
        pytest.param(Server(), Manners(startup=GENERIC | BOUNDS), id="the server itself"),
        pytest.param(
            Server(is_distributed=True),
            Manners(startup=AUTO | BOUNDS, opening=PASSED_ON, kept_plans="auto", commits_alone=False),
            id="a distributed one",
        ),
        pytest.param(
            Server(is_pooled=True),
            Manners(statement_cache=0, opening=f"; SET LOCAL plan_cache_mode = 'force_generic_plan'{LOCAL_BOUNDS}"),
            id="behind a pooler",
        ),
        pytest.param(
            Server(is_pooled=True, is_distributed=True),
            Manners(
                statement_cache=0,
                opening=f"; SET LOCAL plan_cache_mode = 'auto'{LOCAL_BOUNDS}{PASSED_ON}",
                kept_plans="auto",
                commits_alone=False,
            ),
            id="a distributed one behind a pooler",
        ),
    ],
)
def test_nothing_is_set_on_a_connection_that_others_use_next(server: Server, wanted: Manners) -> None:
    assert manners(server) == wanted
