"""Sample records for the console: three targets and a source in the middle of an eventful night."""

import random
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from worker.console.views import (
    AccountView,
    AttemptView,
    AttributeChange,
    AuditRow,
    Candidate,
    CaseDetail,
    CaseRow,
    CauseRow,
    ChainView,
    ConflictDetail,
    ConflictRow,
    ConflictSide,
    ConnectorBrief,
    ConnectorCard,
    ConnectorDetail,
    Contribution,
    DiscrepancyRow,
    FollowUpView,
    HeldChange,
    HoldView,
    HourCount,
    IdentityDetail,
    IdentityRow,
    LogLine,
    OperationDetail,
    OperationRow,
    RunDetail,
    RunRow,
    SaidBefore,
    Suggestion,
    TrendDay,
)
from worker.domain.account import AccountState
from worker.domain.conflict import ConflictOutcome, ConflictStatus, ConflictStrategy, ConflictType
from worker.domain.connector import BreakerState, ConnectorStatus
from worker.domain.mapping import MappingRule
from worker.domain.operation import OperationStatus, OperationType, Origin, WaitReason

S, T, W = OperationStatus, OperationType, WaitReason
NOW = datetime.now(UTC)
RNG = random.Random(7)
PEOPLE = (
    ("Anna", "Aydın"),
    ("Jürgen", "Ångström"),
    ("Zoë", "Müller"),
    ("Łukasz", "Kowalski"),
    ("Marie-Claire", "O’Brien"),
    ("Ömer", "Weiß"),
    ("Priya", "Patel"),
    ("Søren", "Ivanova"),
    ("Beatriz", "García-López"),
    ("Chloé", "Haddad"),
    ("Dmitri", "Nguyễn"),
    ("Fatima", "Okafor"),
    ("Grace", "da Silva"),
)
BORN = "1985-03-02"
HOSTILE = "<script>alert('x')</script>"


def uid(kind: int, n: int) -> UUID:
    """A stable id for the n-th record of a kind."""
    return UUID(int=(0x0193_5000_0000_7000_8000 << 48) | (kind << 32) | (n * 2654435761 % (1 << 32)))


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


SQL = ConnectorBrief(uid(1, 1), "app-users", "sql", last_success_at=ago(seconds=4))
LDAP = ConnectorBrief(uid(1, 2), "ldap-main", "ldap", last_success_at=ago(seconds=11))
SCIM = ConnectorBrief(
    uid(1, 3),
    "crm-scim",
    "scim",
    breaker=BreakerState.OPEN,
    breaker_since=ago(minutes=14),
    last_error="connection refused by 127.0.0.1:8143",
    last_success_at=ago(minutes=14, seconds=20),
)
CSV = ConnectorBrief(uid(1, 4), "hr-export", "csv", last_success_at=ago(minutes=3))
HALF = ConnectorBrief(uid(1, 5), "wiki", "sql", ConnectorStatus.MAINTENANCE, last_success_at=ago(hours=5))
CONNECTORS = (SQL, LDAP, SCIM, CSV, HALF)


def person(n: int) -> tuple[str, str, str]:
    """Display name, user name and external id of the n-th person."""
    first, last = PEOPLE[n % 13][0], PEOPLE[(n * 7) % 13][1]
    spelt = unicodedata.normalize("NFKD", f"{first}.{last}".lower().translate(SPELT))
    return f"{first} {last}", spelt.encode("ascii", "ignore").decode(), f"E{10000 + n}"


SPELT = str.maketrans({"ß": "ss", "ł": "l", "ø": "oe", "ü": "ue", "ö": "oe", "ı": "i", " ": "-", "’": ""})
ERRORS = {
    S.FAILED: ("target_timeout", "no answer to MODIFY uid=… within 20 s"),
    S.DEAD_LETTER: ("invalid_attributes", "400 invalidValue: mail “a@@example” is no address (attribute emails.value)"),
}


