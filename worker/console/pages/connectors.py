"""Connectors: health cards, one connector, its test and its maintenance."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Question, Visit
from worker.domain.connector import ConnectorStatus


def routes(desk: Desk) -> list[Route]:
    return [
        Route("/connectors", desk.signed_in(list_connectors)),
        Route("/connectors/{id}", desk.signed_in(show)),
        Route("/connectors/{id}/test", desk.signed_in(test), methods=["POST"]),
        Route("/connectors/{id}/maintenance", desk.signed_in(ask_maintenance)),
        Route("/connectors/{id}/maintenance", desk.signed_in(maintenance), methods=["POST"]),
    ]


async def list_connectors(visit: Visit) -> Response:
    return await visit.render("connectors.html", cards=await visit.reads.connectors(visit.tenant_id))


async def show(visit: Visit) -> Response:
    detail = await visit.reads.connector(visit.tenant_id, connector_id=visit.id("id"))
    return await visit.render("connector.html", detail=visit.found(detail, what="connector"))


async def test(visit: Visit) -> Response:
    connector_id = visit.id("id")
    result = await visit.acts.test_connector(visit.principal, connector_id=connector_id)
    return visit.done(result, default=f"/connectors/{connector_id}")


async def ask_maintenance(visit: Visit) -> Response:
    detail = await visit.reads.connector(visit.tenant_id, connector_id=visit.id("id"))
    brief = visit.found(detail, what="connector").card.brief
    is_on = brief.status is ConnectorStatus.MAINTENANCE
    return await visit.ask(
        Question(
            title=f"End the maintenance of {brief.name}?" if is_on else f"Put {brief.name} into maintenance?",
            effect="Its waiting operations go on."
            if is_on
            else "Its operations wait, and spend no try, until it ends.",
            action=f"/connectors/{brief.id}/maintenance",
            fields=[("on", "false" if is_on else "true")],
            button="End maintenance" if is_on else "Start maintenance",
            keep="Leave as it is",
        )
    )


async def maintenance(visit: Visit) -> Response:
    connector_id = visit.id("id")
    wanted = visit.said("on") == "true"
    result = await visit.acts.set_maintenance(visit.principal, connector_id=connector_id, on=wanted)
    return visit.done(result, default=f"/connectors/{connector_id}")
