"""ConsoleMappings over a sample: a target with an active version, one that waits, and one that would remove many."""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from tests.e2e.fakes import sample
from tests.e2e.fakes.sample import ago, uid
from worker.console import views as v
from worker.console.doors import ActResult, Principal

RULES_1 = """[
  {"target": "uid", "source": "user_name", "required": true},
  {"target": "mail", "source": "mail", "transforms": ["lower"], "case_sensitive": false},
  {"target": "givenName", "source": "given_name"},
  {"target": "sn", "source": "family_name", "required": true},
  {"target": "employeeType", "constant": "staff", "on": ["create"]},
  {"target": "userPassword", "source": "initial_password", "on": ["create"], "secret": true}
]
"""
RULES_2 = RULES_1.replace(
    '{"target": "givenName", "source": "given_name"}',
    '{"target": "givenName", "expression": "identity[\'given_name\'].title()"}',
).replace('["lower"]', '["lower", "ascii"]')
MARK = {"secret": True}
COUNT, MANY, RUNNING = (uid(12, n) for n in range(1, 4))


def attribute(name: str, kind: str, *facts: bool) -> v.TargetAttribute:
    names = ("is_required", "is_multi_valued", "is_writable", "is_secret")
    return v.TargetAttribute(name=name, type=kind, **dict(zip(names, facts, strict=True)))


ATTRIBUTES = (
    attribute("givenName", "string", False, True, True, False),
    attribute("mail", "string", False, True, True, False),
    attribute("sn", "string", True, False, True, False),
    attribute("cn", "string", True, False, True, False),
    attribute("entryUUID", "uuid", False, False, False, False),
    attribute("userPassword", "bytes", False, True, True, True),
    *(attribute(f"extensionAttribute{n}", "string", False, False, True, False) for n in range(1, 20)),
)


def trial(n: int, kind: str, *changes: tuple[str, Any, Any], **other: Any) -> v.MappingTrialRow:
    person = sample.IDENTITIES[n]
    facts = {"is_in_scope": True, "uid": f"uid={person.user_name},ou=people,dc=nordwerk,dc=example"} | other
    return v.MappingTrialRow(
        identity_id=person.id, user_name=person.user_name, kind=kind, changes=tuple(changes), **facts
    )


TRIALS = (
    trial(1, "update", ("givenName", "jürgen", "Jürgen"), ("userPassword", None, MARK)),
    trial(2, "create", ("mail", None, ["zoe.mueller@nordwerk.example"]), ("sn", None, "Müller"), uid=None),
    trial(3, "none"),
    trial(4, "disable", active_before=True, active_after=False, is_in_scope=False),
    trial(5, "error", error="rule 1: sn is required, and family_name " + sample.HOSTILE + " gives no value", uid=None),
)


def version(number: int, note: str, **other: Any) -> v.MappingVersionRow:
    facts = {"is_active": False, "rules": 6, "created_by": "Grace Okafor", "activated_at": None} | other
    return v.MappingVersionRow(version=number, note=note, created_at=ago(days=9 - number), **facts)


VERSIONS = (
    version(3, "Nobody outside of sales", rules=5),
    version(2, "Given names with capitals"),
    version(1, "", is_active=True, activated_at=ago(days=8)),
)


def dry_run(run: UUID, number: int, status: str, done: int, **other: Any) -> v.DryRunView:
    facts = {"operations": {}, "attributes": {}, "people_total": 12_480, "created_at": ago(minutes=6)} | other
    return v.DryRunView(id=run, version=number, base_version=1, status=status, people_done=done, **facts)


DRY_RUNS = (
    dry_run(
        COUNT,
        2,
        "completed",
        12_480,
        operations={"update": 1_203, "none": 11_274, "error": 3},
        attributes={"givenName": 1_203, "mail": 14},
        samples=TRIALS,
        removals=0,
        held=0,
        finished_at=ago(minutes=5),
    ),
    dry_run(
        MANY,
        3,
        "completed",
        12_480,
        operations={"disable": 2_500, "none": 9_980},
        removals=2_500,
        held=2_400,
        finished_at=ago(hours=5),
    ),
    dry_run(RUNNING, 2, "running", 4_000, operations={"update": 380}, attributes={"givenName": 380}),
)