def operation(n: int) -> OperationRow:
    status = RNG.choices(
        [S.COMPLETED, S.PENDING, S.IN_PROGRESS, S.FAILED, S.DEAD_LETTER, S.AWAITING_SYSTEM, S.RESOLVED, S.CANCELLED],
        [46, 12, 4, 9, 9, 14, 3, 3],
    )[0]
    connector = SCIM if status is S.AWAITING_SYSTEM and n % 5 else RNG.choice((SQL, LDAP))
    code, message = ERRORS.get(status, (None, None))
    if status is S.DEAD_LETTER and n % 3 == 0:
        code, message = "hook.deadline", "before-hook “names” ran longer than 250 ms (line 12)"
    kind = RNG.choices([T.UPDATE, T.CREATE, T.DELETE], [6, 4, 1])[0]
    waits = None
    if status is S.AWAITING_SYSTEM:
        waits = W.BREAKER if connector is SCIM else RNG.choice((W.CASE, W.APPROVAL, W.BASELINE))
    subject = person(n)[1] if n != 5 else HOSTILE
    return OperationRow(
        id=uid(2, n),
        operation_type=kind,
        status=status,
        connector_id=connector.id,
        connector_name=connector.name,
        subject=subject,
        created_at=ago(seconds=40 * n + 30),
        updated_at=ago(seconds=37 * n + 3),
        active=(n % 8 == 0) if kind is T.UPDATE and n % 4 == 0 else None,
        user_id=uid(3, n % 60),
        target_uid=f"uid={subject},ou=people,dc=example" if connector is LDAP and kind is not T.CREATE else None,
        wait_reason=waits,
        error_code=code,
        error_message=message,
        retry_count=4 if status is S.FAILED else 0,
        next_retry_at=NOW + timedelta(seconds=200) if status is S.FAILED else None,
        priority=100 if n == 9 else 0,
        origin=RNG.choice((Origin.SOURCE, Origin.RECON, Origin.EVENT, Origin.API)),
    )


OPERATIONS = [operation(n) for n in range(260)]
CHANGES = (
    AttributeChange("mail", "anna.aydin@old.example", "anna.aydin@example.org"),
    AttributeChange("title", None, "Head of Logistics"),
    AttributeChange("mobile", "+49 170 5550188", None),
    AttributeChange("memberOf", ["staff", "vpn"], ["staff", "vpn", "logistics"]),
    AttributeChange("userPassword", None, None, is_secret=True),
    AttributeChange("sn", "Aydın", "Aydın"),
    AttributeChange("givenName", "Anna", "Anna"),
    AttributeChange("departmentNumber", "4120", "4120"),
)


def attempts(row: OperationRow) -> tuple[AttemptView, ...]:
    tries = {S.FAILED: 4, S.DEAD_LETTER: 1, S.COMPLETED: 1, S.IN_PROGRESS: 1}.get(row.status, 0)
    found = []
    for number in range(1, tries + 1):
        running = row.status is S.IN_PROGRESS
        good = row.status is S.COMPLETED
        started = row.updated_at - timedelta(seconds=60 * (tries - number) ** 2 + 20)
        found.append(
            AttemptView(
                attempt_number=number,
                started_at=started,
                completed_at=None if running else started + timedelta(seconds=0.084 if good else 20),
                success=good,
                error_code=None if good or running else row.error_code,
                error_message=None if good or running else row.error_message,
                duration_ms=None if running else (84.2 if good else 20_004),
                worker="host-a/4711",
                sent={"mail": "anna.aydin@example.org", "userPassword": {"secret": True}} if not running else None,
            )
        )
    return tuple(found)


FOLLOW_UPS = (
    FollowUpView("leavers (version 2)", "update", uid(2, 4), ago(minutes=9)),
    FollowUpView("leavers (version 2)", "disable", None, ago(minutes=-50), is_waiting=True),
    FollowUpView("leavers (version 2)", "enable", None, ago(minutes=8), note="the person has no account at badges"),
)


