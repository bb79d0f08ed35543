"""All pages of the console as one router."""

from fastapi import APIRouter

from worker.console.cause_doors import ConsoleCauses
from worker.console.desk import Desk
from worker.console.doors import ConsoleActs, ConsoleAuth, ConsoleReads
from worker.console.hook_doors import ConsoleHooks
from worker.console.mapping_doors import ConsoleMappings
from worker.console.pages import (
    approvals,
    assets,
    audit,
    cases,
    conflicts,
    connectors,
    discrepancies,
    exports,
    finding,
    home,
    hook_bindings,
    hook_editor,
    hook_tests,
    hook_versions,
    identities,
    look_again,
    mapping_editor,
    mapping_scope,
    mapping_versions,
    operations,
    people,
    policy,
    reconciliation,
    rule_trials,
    rule_versions,
    run_changes,
    sign_in,
    stream,
    trend,
)
from worker.console.pages import causes as cause_pages
from worker.console.pages import hooks as hook_pages
from worker.console.pages import rules as rule_pages
from worker.console.pages import schedules as schedule_pages
from worker.console.rendering import templates
from worker.console.repair_doors import ConsoleRepairs
from worker.console.rule_doors import ConsoleRules
from worker.console.schedule_doors import ConsoleSchedules

#: Fixed paths come before those with an id in their place.
PAGES = (
    home,
    sign_in,
    stream,
    operations,
    trend,
    schedule_pages,
    run_changes,
    policy,
    look_again,
    reconciliation,
    discrepancies,
    exports,
    finding,
    cause_pages,
    conflicts,
    connectors,
    mapping_editor,
    mapping_scope,
    mapping_versions,
    approvals,
    cases,
    rule_pages,
    rule_versions,
    rule_trials,
    people,
    identities,
    hook_pages,
    hook_editor,
    hook_versions,
    hook_tests,
    hook_bindings,
    audit,
)


def build_console(
    reads: ConsoleReads,
    acts: ConsoleActs,
    auth: ConsoleAuth,
    hooks: ConsoleHooks,
    mappings: ConsoleMappings,
    *,
    causes: ConsoleCauses,
    schedules: ConsoleSchedules,
    repairs: ConsoleRepairs,
    rules: ConsoleRules,
) -> APIRouter:
    """The console over these doors."""
    desk = Desk(reads, acts, auth, hooks, mappings, causes, schedules, repairs, rules, templates())
    router = APIRouter()
    router.routes.extend(assets.routes())
    for module in PAGES:
        router.routes.extend(module.routes(desk))
    return router
