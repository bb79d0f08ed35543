"""What ``provisiond doctor`` makes of what it finds: a grade, a sentence, and what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from worker.domain.connector import BreakerState, Connector, ConnectorStatus
from worker.hooks import HookStatus
from worker.store.schema import CODE_NUMBER, SchemaState, refusal
from worker.store.server import Server
from worker.store.standing import Standing

OLDEST_SERVER = 15
CLOCKS_DIFFER = timedelta(seconds=30)
#: An operation that could run waits no longer than this where daemons keep up.
LONG_WAIT = timedelta(minutes=5)


class Grade(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``advice`` says what to do where it is not well and that is not said yet."""

    what: str
    grade: Grade
    said: str
    advice: str = ""


def of_schema(found: SchemaState, *, code: int = CODE_NUMBER) -> Finding:
    """Whether this version may work on the schema."""
    reason = refusal(found, code=code)
    if reason is not None:
        return Finding("schema", Grade.BAD, reason)
    ahead = "" if found.applied == code else f" and serves this version, which needs step {code}"
    return Finding("schema", Grade.OK, f"The schema is at step {found.applied}{ahead}.")


def of_standing(found: Standing, *, now: datetime) -> list[Finding]:
    """The daemon's role, and the server it is connected to."""
    return [_of_role(found), _of_server(found), _of_clock(found.now - now)]


def of_pooler(found: Server, *, shares_servers: bool) -> list[Finding]:
    """What is between us and the server; nothing where it is the server itself."""
    if not found.is_pooled:
        return []
    said = "It lends a server connection for a transaction: statements are not kept prepared."
    if shares_servers:
        return [Finding("pooler", Grade.OK, said)]
    advice = (
        "Set its pool_mode to transaction, or connect to PostgreSQL itself: each of our connections holds one there."
    )
    return [Finding("pooler", Grade.WARN, "It seems to keep a server connection for each of ours.", advice)]


def of_sandbox(found: HookStatus, *, require_seccomp: bool) -> Finding:
    """How much of the hardening of operators' scripts this kernel gives."""
    if not found.missing:
        return Finding("sandbox", Grade.OK, "Scripts run in a process that the kernel has locked in.")
    lacking = f"Scripts run in a process of their own, without {', '.join(found.missing)}: this kernel has it not."
    if "seccomp" in found.missing and require_seccomp:
        return Finding("sandbox", Grade.BAD, lacking, "Run the daemon where seccomp is allowed.")
    return Finding("sandbox", Grade.WARN, lacking, "Let only people whom you trust write scripts.")


def of_connector(connector: Connector, *, error: str | None) -> Finding:
    """One connector: whether it is in use, answers, is called at all and was ever listed. ``error``: of the call."""
    what = f"connector {connector.name}"
    if connector.status is not ConnectorStatus.ACTIVE:
        advice = "Its operations wait; activate it when its work is done."
        return Finding(what, Grade.WARN, f"It is switched to {connector.status.value}.", advice)
    if error is not None:
        return Finding(what, Grade.BAD, error, "See that it is up, and that its address and credentials are right.")
    if connector.breaker is not BreakerState.CLOSED:
        advice = "It closes by itself at the next probe that succeeds."
        return Finding(what, Grade.WARN, f"It answers, its breaker is still {connector.breaker.value}.", advice)
    if connector.is_target and not connector.has_baseline and connector.settings.get("require_baseline", True):
        advice = f"Run `provisiond recon run {connector.name}`: nothing is created there before."
        return Finding(what, Grade.WARN, "It answers and was never listed completely.", advice)
    return Finding(what, Grade.OK, "It answers.")


def of_no_tenant() -> Finding:
    """A database in which nobody's people can be kept yet."""
    advice = "Make one: `provisiond tenants create NAME`."
    return Finding("tenants", Grade.WARN, "There is none: nothing can be stored or done.", advice)


