"""Discrepancies of one connector: the list with words and suggestions, repair, bulk repair, ignore."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from worker.console import findings, words
from worker.console.desk import Desk, Question, Visit
from worker.console.pages.people import the_one
from worker.console.query import BadQuery, Query
from worker.console.views import DiscrepancyFilter, DiscrepancyRow, RepairPreview, Suggestion
from worker.domain.errors import InvalidRequest

FILTERS = ("attribute_name", "run_id", "q")
STATUSES = ("pending", "resolved", "ignored")
ACTIONS = ("create", "update", "delete", "link", "unlink", "inactivate_identity", "disable")
#: What a daemon of this version can do; others are refused by it, in words.
REPAIRS = frozenset(ACTIONS) - {"disable"}
DIRECTIONS = ("xavyo_to_target", "target_to_xavyo")
IGNORE_DAYS = {"7": 7, "30": 30, "90": 90}


def routes(desk: Desk) -> list[Route]:
    base = "/connectors/{id}/reconciliation/discrepancies"
    return [
        Route(base, desk.signed_in(list_discrepancies)),
        Route(f"{base}/remediate", desk.signed_in(ask_remediate)),
        Route(f"{base}/remediate", desk.signed_in(remediate), methods=["POST"]),
        Route(f"{base}/ignore", desk.signed_in(ask_ignore)),
        Route(f"{base}/ignore", desk.signed_in(ignore), methods=["POST"]),
    ]


async def list_discrepancies(visit: Visit) -> Response:
    query = visit.query.only("type", "status", "older", "newer", *FILTERS)
    where = read_filter(query)
    page = await visit.reads.discrepancies(visit.tenant_id, connector_id=visit.id("id"), where=where)
    return await visit.render(
        "discrepancies.html",
        page=visit.found(page, what="connector"),
        where=where,
        path=visit.request.url.path,
        kept={name: query.text(name) for name in FILTERS},
        statuses=STATUSES,
    )


def read_filter(query: Query) -> DiscrepancyFilter:
    """The filter that the address says; without a status, the open ones."""
    status = query.word("status", (*STATUSES, "any")) or "pending"
    return DiscrepancyFilter(
        discrepancy_type=query.word("type", findings.KINDS),
        resolution_status=None if status == "any" else status,
        attribute_name=query.text("attribute_name"),
        run_id=query.uuid("run_id"),
        q=query.text("q"),
        older=query.text("older"),
        newer=query.text("newer"),
    )


async def ask_remediate(visit: Visit) -> Response:
    """The question before a repair: one finding with its chosen action, or many with the first suggestion of each."""
    connector_id, ids = visit.id("id"), visit.ids()
    rows = await visit.reads.discrepancies_by_id(visit.tenant_id, connector_id=connector_id, ids=ids)
    open_rows = [row for row in rows if row.resolution_status == "pending"]
    if not open_rows:
        raise BadQuery("These discrepancies are settled already; somebody was faster.")
    name = await _connector_name(visit, connector_id)
    return await (_ask_one(visit, open_rows[0], name) if len(ids) == 1 else _ask_many(visit, open_rows, len(ids), name))


async def _ask_one(visit: Visit, row: DiscrepancyRow, connector: str) -> Response:
    suggestion = next((s for s in row.suggestions if _is_wanted(s, visit.query)), None)
    if suggestion is None:
        raise BadQuery("This action is not suggested for the discrepancy.")
    identity = visit.query.uuid("identity_id")
    owner = next((name for candidate, name in row.candidates if candidate == identity), None)
    asks_owner = suggestion.action == "link" and row.identity_id is None and identity is None
    chosen = findings.choice(suggestion, row, connector=connector, owner="its owner" if asks_owner else owner)
    found = None if asks_owner else await _preview(visit, row, suggestion, identity)
    obstacle = found.obstacle if found else None
    fields = [("id", str(row.id)), ("action", chosen.action), ("direction", chosen.direction)]
    return await visit.ask(
        Question(
            title=chosen.question,
            effect=f"This cannot be done now. {obstacle}" if obstacle else chosen.effect,
            body=[findings.sentence(row, connector=connector)],
            action=visit.request.url.path,
            fields=[*fields, *([("identity_id", str(identity))] if identity else [])],
            button="" if obstacle else chosen.label,
            keep="Leave it",
            changes=found.changes if found else (),
            text=("owner", "Whose is it? User name or external id") if asks_owner else None,
            is_danger=chosen.is_removal,
        )
    )


def _is_wanted(suggestion: Suggestion, query: Query) -> bool:
    action, direction = query.text("action"), query.text("direction")
    return action in {None, suggestion.action} and direction in {None, suggestion.direction}


async def _preview(
    visit: Visit, row: DiscrepancyRow, suggestion: Suggestion, identity_id: UUID | None
) -> RepairPreview | None:
    """What it would change, as the daemon would do it now."""
    found = await visit.repairs.previews(
        visit.principal,
        connector_id=visit.id("id"),
        ids=(row.id,),
        action=suggestion.action if suggestion.action in REPAIRS else None,
        direction=suggestion.direction,
        identity_id=identity_id,
    )
    return found[0] if found else None


async def _ask_many(visit: Visit, rows: list[DiscrepancyRow], asked: int, connector: str) -> Response:
    clear = [row for row in rows if row.suggestions and not findings.needs_choice(row)]
    if not clear:
        raise BadQuery("Somebody must say whose accounts these are: open them one by one.")
    found = await visit.repairs.previews(
        visit.principal, connector_id=visit.id("id"), ids=tuple(row.id for row in clear)
    )
    blocked = {each.finding_id: each.obstacle for each in found if each.obstacle}
    changes = {each.finding_id: each.changes for each in found}
    chosen = {
        row.id: findings.choice(row.suggestions[0], row, connector=connector) for row in clear if row.id not in blocked
    }
    unclear = sum(1 for row in rows if findings.needs_choice(row))
    effect = "Each takes its first suggestion. Changes of the target go through the operation queue."
    return await visit.ask(
        Question(
            title=f"Repair {words.count(len(chosen), 'discrepancy', 'discrepancies')} of {connector}?",
            effect=effect if chosen else "None of them can be repaired now.",
            body=_numbers([each.label for each in chosen.values()], unclear, asked - len(clear) - unclear, blocked),
            action=visit.request.url.path,
            fields=[("id", str(id_)) for id_ in chosen],
            button=f"Repair {len(chosen)}" if chosen else "",
            keep="Leave them",
            each=[
                (f"{row.identity_name or row.external_uid or 'somebody'}: {chosen[row.id].label}", changes[row.id])
                for row in clear
                if row.id in chosen
            ],
            is_danger=any(each.is_removal for each in chosen.values()),
        )
    )


def _numbers(labels: list[str], unclear: int, left: int, blocked: dict[UUID, str]) -> list[str]:
    """How many of each, and how many stay and why."""
    body = [f"{label}: {n}" for label, n in sorted(Counter(labels).items())]
    if unclear:
        body.append(f"{unclear} stay: a person must say whose account it is, one by one.")
    if left:
        body.append(f"{left} of the chosen have no suggestion or are settled already; they stay.")
    return body + [f"{n} stay: {why}" for why, n in Counter(blocked.values()).most_common()]


async def remediate(visit: Visit) -> Response:
    connector_id = visit.id("id")
    form = Query({name: values[0] for name, values in visit.form.items()})
    result = await visit.acts.remediate(
        visit.principal,
        connector_id=connector_id,
        ids=visit.ids(),
        action=form.word("action", ACTIONS),
        direction=form.word("direction", DIRECTIONS),
        identity_id=form.uuid("identity_id") or await the_one(visit, "owner"),
    )
    return visit.done(result, default=_list_of(connector_id))


async def ask_ignore(visit: Visit) -> Response:
    ids = visit.ids()
    count = words.count(len(ids), "discrepancy", "discrepancies")
    name = await _connector_name(visit, visit.id("id"))
    return await visit.ask(
        Question(
            title=f"Ignore {count} of {name}?",
            effect="It is not repaired and not counted as open, until the time is over or its values change.",
            action=visit.request.url.path,
            fields=[("id", str(each)) for each in ids],
            button=f"Ignore {len(ids)}" if len(ids) > 1 else "Ignore",
            keep="Leave it" if len(ids) == 1 else "Leave them",
            notes="Why can it stay as it is?",
            choices=(
                "until",
                "For how long",
                (("30", "30 days"), ("7", "7 days"), ("90", "90 days"), ("", "for good")),
            ),
        )
    )


async def ignore(visit: Visit) -> Response:
    connector_id = visit.id("id")
    reason, days = visit.said("notes"), visit.said("until")
    if reason is None:
        raise InvalidRequest("Say in a word why it can stay as it is.")
    until = datetime.now(UTC) + timedelta(days=IGNORE_DAYS[days]) if days in IGNORE_DAYS else None
    result = await visit.acts.ignore(
        visit.principal, connector_id=connector_id, ids=visit.ids(), reason=reason, until=until
    )
    return visit.done(result, default=_list_of(connector_id))


def _list_of(connector_id: UUID) -> str:
    return f"/connectors/{connector_id}/reconciliation/discrepancies"


async def _connector_name(visit: Visit, connector_id: UUID) -> str:
    names = await visit.reads.connector_names(visit.tenant_id)
    return next((brief.name for brief in names if brief.id == connector_id), "the target")