def operation_detail(row: OperationRow) -> OperationDetail:
    bad = row.status in {S.FAILED, S.DEAD_LETTER}
    lines = [LogLine(row.created_at + timedelta(seconds=1), "info", "payload rewritten by a newer plan (mail)")]
    if bad:
        lines.append(LogLine(row.updated_at, "error", row.error_message or ""))
        lines.append(LogLine(row.updated_at, "warn", "next try in 4 min"))
    return OperationDetail(
        row=row,
        connector=next(c for c in CONNECTORS if c.id == row.connector_id),
        payload={"attributes": {"mail": "anna.aydin@example.org", "title": "Head of Logistics", "mobile": None}},
        changes=CHANGES,
        attempts=attempts(row),
        logs=tuple(lines) if bad else (),
        started_at=row.created_at + timedelta(seconds=4) if attempts(row) else None,
        completed_at=row.updated_at if row.status.is_terminal else None,
        correlation_id=uid(9, 1),
        run_id=uid(4, 1) if row.origin is Origin.RECON else None,
        case_id=uid(5, 0) if row.wait_reason is W.CASE else None,
        hold_id=uid(6, 0) if row.wait_reason is W.APPROVAL else None,
        identity_version=7,
        mapping_version=3,
        resolution_notes="made by hand at the target" if row.status is S.RESOLVED else None,
        resolved_by="Grace Okafor" if row.status is S.RESOLVED else None,
        resolved_at=row.updated_at if row.status is S.RESOLVED else None,
        details={"match": {"confidence": 0.998, "match_type": "exact"}} if row.status is S.COMPLETED else {},
        chain=ChainView(uid(2, 3), FOLLOW_UPS) if row.status is S.COMPLETED else ChainView(),
        lane_ahead=2 if row.status is S.PENDING else 0,
        lane_head=uid(2, 3),
        audit=AUDIT[:3],
    )


def run(n: int, connector: ConnectorBrief, status: str, **more: Any) -> RunRow:
    values: dict[str, Any] = {
        "id": uid(4, n),
        "connector_id": connector.id,
        "connector_name": connector.name,
        "kind": "reconciliation",
        "mode": "full",
        "status": status,
        "created_at": ago(hours=n, minutes=2),
        "started_at": ago(hours=n, minutes=2),
        "completed_at": ago(hours=n) if status in {"completed", "failed", "cancelled"} else None,
        "listing_complete": True if status == "completed" else None,
        "accounts_total": 4862,
        "accounts_processed": 4862 if status == "completed" else 3110,
        "discrepancies_found": 41,
        "items_total": 38,
        "items_success": 38,
        "created_by": "Grace Okafor" if n % 2 else None,
        "trigger": "manual" if n % 2 else "scheduled",
    }
    return RunRow(**{**values, **more})


RUNS = [
    run(0, SQL, "running", items_total=12, items_success=9),
    run(1, LDAP, "completed", items_error=3, items_success=35),
    run(2, CSV, "paused", kind="import", pause_reason="safeguard", accounts_total=2500, accounts_processed=2500),
    run(3, SQL, "completed", discrepancies_found=0, items_total=0, items_success=0),
    run(4, LDAP, "completed", dry_run=True, items_success=0),
    run(5, SCIM, "failed", error_message="the target stopped answering on page 4 of about 10", listing_complete=False),
    run(6, LDAP, "cancelled"),
]

CANDIDATES = ((uid(3, 1), "Jürgen Kowalski"), (uid(3, 2), "Jurgen Kowalski"))