def of_workers(alive: int, *, draining: int) -> Finding:
    """The daemons that hold a lease."""
    if alive == 0:
        return Finding("daemons", Grade.BAD, "No daemon is at work.", "Start one: `provisiond serve`.")
    if alive == draining:
        return Finding("daemons", Grade.WARN, "Every daemon is stopping.", "Start another one.")
    return Finding(
        "daemons", Grade.OK, f"{alive} at work." if not draining else f"{alive} at work, {draining} stopping."
    )


def of_oldest(oldest: datetime | None, *, now: datetime) -> Finding:
    """How long the oldest operation waits that could run."""
    if oldest is None:
        return Finding("queue", Grade.OK, "Nothing waits to be run.")
    said = f"The oldest operation that could run has waited for {_words(now - oldest)}."
    if now - oldest > LONG_WAIT:
        return Finding("queue", Grade.WARN, said, "Look at `provisiond ops list --status pending`; add daemons.")
    return Finding("queue", Grade.OK, said)


def of_dead_letters(counts: Mapping[str, int]) -> Finding:
    """Operations that were given up, by connector."""
    places = [f"{n} at {name}" for name, n in sorted(counts.items()) if n]
    if not places:
        return Finding("dead letters", Grade.OK, "There is none.")
    advice = "See `provisiond ops list --status dead_letter`; redrive or resolve them."
    return Finding("dead letters", Grade.WARN, f"{', '.join(places)}.", advice)


def of_waiting(*, approvals: int, cases: int) -> Finding:
    """What waits for a person's decision."""
    waiting = [f"{n} {what}" for n, what in ((approvals, "held by the safeguard"), (cases, "open cases")) if n]
    if not waiting:
        return Finding("decisions", Grade.OK, "None is waited for.")
    held = "Look at what is held with `provisiond recon approvals`, or in the console under /approvals."
    asked = "Decide whose accounts these are in the console, under /correlation/cases."
    advice = " ".join(text for n, text in ((approvals, held), (cases, asked)) if n)
    return Finding("decisions", Grade.WARN, f"{', '.join(waiting)}.", advice)


def worst(findings: Sequence[Finding]) -> Grade:
    """The grade of the whole."""
    order = list(Grade)
    return max((each.grade for each in findings), key=order.index, default=Grade.OK)


def _of_role(found: Standing) -> Finding:
    able = [
        words
        for is_so, words in (
            (found.is_superuser, "is a superuser"),
            (found.bypasses_rls, "can bypass row-level security"),
            (found.owned > 0, f"owns {found.owned} objects of the schema"),
        )
        if is_so
    ]
    if not able:
        return Finding("role", Grade.OK, f"{found.role} owns nothing and cannot bypass row-level security.")
    advice = "Connect as a role that migrated nothing and has neither SUPERUSER nor BYPASSRLS."
    return Finding("role", Grade.BAD, f"{found.role} {' and '.join(able)}: tenants are not kept apart.", advice)


def _of_server(found: Standing) -> Finding:
    said = f"PostgreSQL {found.server_version}."
    if found.server_version < OLDEST_SERVER:
        return Finding("server", Grade.BAD, said, f"Version {OLDEST_SERVER} or newer is needed.")
    if found.is_standby:
        advice = "Give the daemon the primary, or all servers in one URL with target_session_attrs=read-write."
        return Finding("server", Grade.BAD, f"{said} It is a read-only standby.", advice)
    if found.lossy:
        advice = "A power cut would lose operations that were acknowledged: turn it on."
        return Finding("server", Grade.WARN, f"{said} It has {', '.join(found.lossy)} off.", advice)
    return Finding("server", Grade.OK, said)


def _of_clock(ahead: timedelta) -> Finding:
    if abs(ahead) <= CLOCKS_DIFFER:
        return Finding("clock", Grade.OK, "The server's clock and this machine's agree.")
    said = (
        f"The server's clock is {_words(abs(ahead))} {'ahead of' if ahead > timedelta() else 'behind'} this machine's."
    )
    return Finding("clock", Grade.WARN, said, "Keep both by NTP: the ages of operations are shown wrong.")


def _words(span: timedelta) -> str:
    seconds = max(int(span.total_seconds()), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
