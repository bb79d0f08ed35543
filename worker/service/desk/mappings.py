"""The console's mapping editor: what it begins with, what a draft would do, and verbs answered in words."""

import asyncio
import json
from typing import Any
from uuid import UUID

from worker.actions import House, mapping_trials, mappings, scopes
from worker.actions.mapping_trials import Trial
from worker.actions.mappings import Written
from worker.actions.targets import the_target
from worker.console import (
    ActResult,
    DryRunView,
    MappingCheck,
    MappingMistake,
    MappingRuleChange,
    MappingTrial,
    MappingTrialRow,
    MappingVersionRow,
    MappingView,
    ScopeCheck,
    TargetAttribute,
)
from worker.console import Principal as Person
from worker.domain.errors import NotFound, RequestError, SettingsError, SurroundingsError, WrongState
from worker.mapping import rule_to_json
from worker.planning import foretold_json
from worker.service.desk.saying import principal_of, said
from worker.store import mapping_previews
from worker.store import mappings as stored
from worker.store.mapping_previews import Preview
from worker.store.pool import Connection
from worker.store.sql import Record
from worker.store.tenant import tenant

_VERSIONS = 50
_DRY_RUNS = 5
#: A page is not kept waiting longer by a target that is slow to tell its attributes.
_ATTRIBUTES_WITHIN_S = 3


class Mappings:
    """What pages of a target's mapping read, try and do, over this house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def mapping(
        self, principal: Person, *, connector_id: UUID, version: int | None = None, newest: int | None = None
    ) -> MappingView | None:
        who = principal_of(principal)
        try:
            async with tenant(self._house.pool, who.tenant_id) as conn:
                target = await the_target(conn, who.tenant_id, connector_id)
                where: dict[str, Any] = {"tenant_id": who.tenant_id, "connector_id": connector_id}
                now = await mappings.active_of(conn, who.tenant_id, target)
                number = version or (now.version if now else None)
                row = None if number is None else await mappings.the_version(conn, who.tenant_id, target, number)
                rows, latest = await _listed(conn, where | {"object_class": target.object_class}, newest)
                known = await stored.attribute_names(conn, tenant_id=who.tenant_id)
                dry_runs = await mapping_previews.of_connector(conn, **where, limit=_DRY_RUNS)
        except (NotFound, WrongState):
            return None
        attributes, silent = await self._attributes(principal, connector_id)
        return MappingView(
            connector_id=connector_id,
            connector_name=target.name,
            object_class=target.object_class,
            scope=target.scope,
            active=now.version if now else 0,
            version=number,
            document=_document(row),
            versions=tuple(_version(each) for each in rows),
            attributes=attributes,
            silent=silent,
            sources=tuple(sorted(known)),
            dry_runs=tuple(_dry_run(each) for each in dry_runs),
            hooked=tuple(target.settings.get("hook_attributes", ())),
            connector_version=target.version,
            latest=latest,
        )

    async def count_scope(self, principal: Person, *, connector_id: UUID, scope: str) -> ScopeCheck:
        try:
            found = await scopes.count(
                self._house, principal_of(principal), connector_id=connector_id, scope=scope.strip() or None
            )
        except RequestError as error:
            return ScopeCheck(refused=str(error))
        return ScopeCheck(
            people=found.scope.people, enabled=found.scope.enabled, now=found.now.people, doubt=found.doubt
        )

    async def change_scope(
        self,
        principal: Person,
        *,
        connector_id: UUID,
        scope: str,
        seen: int | None,
        sources_may_be_new: bool = False,
    ) -> ActResult:
        async def act() -> ActResult:
            await scopes.change(
                self._house,
                principal_of(principal),
                connector_id=connector_id,
                scope=scope,
                seen=seen,
                sources_may_be_new=sources_may_be_new,
            )
            message = "The scope is changed; whom it concerns is being planned again."
            return ActResult(message, link=f"/connectors/operations?connector_id={connector_id}")

        return await said(act)

    async def mapping_difference(
        self, principal: Person, *, connector_id: UUID, before: int, after: int
    ) -> tuple[MappingRuleChange, ...] | None:
        try:
            found = await mappings.difference(
                self._house, principal_of(principal), connector_id=connector_id, before=before, after=after
            )
        except NotFound:
            return None
        return tuple(
            MappingRuleChange(target=each.target, before=each.before, after=each.after, fields=each.fields)
            for each in found
        )

    async def dry_run(self, principal: Person, *, connector_id: UUID, dry_run_id: UUID) -> DryRunView | None:
        try:
            return _dry_run(
                await mapping_trials.preview(
                    self._house, principal_of(principal), connector_id=connector_id, preview_id=dry_run_id
                )
            )
        except NotFound:
            return None

    async def check_mapping(self, principal: Person, *, connector_id: UUID, document: str) -> MappingCheck:
        try:
            found = await mappings.review(
                self._house, principal_of(principal), connector_id=connector_id, written=Written(document)
            )
        except (RequestError, SurroundingsError) as error:
            return MappingCheck(ok=False, refused=str(error))
        mistakes = tuple(
            MappingMistake(
                rule=each.rule,
                field=each.field,
                message=each.message,
                is_error=each.is_error,
                line=each.line,
                column=each.column,
                expression_line=each.expression_line,
                expression_column=each.expression_column,
            )
            for each in found.mistakes
        )
        return MappingCheck(ok=found.is_sound, mistakes=mistakes)

    async def try_mapping(
        self,
        principal: Person,
        *,
        connector_id: UUID,
        document: str | None,
        identity_ids: tuple[UUID, ...] = (),
        sample: int = 5,
        seed: int = 0,
    ) -> MappingTrial:
        trial = Trial(
            written=None if document is None else Written(document, sources_may_be_new=True),
            identity_ids=identity_ids,
            sample=sample,
            seed=seed,
        )
        try:
            found = await mapping_trials.try_out(
                self._house, principal_of(principal), connector_id=connector_id, trial=trial
            )
        except (RequestError, SurroundingsError) as error:
            return MappingTrial(refused=str(error))
        return MappingTrial(rows=tuple(_trial(foretold_json(each)) for each in found))

    async def save_mapping(
        self, principal: Person, *, connector_id: UUID, document: str, note: str, sources_may_be_new: bool = False
    ) -> ActResult:
        written = Written(document, sources_may_be_new=sources_may_be_new)

        async def act() -> ActResult:
            number = await mappings.save(
                self._house, principal_of(principal), connector_id=connector_id, written=written, note=note
            )
            link = f"/connectors/{connector_id}/mappings?version={number}"
            return ActResult(f"Saved as version {number}; it is used once it is activated.", link=link)

        return await said(act)

    async def start_dry_run(self, principal: Person, *, connector_id: UUID, version: int) -> ActResult:
        async def act() -> ActResult:
            found = await mapping_trials.rehearse(
                self._house, principal_of(principal), connector_id=connector_id, version=version
            )
            link = f"/connectors/{connector_id}/mappings/dry-runs/{found.id}"
            return ActResult(f"It is being counted what version {version} would do; nothing is changed.", link=link)

        return await said(act)

    async def cancel_dry_run(self, principal: Person, *, connector_id: UUID, dry_run_id: UUID) -> ActResult:
        async def act() -> ActResult:
            await mapping_trials.cancel(
                self._house, principal_of(principal), connector_id=connector_id, preview_id=dry_run_id
            )
            return ActResult("The count was stopped.")

        return await said(act)

    async def activate_mapping(
        self, principal: Person, *, connector_id: UUID, version: int, seen: int | None
    ) -> ActResult:
        async def act() -> ActResult:
            await mappings.activate(
                self._house, principal_of(principal), connector_id=connector_id, version=version, seen=seen
            )
            message = f"Version {version} is active; whom it concerns is being planned again."
            return ActResult(message, link=f"/connectors/operations?connector_id={connector_id}")

        return await said(act)

    async def roll_back_mapping(self, principal: Person, *, connector_id: UUID, seen: int | None) -> ActResult:
        async def act() -> ActResult:
            number = await mappings.roll_back(
                self._house, principal_of(principal), connector_id=connector_id, seen=seen
            )
            message = f"Version {number} is active again; whom it concerns is being planned again."
            return ActResult(message, link=f"/connectors/operations?connector_id={connector_id}")

        return await said(act)

    async def _attributes(
        self, principal: Person, connector_id: UUID
    ) -> tuple[tuple[TargetAttribute, ...], str | None]:
        try:
            async with asyncio.timeout(_ATTRIBUTES_WITHIN_S):
                schema = await mappings.schema(self._house, principal_of(principal), connector_id=connector_id)
        except (RequestError, SettingsError) as error:
            return (), str(error)
        except TimeoutError:
            return (), f"The target did not tell its attributes within {_ATTRIBUTES_WITHIN_S} s."
        return tuple(
            TargetAttribute(
                name=each.name,
                type=each.type,
                is_required=each.required,
                is_multi_valued=each.multi_valued,
                is_writable=each.writable,
                is_secret=each.secret,
            )
            for each in schema.attributes
        ), None


async def _listed(conn: Connection, where: dict[str, Any], newest: int | None) -> tuple[list[Record], int]:
    """Versions from ``newest`` on downwards, and how many there are; they are numbered without gaps."""
    rows, latest = await stored.versions(conn, **where, limit=_VERSIONS)
    if newest is not None and newest < latest:
        rows, latest = await stored.versions(conn, **where, limit=_VERSIONS, offset=latest - newest)
    return rows, latest


def _document(row: Record | None) -> str:
    """A version's rules as a person would write them: a rule to a line."""
    rules = [] if row is None else [rule_to_json(rule) for rule in stored.from_row(row).rules]
    lines = ",\n".join(f"  {json.dumps(rule, ensure_ascii=False)}" for rule in rules)
    return f"[\n{lines}\n]\n" if rules else "[]\n"