@dataclass(slots=True)
class FakeMappings:
    """Remembers every act in ``done``; ``beaten`` makes somebody else be faster; ``empty``: no version yet."""

    done: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    beaten: bool = False
    empty: bool = False
    silent: str | None = None
    active: int = 1
    runs: dict[UUID, v.DryRunView] = field(default_factory=lambda: {each.id: each for each in DRY_RUNS})

    async def mapping(
        self, principal: Principal, *, connector_id: UUID, version: int | None = None, newest: int | None = None
    ) -> v.MappingView | None:
        if connector_id == sample.CSV.id or (version or 1) > len(VERSIONS):
            return None
        view = v.MappingView(
            connector_id=connector_id,
            connector_name="ldap-main",
            object_class="person",
            scope='department eq "Sales"',
            active=self.active,
            version=version or self.active,
            document=RULES_2 if (version or self.active) == 2 else RULES_1,
            versions=tuple(
                replace(each, is_active=each.version == self.active)
                for each in VERSIONS
                if newest is None or each.version <= newest
            ),
            attributes=() if self.silent else ATTRIBUTES,
            silent=self.silent,
            sources=("department", "family_name", "given_name", "mail", "title"),
            dry_runs=DRY_RUNS,
            hooked=("extensionAttribute1",),
            connector_version=7,
            latest=len(VERSIONS),
        )
        return replace(view, active=0, version=None, document="[]", versions=(), dry_runs=()) if self.empty else view

    async def count_scope(self, principal: Principal, *, connector_id: UUID, scope: str) -> v.ScopeCheck:
        """Everybody is 300, a scope 120; ``departmnet`` is a doubt, and what has no operator is refused."""
        if scope and " " not in scope:
            return v.ScopeCheck(refused="Expected an operator after the first word.")
        doubt = "Nobody has an attribute 'departmnet': department?" if "departmnet" in scope else None
        return v.ScopeCheck(people=120 if scope else 300, enabled=100, now=120, doubt=doubt)

    async def change_scope(self, principal: Principal, **what: Any) -> ActResult:
        return self._note("change_scope", "The scope is changed.", **what)

    async def mapping_difference(
        self, principal: Principal, *, connector_id: UUID, before: int, after: int
    ) -> tuple[v.MappingRuleChange, ...] | None:
        if max(before, after) > len(VERSIONS):
            return None
        given = {"target": "givenName"}
        return (
            v.MappingRuleChange(
                target="givenName",
                before={**given, "source": "given_name"},
                after={**given, "expression": "identity['given_name'].title()"},
                fields=("expression", "source"),
            ),
            v.MappingRuleChange(target="employeeType", before={"constant": "staff"}, after=None),
        )

    async def dry_run(self, principal: Principal, *, connector_id: UUID, dry_run_id: UUID) -> v.DryRunView | None:
        return self.runs.get(dry_run_id)

    async def check_mapping(self, principal: Principal, *, connector_id: UUID, document: str) -> v.MappingCheck:
        """Line by line: ``lwoer`` is a mistake, ``nickname`` a suspicion."""
        found = [
            v.MappingMistake(
                rule=n - 2, field=part, message=message, is_error=error, line=n, column=line.index(word) + 1
            )
            for n, line in enumerate(document.splitlines(), 1)
            for word, part, message, error in (
                ("lwoer", "transforms[0]", "there is no transform 'lwoer'; did you mean lower?", True),
                ("nickname", "source", "is an attribute that nobody has", False),
            )
            if word in line
        ]
        return v.MappingCheck(ok=not any(each.is_error for each in found), mistakes=tuple(found))

    async def try_mapping(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        document: str | None,
        identity_ids: tuple[UUID, ...] = (),
        sample: int = 5,
        seed: int = 0,
    ) -> v.MappingTrial:
        self.done.append(("try", {"ids": identity_ids, "sample": sample, "seed": seed}))
        if not (await self.check_mapping(principal, connector_id=connector_id, document=document or "")).ok:
            return v.MappingTrial(refused="The mapping cannot be used: rule 1: there is no transform 'lwoer'.")
        return v.MappingTrial(rows=TRIALS[: len(identity_ids) or sample])

    async def save_mapping(
        self, principal: Principal, *, connector_id: UUID, document: str, note: str, sources_may_be_new: bool = False
    ) -> ActResult:
        if not (await self.check_mapping(principal, connector_id=connector_id, document=document)).ok:
            return ActResult("The mapping cannot be used: rule 1: there is no transform 'lwoer'.", ok=False)
        link = f"/connectors/{connector_id}/mappings?version=2"
        return self._note("save", "Saved as version 2.", link, document=document, note=note, new=sources_may_be_new)

    async def start_dry_run(self, principal: Principal, *, connector_id: UUID, version: int) -> ActResult:
        link = f"/connectors/{connector_id}/mappings/dry-runs/{RUNNING}"
        return self._note("dry run", "It is being counted.", link, version=version)

    async def cancel_dry_run(self, principal: Principal, *, connector_id: UUID, dry_run_id: UUID) -> ActResult:
        return self._note("stop", "The count was stopped.", id=dry_run_id)

    async def activate_mapping(
        self, principal: Principal, *, connector_id: UUID, version: int, seen: int | None
    ) -> ActResult:
        self.active = self.active if self.beaten else version
        return self._note("activate", f"Version {version} is active.", version=version, seen=seen)

    async def roll_back_mapping(self, principal: Principal, *, connector_id: UUID, seen: int | None) -> ActResult:
        return self._note("roll back", "Version 1 is active again.", seen=seen)

    def _note(self, verb: str, message: str, link: str | None = None, **what: Any) -> ActResult:
        if self.beaten:
            return ActResult("Somebody else changed this meanwhile: look at it again.", ok=False)
        self.done.append((verb, what))
        return ActResult(message, link=link)
