"""All routes of the API as one router."""

from fastapi import APIRouter

from worker.actions import House
from worker.api import discrepancies, events, operations, runs
from worker.intake import EventReceiver
from worker.web import Auth


def build_api(house: House, auth: Auth, receiver: EventReceiver) -> APIRouter:
    """The API over the verbs of the house."""
    router = APIRouter()
    router.include_router(events.build(receiver, auth))
    router.include_router(operations.build(house, auth))
    router.include_router(runs.build(house, auth))
    router.include_router(discrepancies.build(house, auth))
    return router
