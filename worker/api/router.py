"""All routes of the API as one router."""

from fastapi import APIRouter, Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request

from worker.actions import House
from worker.api import (
    approvals,
    bindings,
    cases,
    causes,
    conflicts,
    connectors,
    correlation,
    correlation_backtests,
    correlation_refining,
    correlation_rules,
    discrepancies,
    events,
    exports,
    hook_trials,
    hook_versions,
    hooks,
    identities,
    mapping_trials,
    mappings,
    operations,
    policies,
    records,
    runs,
    schedules,
)
from worker.domain.errors import InvalidRequest
from worker.intake import EventReceiver
from worker.web import Auth


def build_api(house: House, auth: Auth, receiver: EventReceiver) -> APIRouter:
    """The API over the verbs of the house."""
    router = APIRouter(dependencies=[Depends(_refuse_unknown_parameters)])
    router.include_router(events.build(receiver, auth))
    nouns = (
        conflicts,
        operations,
        runs,
        schedules,
        discrepancies,
        exports,
        causes,
        policies,
        approvals,
        cases,
        correlation_rules,
        correlation_backtests,
        correlation_refining,
        correlation,
        connectors,
        identities,
        records,
        hooks,
        hook_versions,
        hook_trials,
        bindings,
        mapping_trials,
        mappings,
    )
    for noun in nouns:
        router.include_router(noun.build(house, auth))
    return router


def _refuse_unknown_parameters(request: Request) -> None:
    """A mistyped filter is an error, and not a list that looks filtered."""
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute):
        return
    known = _parameters_of(route.dependant)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        expected = ", ".join(sorted(known)) or "none"
        raise InvalidRequest(f"There is no query parameter {unknown[0]}; there is {expected}.")


def _parameters_of(dependant: Dependant) -> set[str]:
    found = {parameter.alias for parameter in dependant.query_params}
    return found.union(*(_parameters_of(each) for each in dependant.dependencies))