def discrepancy(n: int) -> DiscrepancyRow:
    kind = ("mismatch", "missing", "orphan", "unlinked", "collision", "deleted")[n % 6]
    name, plain, _ = person(n)
    suggestions = {
        "mismatch": (
            Suggestion("update", "xavyo_to_target", "The identity is the source of these attributes."),
            Suggestion("update", "target_to_xavyo"),
        ),
        "missing": (Suggestion("create", "xavyo_to_target", "The identity is in scope and active."),),
        "orphan": (
            Suggestion("delete", "xavyo_to_target", "Nobody has owned it in three runs."),
            Suggestion("create", "target_to_xavyo"),
        ),
        "unlinked": (Suggestion("link", "xavyo_to_target", "employeeNumber is equal, and it is unique."),),
        "collision": (Suggestion("link", "xavyo_to_target", "Decide which of the two it is."),),
        "deleted": (Suggestion("create", "xavyo_to_target", "The identity is still in scope."),),
    }[kind]
    return DiscrepancyRow(
        id=uid(7, n),
        discrepancy_type=kind,
        first_seen_at=ago(hours=30),
        last_seen_at=ago(hours=1),
        identity_id=None if kind in {"orphan", "collision"} else uid(3, n),
        identity_name=None if kind in {"orphan", "collision"} else name,
        external_uid=None if kind == "missing" else f"uid={plain},ou=people,dc=example",
        account_name=None if kind == "missing" else plain,
        attributes=CHANGES[: 1 + n % 4] if kind == "mismatch" else (),
        suggestions=suggestions,
        candidates=CANDIDATES if kind == "collision" else (),
        case_id=uid(5, 1) if kind == "collision" else None,
        resolution_status="pending" if n < 30 else ("resolved" if n < 36 else "ignored"),
        resolved_action="update",
        resolved_by="Grace Okafor",
        resolved_at=ago(minutes=40),
        ignored_reason="known test account",
        ignored_until=NOW + timedelta(days=30),
        occurrences=3,
        operation_id=uid(2, 4) if n == 0 else None,
        operation_status=S.PENDING if n == 0 else None,
    )


DISCREPANCIES = [discrepancy(n) for n in range(41)]

HOLDS = [
    HoldView(
        id=uid(6, 0),
        connector_id=CSV.id,
        connector_name=SQL.name,
        kind="source",
        is_import=True,
        status="pending",
        reason="hr-export has 2,500 rows; last time it had 5,000. Half of the source is gone.",
        requested_at=ago(minutes=12),
        removals=2500,
        allowed=243,
        accounts=4862,
        used=3,
        run_id=uid(4, 2),
        requested_by="schedule “hr nightly”",
        requested_by_id=uid(8, 9),
        expires_at=NOW + timedelta(days=6, hours=23),
        sample=tuple(
            HeldChange(person(n)[0], "disable", uid(3, n), uid(2, n), "no longer in hr-export.csv") for n in range(5)
        ),
    ),
    HoldView(
        id=uid(6, 1),
        connector_id=LDAP.id,
        connector_name=LDAP.name,
        kind="removals",
        status="pending",
        reason="A changed scope would remove 300 accounts.",
        requested_at=ago(hours=2),
        removals=300,
        allowed=240,
        accounts=4801,
        requested_by="Me Myself",
        requested_by_id=uid(8, 1),
        needs_second_person=True,
        sample=(HeldChange("Zoë Weiß", "delete", uid(3, 2), None, "out of scope: department ne “Sales”"),),
    ),
]
DECIDED = [
    HoldView(
        id=uid(6, 2),
        connector_id=SQL.id,
        connector_name=SQL.name,
        kind="source",
        status="rejected",
        reason="The source file was empty.",
        requested_at=ago(days=2),
        removals=4862,
        allowed=243,
        accounts=4862,
        decided_by="Grace Okafor",
        decided_at=ago(days=1, hours=23),
        notes="HR export job had failed",
    )
]


