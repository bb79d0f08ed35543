"""All pages of the console as one router."""

from fastapi import APIRouter

from worker.console.desk import Desk
from worker.console.doors import ConsoleActs, ConsoleAuth, ConsoleReads
from worker.console.pages import (
    approvals,
    assets,
    audit,
    cases,
    conflicts,
    connectors,
    discrepancies,
    home,
    identities,
    operations,
    reconciliation,
    sign_in,
    stream,
)
from worker.console.rendering import Templates


def build_console(reads: ConsoleReads, acts: ConsoleActs, auth: ConsoleAuth) -> APIRouter:
    """The console over these reads, acts and sessions. Fixed paths come before those with an id in their place."""
    desk = Desk(reads, acts, auth, Templates())
    router = APIRouter()
    router.routes.extend(assets.routes())
    for module in (
        home,
        sign_in,
        stream,
        operations,
        reconciliation,
        discrepancies,
        conflicts,
        connectors,
        approvals,
        cases,
        identities,
        audit,
    ):
        router.routes.extend(module.routes(desk))
    return router
