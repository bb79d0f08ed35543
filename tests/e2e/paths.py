"""Every page of the console over the sample, by name."""

from tests.e2e.fakes import hooks, mappings, rules, sample
from worker.domain.operation import OperationStatus


def operation(status: OperationStatus) -> str:
    """The page of the newest sample operation in this status."""
    return f"/connectors/operations/{next(o.id for o in sample.OPERATIONS if o.status is status)}"


LDAP = f"/connectors/{sample.LDAP.id}"
RECONCILIATION = f"{LDAP}/reconciliation"
DEAD = operation(OperationStatus.DEAD_LETTER)
HOOK = f"/hooks/{hooks.LOGIN}"
MAPPING = f"{LDAP}/mappings"
RULES = f"/correlation/rules/{sample.LDAP.id}"
SCHEDULE = f"{RECONCILIATION}/schedule"
PAUSED = f"/connectors/{sample.CSV.id}/reconciliation/runs/{sample.RUNS[2].id}"

PAGES: dict[str, str] = {
    "home": "/",
    "sign-in": "/sign-in",
    "operations": "/connectors/operations",
    "operations, filtered to nothing": "/connectors/operations?q=nobody",
    "dead letters": "/connectors/operations/dlq",
    "failed operation": operation(OperationStatus.FAILED),
    "dead letter": DEAD,
    "completed operation": operation(OperationStatus.COMPLETED),
    "waiting operation": operation(OperationStatus.AWAITING_SYSTEM),
    "connectors": "/connectors",
    "connector": LDAP,
    "reconciliation": RECONCILIATION,
    "running": f"/connectors/{sample.SQL.id}/reconciliation",
    "run with errors": f"{RECONCILIATION}/runs/{sample.RUNS[1].id}",
    "run under way": f"/connectors/{sample.SQL.id}/reconciliation/runs/{sample.RUNS[0].id}",
    "dry run of a target": f"{RECONCILIATION}/runs/{sample.RUNS[4].id}",
    "run held by the safeguard": PAUSED,
    "run that found nothing": f"/connectors/{sample.SQL.id}/reconciliation/runs/{sample.RUNS[3].id}",
    "discrepancies": f"{RECONCILIATION}/discrepancies",
    "discrepancy with its history": f"{RECONCILIATION}/discrepancies/{sample.uid(7, 30)}",
    "repairing one": f"{RECONCILIATION}/discrepancies/remediate?id={sample.uid(7, 6)}",
    "repairing many": f"{RECONCILIATION}/discrepancies/remediate?"
    + "&".join(f"id={sample.uid(7, n)}" for n in range(5, 13)),
    "undoing": f"{RECONCILIATION}/discrepancies/{sample.uid(7, 30)}/undo",
    "what a dry run would change": f"{RECONCILIATION}/runs/{sample.RUNS[4].id}/changes",
    "policy": f"{RECONCILIATION}/policy",
    "all reconciliation": "/connectors/reconciliation",
    "causes": f"{RECONCILIATION}/causes",
    "repairing a cause": f"{RECONCILIATION}/causes/approve?group=a1",
    "approvals": "/approvals",
    "cases": "/correlation/cases",
    "case": f"/correlation/cases/{sample.CASES[0].id}",
    "case of an account": f"/correlation/cases/{sample.CASES[1].id}",
    "decided case": f"/correlation/cases/{sample.CASES[5].id}",
    "conflicts": "/connectors/conflicts",
    "conflict": f"/connectors/conflicts/{sample.CONFLICTS[0].id}",
    "conflict with the target": f"/connectors/conflicts/{sample.CONFLICTS[1].id}",
    "settling": f"/connectors/conflicts/{sample.CONFLICTS[0].id}/resolve",
    "identities": "/identities",
    "identity": f"/identities/{sample.uid(3, 1)}",
    "hooks": "/hooks",
    "hooks, none suspended of that name": "/hooks?suspended=true&q=login",
    "new hook": "/hooks/new",
    "new library": "/hooks/new?kind=library",
    "what hooks can call": "/hooks/functions",
    "hook": HOOK,
    "hook, a version that waits": f"{HOOK}?version=2",
    "suspended hook": f"/hooks/{hooks.GREEDY}",
    "library": f"/hooks/{hooks.NAMES}",
    "hook's versions": f"{HOOK}/versions?before=1&after=2",
    "hook's tests": f"{HOOK}/tests",
    "hook's test": f"{HOOK}/tests/{hooks.TEST}",
    "hook's bindings": f"{HOOK}/bindings",
    "hook's binding": f"{HOOK}/bindings/{hooks.BINDING}",
    "new binding": f"{HOOK}/bindings/new",
    "hook's numbers": f"{HOOK}/about",
    "activating": f"{HOOK}/versions/2/activate",
    "resuming": f"/hooks/{hooks.GREEDY}/resume",
    "mapping": MAPPING,
    "mapping, a version that waits": f"{MAPPING}?version=2",
    "mapping's versions": f"{MAPPING}/versions?before=1&after=2",
    "dry run": f"{MAPPING}/dry-runs/{mappings.COUNT}",
    "dry run that would remove many": f"{MAPPING}/dry-runs/{mappings.MANY}",
    "activating a mapping": f"{MAPPING}/versions/2/activate",
    "rules of correlation": "/correlation/rules",
    "rules": RULES,
    "rules, as a back-test tried them": f"{RULES}?backtest={rules.BACKTEST.id}",
    "rules' versions": f"{RULES}/versions?before=1&after=2",
    "back-test": f"{RULES}/backtests/{rules.BACKTEST.id}",
    "back-test under way": f"{RULES}/backtests/{rules.UNDER_WAY.id}",
    "trying an account": f"{RULES}/try",
    "putting rules in force": f"{RULES}/versions/1/activate",
    "schedules": "/schedules",
    "schedule": SCHEDULE,
    "no schedule yet": f"/connectors/{sample.SCIM.id}/reconciliation/schedule",
    "switching off a schedule": f"{SCHEDULE}/disable",
    "audit": "/audit",
    "question": f"/connectors/operations/ask/resolve?id={DEAD.rsplit('/', 1)[1]}",
    "redrive": f"{DEAD}/redrive",
    "not found": "/identities/nobody",
}