def case(n: int) -> CaseRow:
    name, _, _ = person(n + 3)
    decided = n > 4
    return CaseRow(
        id=uid(5, n),
        connector_id=LDAP.id,
        connector_name=LDAP.name,
        subject=name,
        subject_kind="identity" if n % 2 == 0 else "account",
        status="decided" if decided else "open",
        opened_at=ago(minutes=17 * (n + 1)),
        candidates=2,
        best_confidence=0.91 - n / 50,
        best_label=person(n + 3)[1],
        operation_id=uid(2, 4) if n % 2 == 0 else None,
        decision="confirmed" if decided else None,
        decided_by="Grace Okafor" if decided else None,
        decided_at=ago(minutes=2) if decided else None,
    )


CASES = [case(n) for n in range(7)]


def conflict(n: int, conflict_type: ConflictType, outcome: ConflictOutcome | None) -> ConflictRow:
    return ConflictRow(
        id=uid(9, n),
        connector_id=LDAP.id,
        connector_name=LDAP.name,
        subject=person(n + 3)[0],
        conflict_type=conflict_type,
        affected=("departmentNumber", "mail"),
        status=ConflictStatus.RESOLVED if outcome else ConflictStatus.PENDING,
        strategy=ConflictStrategy.MANUAL,
        older_id=uid(2, 0),
        newer_id=uid(2, 1) if conflict_type is ConflictType.CONCURRENT_UPDATE else None,
        found_at=ago(minutes=13 * (n + 1)),
        outcome=outcome,
        identity_id=uid(3, n),
        resolved_at=ago(minutes=2) if outcome else None,
        resolved_by="Grace Okafor" if outcome else None,
        notes="The ticket says so." if outcome else None,
    )


CONFLICTS = [
    conflict(0, ConflictType.CONCURRENT_UPDATE, None),
    conflict(1, ConflictType.EXTERNAL_CHANGE, ConflictOutcome.REJECTED),
]


def conflict_detail(row: ConflictRow) -> ConflictDetail:
    def side(n: int, mail: str) -> ConflictSide:
        return ConflictSide(
            id=uid(2, n),
            status=OperationStatus.AWAITING_SYSTEM,
            operation_type=OperationType.UPDATE,
            origin=Origin.API if n else Origin.EVENT,
            accepted_at=ago(minutes=20 - n),
            values={"mail": mail, "departmentNumber": "4120"},
        )

    newer = side(1, "l.kowalski@example.org") if row.newer_id else None
    return ConflictDetail(
        row=row, older=side(0, "lukas@example.org"), newer=newer, at_target={"mail": "old@example.org"}
    )


def case_detail(row: CaseRow) -> CaseDetail:
    def candidate(confidence: float, label: str, *, near: bool) -> Candidate:
        return Candidate(
            label=label,
            confidence=confidence,
            uid=f"uid={label},ou=people,dc=example",
            attributes={"cn": "Lukas Kowalski", "departmentNumber": "4120", "mail": f"{label}@example.org"},
            contributions=(
                Contribution("family name", 6.1, "Kowalski", "Kowalski", "'Kowalski' on both sides"),
                Contribution(
                    "given name", 2.4 if near else -1.2, "Łukasz", "Lukas" if near else "Lukrezia", "88 % alike"
                ),
                Contribution("birth date", 7.3 if near else -5.5, BORN, BORN if near else "1991-11-30"),
                Contribution("employee number", 0, "E10003"),
            ),
            vetoed_by=None if near else "birth date",
        )

    return CaseDetail(
        row=row,
        attributes={"name": row.subject, "employee_number": "E10003", "department": "Logistics"},
        candidates=(candidate(0.91, "lukas.kowalski", near=True), candidate(0.06, "lukrezia.kowalski", near=False)),
        rule_set_version=2,
        reason="the best candidate is less sure than 99.5 %",
        alike="3 like this were decided: 2 × the best candidate, 1 × none of them",
        alike_at=ago(days=1),
        about=(
            SaidBefore(f"lukas.kowalski is not {HOSTILE}’s.", ago(days=1), "ines.koch"),
            SaidBefore("l.kowalski is lukas.kowalski’s.", ago(days=3), "ines.koch"),
        ),
        final="This case is open: nobody has answered it." if row.status == "open" else None,
    )


