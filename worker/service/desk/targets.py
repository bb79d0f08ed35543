"""Views of connectors, and the home page."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from worker.console import Badges, ConnectorCard, ConnectorDetail, HomeView, OperationRow
from worker.domain.operation import OperationStatus
from worker.domain.redaction import shown
from worker.service.desk import approvals, recon
from worker.service.desk.briefs import brief_of
from worker.service.desk.flow import Day, Remembered
from worker.store import connectors, listings, listings_runs, listings_targets, mappings
from worker.store.pool import Connection
from worker.store.sql import Record

_RUNS_SHOWN = 6
_HOLDS_SHOWN = 3
_CAUSES_SHOWN = 5


@dataclass(slots=True)
class Waiting:
    """What waits and failed at one connector."""

    counts: Counter[str] = field(default_factory=Counter)
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What all cards are made of, read once."""

    waiting: dict[UUID, Waiting]
    oldest_pending: datetime | None  # it waits for nothing but a worker
    dead: list[Record]
    findings: dict[UUID, dict[str, int]]
    accounts: dict[UUID, int]
    runs: dict[UUID, Record]
    schedules: dict[UUID, Record]
    day: Day


async def badges(conn: Connection, tenant_id: UUID) -> Badges:
    """What waits for a person."""
    row = await listings_targets.badges(conn, tenant_id)
    return Badges(row["dead_letters"], row["cases"], row["approvals"], row["conflicts"])


async def overview(conn: Connection, tenant_id: UUID, *, day: Day, remembered: Remembered) -> Overview:
    """Read what the cards need."""
    waiting: dict[UUID, Waiting] = {}
    live = await listings.waiting(conn, tenant_id)
    for (connector_id, status), n in live.by_target.items():
        one = waiting.setdefault(connector_id, Waiting(oldest=live.oldest.get(connector_id)))
        one.counts[status] += n
    dead = await listings_targets.dead(conn, tenant_id)
    for row in dead:
        waiting.setdefault(row["connector_id"], Waiting()).counts[OperationStatus.DEAD_LETTER] += row["n"]
    return Overview(
        waiting=waiting,
        oldest_pending=live.oldest_pending,
        dead=dead,
        findings=await listings_targets.open_findings(conn, tenant_id),
        accounts=await remembered.ask(conn, tenant_id, listings_targets.accounts),
        runs=await listings_runs.last_of_each(conn, tenant_id),
        schedules=await listings_targets.schedules(conn, tenant_id),
        day=day,
    )


async def cards(conn: Connection, tenant_id: UUID, known: Overview) -> tuple[ConnectorCard, ...]:
    """A card for each connector."""
    return tuple(_card(row, known) for row in await listings_targets.connectors(conn, tenant_id))


async def home(conn: Connection, tenant_id: UUID, known: Overview, *, remembered: Remembered) -> HomeView:
    """One look at everything."""
    shown_cards = await cards(conn, tenant_id, known)
    names = {card.brief.id: card.brief.name for card in shown_cards}
    counts = sum((each.counts for each in known.waiting.values()), Counter[str]())
    live = await listings_runs.page(conn, tenant_id, only_live=True, limit=_RUNS_SHOWN)
    latest = await listings_runs.page(conn, tenant_id, limit=_RUNS_SHOWN)
    runs = {row["id"]: row for row in (*live, *latest)}
    holds = await approvals.views(conn, tenant_id, is_decided=False, limit=_HOLDS_SHOWN)
    causes = [
        (r["error_code"] or "unknown", names.get(r["connector_id"], "deleted connector"), r["n"]) for r in known.dead
    ]
    return HomeView(
        badges=await badges(conn, tenant_id),
        connectors=shown_cards,
        counts=dict(counts),
        hours=known.day.as_counts(),
        completed_24h=known.day.completed.total(),
        failed_24h=sum(hour.failed for _, hour in known.day.hours),
        runs=tuple(recon.run_row(row) for row in list(runs.values())[:_RUNS_SHOWN]),
        holds=holds,
        dead_letter_causes=tuple(causes[:_CAUSES_SHOWN]),
        open_discrepancies=sum(sum(kinds.values()) for kinds in known.findings.values()),
        identities=await remembered.ask(conn, tenant_id, listings_targets.people),
        accounts=sum(card.accounts for card in shown_cards if card.is_target),
        as_of=datetime.now(UTC),
        oldest_pending_at=known.oldest_pending,
        last_dead_letter_at=max((row["latest"] for row in known.dead), default=None),
    )


async def detail(
    conn: Connection, tenant_id: UUID, known: Overview, *, connector_id: UUID, recent: tuple[OperationRow, ...]
) -> ConnectorDetail | None:
    """Settings and health of one; of its credentials the names are not read, only that there are some."""
    rows = await listings_targets.connectors(conn, tenant_id, connector_id=connector_id)
    stored = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
    if not rows or stored is None:
        return None
    active = await mappings.active(conn, tenant_id=tenant_id, connector_ids=[connector_id])
    mapping = active.get((connector_id, stored.object_class))
    return ConnectorDetail(
        card=_card(rows[0], known),
        config=shown(stored.config),
        credential_names=("credentials",) if rows[0]["has_credentials"] else (),
        object_class=stored.object_class,
        scope=stored.scope,
        deprovision=stored.deprovision,
        protected_filter=stored.protected_filter,
        limits=stored.limits,
        policy=stored.policy,
        mapping_version=mapping.version if mapping else None,
        mapping=mapping.rules if mapping else (),
        open_by_type=known.findings.get(connector_id, {}),
        recent=recent,
        version=stored.version,
    )


def _card(row: Record, known: Overview) -> ConnectorCard:
    connector_id = row["id"]
    waiting = known.waiting.get(connector_id, Waiting())
    run, schedule = known.runs.get(connector_id), known.schedules.get(connector_id)
    return ConnectorCard(
        brief=brief_of(row),
        is_target=row["is_target"],
        is_source=row["is_source"],
        has_baseline=not row["lacks_baseline"],
        counts=dict(waiting.counts),
        completed_24h=known.day.completed[connector_id],
        oldest_waiting_at=waiting.oldest,
        accounts=known.accounts.get(connector_id, 0),
        open_discrepancies=sum(known.findings.get(connector_id, {}).values()),
        last_run=recon.run_row(run) if run is not None else None,
        next_run_at=schedule["next_run_at"] if schedule is not None else None,
    )
