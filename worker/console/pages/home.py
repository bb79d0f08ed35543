"""Home: is all well, and if not, what needs a person."""

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from worker.console import findings, hook_words, words
from worker.console.desk import Desk, Visit
from worker.console.views import ConnectorCard, HoldView, HomeView, HookFilter, HookPage, HookRow
from worker.domain.connector import ConnectorStatus
from worker.domain.operation import OperationStatus

#: A person switched these connectors so; they need nobody.
CHOSEN = frozenset({ConnectorStatus.MAINTENANCE, ConnectorStatus.INACTIVE})

#: More suspended hooks than these are seen in their list.
MOST_HOOKS = 5


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that waits for a person: what, why in a sentence, and where to go."""

    family: str
    icon: str
    title: str
    text: str
    link: str
    button: str


def routes(desk: Desk) -> list[Route]:
    return [Route("/", desk.signed_in(home))]


async def home(visit: Visit) -> Response:
    view = await visit.reads.home(visit.tenant_id)
    suspended = await visit.hooks.hooks(visit.tenant_id, where=HookFilter(is_suspended=True, limit=MOST_HOOKS))
    return await visit.render("home.html", view=view, needs=needs(view, suspended=suspended), summary=summary(view))


def needs(view: HomeView, *, suspended: HookPage | None = None) -> tuple[Need, ...]:
    """What waits for a person, the worst first; ``suspended`` hooks are asked for apart."""
    found = [_hold_need(hold) for hold in view.holds]
    unseen = view.badges.approvals - len(view.holds)
    if unseen > 0:
        text = "The safeguard holds more than is shown here."
        found.append(Need("purple", "shield", f"{unseen} more approvals", text, "/approvals", "Review"))
    found += [
        Need("red", "plug", f"{card.brief.name} is not taking work", _down_text(trouble, card), link, "Look")
        for card in view.connectors
        if card.brief.status not in CHOSEN
        and (trouble := words.connector_trouble(card.brief))
        and (link := f"/connectors/{card.brief.id}")
    ]
    found += [*_sandbox_needs(suspended), *_hook_needs(suspended)] if suspended else []
    if view.badges.dead_letters:
        found.append(_dead_letter_need(view))
    if view.badges.cases:
        title = words.count(view.badges.cases, "account case")
        text = "Somebody must say whose account it is; the creates wait until then."
        found.append(Need("blue", "question", title, text, "/correlation/cases", "Decide"))
    if view.open_discrepancies:
        found.append(_discrepancy_need(view))
    return tuple(found)


def summary(view: HomeView) -> str:
    """The one line under the headline."""
    targets = [card for card in view.connectors if card.is_target]
    well = sum(1 for card in targets if words.connector_trouble(card.brief) is None)
    resting = sum(1 for card in targets if card.brief.status is ConnectorStatus.MAINTENANCE)
    return (
        f"{words.count(view.identities, 'identity', 'identities')} · {words.count(view.accounts, 'account')} · "
        f"{well} of {words.count(len(targets), 'target')} healthy" + (f", {resting} in maintenance" if resting else "")
    )


def _hold_need(hold: HoldView) -> Need:
    text = hold.reason or findings.hold_sentence(hold)
    return Need("purple", "shield", f"{findings.held_things(hold)}, held", text, f"/approvals#h-{hold.id}", "Review")


def _sandbox_needs(page: HookPage) -> list[Need]:
    """Only the filter of system calls is for a person: without it the sandbox is no wall against an attacker."""
    if "seccomp" not in page.missing:
        return []
    return [Need("amber", "shield", "Scripts run without seccomp", hook_words.sandbox(page.missing), "/hooks", "Look")]


def _hook_needs(page: HookPage) -> list[Need]:
    found = [_hook_need(row) for row in page.rows]
    unseen = page.total - len(page.rows)
    if unseen > 0:
        title = f"{words.count(unseen, 'more hook')} suspended"
        found.append(Need("red", "script", title, "Scripts that did harm rest.", "/hooks?suspended=true", "Look"))
    return found


def _hook_need(row: HookRow) -> Need:
    text = f"{hook_words.state(row).sentence} Its operations go as its bindings say of a failure."
    return Need("red", "script", f"The hook {row.name} is suspended", text, f"/hooks/{row.id}", "Look")


def _discrepancy_need(view: HomeView) -> Need:
    """Leads to the target that differs most."""
    differing = sorted(
        (card for card in view.connectors if card.open_discrepancies), key=lambda card: -card.open_discrepancies
    )
    places = "; ".join(f"{card.brief.name}: {words.number(card.open_discrepancies)}" for card in differing[:4])
    title = words.count(view.open_discrepancies, "open discrepancy", "open discrepancies")
    text = f"{places}. A full run repairs what the connector's policy covers; the rest is for a person."
    link = f"/connectors/{differing[0].brief.id}/reconciliation/discrepancies" if differing else "/connectors"
    return Need("yellow", "mismatch", title, text, link, "Look")


def _down_text(trouble: str, card: ConnectorCard) -> str:
    waiting = card.counts.get(OperationStatus.AWAITING_SYSTEM, 0)
    if not waiting:
        return trouble
    why = f"{card.brief.last_error.rstrip('.')}. " if card.brief.last_error else ""
    return f"{why}{words.count(waiting, 'operation')} wait and spend no try."


def _dead_letter_need(view: HomeView) -> Need:
    causes = "; ".join(
        f"{connector}: {words.cause_of(code).title.lower()} ({words.number(n)})"
        for code, connector, n in view.dead_letter_causes[:3]
    )
    title = words.count(view.badges.dead_letters, "dead letter")
    return Need("amber", "dead_letter", title, causes, "/connectors/operations/dlq", "Look")