def identity(n: int) -> IdentityRow:
    name, plain, external = person(n)
    return IdentityRow(
        id=uid(3, n),
        external_id=external,
        user_name=plain,
        display_name=name if n != 5 else HOSTILE,
        active=n % 9 != 4,
        updated_at=ago(hours=n),
        department=("Logistics", "Sales", "Engineering", "People")[n % 4],
        accounts=3 if n % 7 else 0,
        trouble=1 if n % 6 == 1 else 0,
    )


IDENTITIES = [identity(n) for n in range(60)]


def identity_detail(row: IdentityRow) -> IdentityDetail:
    waiting = next(o for o in OPERATIONS if o.status is S.AWAITING_SYSTEM)
    accounts = (
        AccountView(
            id=uid(10, 1),
            connector=LDAP,
            object_class="user",
            state=AccountState.ACTIVE,
            situation="linked",
            uid=f"uid={row.user_name},ou=people,dc=example",
            wanted_active=True,
            observed_active=True,
            changes=CHANGES[1:4] + CHANGES[5:],
            observed_at=ago(hours=1),
            last_change_at=ago(days=2),
            last_change_by="schedule “nightly”",
            last_change_run_id=uid(4, 1),
            last_change_operation_id=uid(2, 8),
        ),
        AccountView(
            id=uid(10, 2),
            connector=SQL,
            object_class="user",
            state=AccountState.ACTIVE,
            situation="linked",
            uid="4711",
            wanted_active=True,
            observed_active=True,
            changes=CHANGES[5:],
            observed_at=ago(minutes=4),
            last_change_at=ago(minutes=4),
            last_change_by="Grace Okafor",
        ),
        AccountView(
            id=uid(10, 3),
            connector=SCIM,
            object_class="user",
            state=AccountState.PENDING,
            situation="linked",
            live_operation=waiting,
        ),
    )
    return IdentityDetail(
        row=row,
        attributes={
            "given_name": "Anna",
            "family_name": "Aydın",
            "department": "Logistics",
            "groups": ["staff", "vpn"],
        },
        sources={"given_name": "hr-export", "family_name": "hr-export"},
        accounts=accounts if row.accounts else (),
        operations=tuple(o for o in OPERATIONS if o.user_id == row.id)[:8],
        created_at=ago(days=400),
        version=7,
        is_emergency_disabled=row.id == uid(3, 4),
        audit=AUDIT[:4],
    )


ACTIONS = ("operation.retried", "run.started", "discrepancy.remediated", "approval.rejected", "session.opened")
AUDIT = tuple(
    AuditRow(
        n=4000 - n,
        at=ago(minutes=3 * n),
        actor=("Grace Okafor", "ci token", "nightly")[n % 3],
        actor_kind=("user", "token", "schedule")[n % 3],
        action=ACTIONS[n % 5],
        object_type=ACTIONS[n % 5].split(".")[0],
        object_id=str(uid(2, n)),
        details={"ids": 3, "reason": "target is back"} if n % 2 else {},
    )
    for n in range(40)
)


def card(brief: ConnectorBrief) -> ConnectorCard:
    mine = [o for o in OPERATIONS if o.connector_id == brief.id]
    live = {s: sum(1 for o in mine if o.status is s) for s in S if not s.is_terminal}
    return ConnectorCard(
        brief=brief,
        is_target=brief is not CSV,
        is_source=brief is CSV,
        counts={s: n * (37 if brief is SCIM else 1) for s, n in live.items() if n},
        completed_24h=4862,
        oldest_waiting_at=ago(minutes=14) if any(live.values()) else None,
        accounts=5000 if brief is CSV else 4862,
        has_baseline=brief is not HALF,
        open_discrepancies=30 if brief is LDAP else 0,
        last_run=next((r for r in RUNS if r.connector_id == brief.id), None),
        next_run_at=NOW + timedelta(hours=5),
    )