def _version(row: Record) -> MappingVersionRow:
    return MappingVersionRow(
        version=row["version"],
        is_active=row["is_active"],
        note=row["note"],
        rules=row["rules"],
        created_at=row["created_at"],
        created_by=row["created_by_name"],
        activated_at=row["activated_at"],
    )


def _dry_run(preview: Preview) -> DryRunView:
    verdict = preview.verdict or {}
    return DryRunView(
        id=preview.id,
        version=preview.version,
        base_version=preview.base_version,
        status=preview.status,
        people_done=preview.people_done,
        people_total=preview.people_total,
        operations=preview.counts.get("kinds", {}),
        attributes=preview.counts.get("attributes", {}),
        samples=tuple(_trial(each) for each in preview.samples),
        removals=verdict.get("removals"),
        held=verdict.get("held"),
        error_message=preview.error_message,
        created_at=preview.created_at,
        finished_at=preview.finished_at,
    )


def _trial(found: dict[str, Any]) -> MappingTrialRow:
    return MappingTrialRow(
        identity_id=UUID(found["identity_id"]),
        user_name=found["user_name"],
        is_in_scope=found["in_scope"],
        kind=found["kind"],
        uid=found["uid"],
        changes=tuple((name, each["before"], each["after"]) for name, each in sorted(found["changes"].items())),
        active_before=found["active_before"],
        active_after=found["active_after"],
        error=found["error"],
    )