def connector_detail(brief: ConnectorBrief) -> ConnectorDetail:
    return ConnectorDetail(
        card=card(brief),
        config={"url": "ldap://127.0.0.1:3890", "base": "ou=people,dc=example", "start_tls": False},
        credential_names=("bind_dn", "bind_password"),
        scope='active eq true and department ne "Contractors"',
        protected_filter='user_name sw "admin"',
        policy={"mismatch": "update", "missing": "create", "orphan": "ask"},
        mapping_version=3,
        mapping=(
            MappingRule("uid", source="user_name", transforms=("lower",), required=True),
            MappingRule("mail", expression='attrs["user_name"] + "@example.org"'),
            MappingRule("objectClass", constant="inetOrgPerson"),
            MappingRule("memberOf", source="groups", multi_valued=True),
        ),
        open_by_type={"mismatch": 12, "orphan": 4, "missing": 0} if brief is LDAP else {},
        recent=tuple(o for o in OPERATIONS if o.connector_id == brief.id)[:6],
        version=4,
    )


CAUSES = (
    CauseRow(
        id="a1",
        attribute="mail",
        words="another part behind the @: example.org > example.com",
        count=1204,
        alone=1190,
        uid="uid=ada",
        expected="ada@example.org",
        actual="ada@example.com",
    ),
    CauseRow(id="b2", attribute="title", words="there is none", count=3, alone=0, uid="uid=bo", expected="Clerk"),
)


def run_detail(row: RunRow) -> RunDetail:
    clean = not row.discrepancies_found
    connector = next(c for c in CONNECTORS if c.id == row.connector_id)
    return RunDetail(
        row=row,
        connector=connector,
        correlation_id=uid(9, 2),
        by_type={}
        if clean
        else {"mismatch": 21, "missing": 9, "orphan": 6, "unlinked": 3, "collision": 1, "deleted": 1},
        by_resolution={} if clean else {"resolved": 38, "pending": 3},
        by_action={} if clean else {"update": 21, "create": 10, "link": 3},
        by_result={} if clean else {"success": 35, "failure": row.items_error},
        top_attributes=() if clean else (("mail", 14), ("title", 9), ("memberOf", 4)),
        causes=() if clean else tuple(CAUSES),
        errors=(("400 invalidValue: mail is no address", 3),) if row.items_error else (),
        duration_seconds=118.4 if row.completed_at else None,
        accounts_per_second=1840.0,
        api_calls_made=21,
        pages=13 if not row.completed_at else 0,
        ranges=(8, 3, 2) if row.status == "running" else None,
        expected=row.accounts_total if not row.completed_at else None,
        seconds_left=72.0 if row.status == "running" else None,
        notes=("Two values of accounts could not be read.",) if row.items_error else (),
        hold=HOLDS[0] if row.status == "paused" else None,
        sample=() if clean else tuple(DISCREPANCIES[:6]),
        as_of=NOW,
    )


def trend_day(n: int, days: int) -> TrendDay:
    """A day of which the last is today: something every week, all of it settled in time."""
    busy = n % 7 == 3
    return TrendDay(
        date=NOW.date() - timedelta(days=days - 1 - n),
        detected={"mismatch": 40 + n, "missing": 3} if busy else {},
        open={"mismatch": max(0, 40 - 9 * ((n - 3) % 7)), "orphan": 6},
    )


HOURS = tuple(
    HourCount(
        NOW.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23 - n),
        completed=(40, 12, 5, 3, 880, 340, 20, 90)[n % 8] + n * 9,
        failed=(0, 0, 2, 0, 60, 0, 0, 1)[n % 8],
    )
    for n in range(24)
)
