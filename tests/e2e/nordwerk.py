"""The demo organisation as it must be at the end: every target looked at, and judged by what its plan says."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from worker.connectors import guard_for
from worker.domain.account import TargetAccount
from worker.domain.connector import Connector
from worker.domain.discrepancy import DiscrepancyType
from worker.security import Vault
from worker.service.demo.drift import Change, Drift, plan_drift
from worker.service.demo.existing import Expectation, PlannedAccount, plan_existing
from worker.service.demo.load import TENANT_ID
from worker.service.demo.organisation import Employee, Organisation, generate
from worker.service.demo.targets import TARGETS, DemoTarget
from worker.store import connectors
from worker.store.pool import Pool
from worker.store.tenant import tenant

#: Whatever has still to be done, in words; operations that wait for a person are done as far as we are concerned.
UNDONE = """
SELECT 'no import was completed' AS what, 1 AS n
 WHERE NOT EXISTS (SELECT 1 FROM runs WHERE tenant_id = $1 AND kind = 'import' AND status = 'completed')
UNION ALL SELECT 'live runs', count(*) FROM runs WHERE tenant_id = $1 AND status IN ('pending', 'running')
UNION ALL SELECT 'people to plan', count(*) FROM plan_items WHERE tenant_id = $1
UNION ALL SELECT 'targets never listed', count(*) FROM connectors
 WHERE tenant_id = $1 AND is_target AND baseline_at IS NULL
UNION ALL SELECT concat_ws(' ', 'operations', status, wait_reason, error_code), count(*)
  FROM operations WHERE tenant_id = $1 AND coalesce(wait_reason, '') NOT IN ('case', 'approval')
 GROUP BY status, wait_reason, error_code
"""


@dataclass
class Nordwerk:
    """The organisation of a running demo: reads of its database, listings of its targets, and a verdict on both."""

    pool: Pool
    vault: Vault
    employees: int

    @cached_property
    def people(self) -> Organisation:
        return generate(count=self.employees)

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Read as the tenant, whose id is the first parameter."""
        async with tenant(self.pool, TENANT_ID) as conn:
            return [dict(row) for row in await conn.fetch(statement, TENANT_ID, *values)]

    async def undone(self) -> dict[str, int]:
        """What has still to be done."""
        return {row["what"]: row["n"] for row in await self.rows(UNDONE) if row["n"]}

    async def is_done(self) -> bool:
        """Whether nothing is left to do without a person; an AssertionError names what is."""
        left = await self.undone()
        assert left == {}, left
        return True

    async def targets(self) -> list[tuple[DemoTarget, Connector]]:
        """The targets that are there: without slapd there is no directory."""
        async with tenant(self.pool, TENANT_ID) as conn:
            found = {one.name: one for one in await connectors.targets(conn, tenant_id=TENANT_ID)}
        return [(target, found[target.name]) for target in TARGETS if target.name in found]

    async def guard(self, connector: Connector) -> Any:
        """The door to a target, protected accounts included."""
        async with tenant(self.pool, TENANT_ID) as conn:
            sealed = await connectors.credentials(conn, tenant_id=TENANT_ID, connector_id=connector.id)
        return guard_for(
            connector,
            credentials=self.vault.open_credentials(sealed, tenant_id=TENANT_ID, connector_id=connector.id),
        )

    async def listed(self, connector: Connector) -> list[TargetAccount]:
        """Every account of a target."""
        found: list[TargetAccount] = []
        token = None
        async with await self.guard(connector) as guard:
            while True:
                page = await guard.search("user", token=token)
                found += page.accounts
                token = page.next_token
                if page.is_last:
                    return found

    async def wrong(self, *, drift: Collection[DiscrepancyType] = ()) -> list[str]:
        """What is not as mapping, hook and plan say, at any target, in words.

        ``drift`` are the kinds of what went wrong on purpose and was not repaired since.
        """
        found = []
        for target, connector in await self.targets():
            links = await self.rows(
                "SELECT a.uid, i.external_id FROM accounts a JOIN identities i "
                "ON i.tenant_id = a.tenant_id AND i.id = a.identity_id "
                "WHERE a.tenant_id = $1 AND a.connector_id = $2 AND a.uid IS NOT NULL",
                connector.id,
            )
            owners = {row["uid"]: row["external_id"] for row in links}
            waiting = await self._waiting(connector.id)
            drifted = [one for one in plan_drift(self.people, target) if one.kind in drift]
            verdict = Verdict(self.people, target, await self.listed(connector), owners, waiting, drifted)
            found += [f"{target.name}: {words}" for words in verdict.wrong()]
        return found

    async def _waiting(self, connector_id: UUID) -> set[str]:
        """The numbers of those whose account waits for a person's answer."""
        found = await self.rows(
            "SELECT i.external_id FROM operations o JOIN cases c ON c.tenant_id = o.tenant_id AND c.id = o.case_id "
            "JOIN identities i ON i.tenant_id = o.tenant_id AND i.id = o.user_id "
            "WHERE o.tenant_id = $1 AND o.connector_id = $2 AND o.wait_reason = 'case' AND c.status = 'open'",
            connector_id,
        )
        return {row["external_id"] for row in found}

    async def without_history(self) -> list[str]:
        """Operations that ended and do not tell how: without a successful attempt, or with attempts out of order."""
        found = await self.rows(
            "SELECT o.id, o.status, array_agg(t.success ORDER BY t.epoch) AS ends FROM operations_archive o "
            "LEFT JOIN attempts t ON t.tenant_id = o.tenant_id AND t.operation_id = o.id "
            "WHERE o.tenant_id = $1 GROUP BY o.id, o.status"
        )
        return [f"{row['id']} {row['status']} {row['ends']}" for row in found if row["ends"][-1] is not True]

    async def dead_letters(self) -> list[str]:
        found = await self.rows("SELECT error_code, error_message FROM dead_letters WHERE tenant_id = $1")
        return [f"{row['error_code']}: {row['error_message']}" for row in found]


@dataclass
class Verdict:
    """One target's accounts, set against the plan. ``owners`` are employee numbers by uid.

    Of whom ``drift`` tells that their account was edited, deleted or forgotten, nothing is expected.
    """

    people: Organisation
    target: DemoTarget
    accounts: list[TargetAccount]
    owners: dict[str, str]
    waiting: set[str]
    drift: Sequence[Drift] = ()

    def wrong(self) -> Iterator[str]:
        planned = plan_existing(self.people, self.target)
        asked = {number for one in planned if one.expectation is Expectation.CASE for number in one.employees}
        if self.waiting != asked:
            yield f"people are asked about {sorted(self.waiting)} and not about {sorted(asked)}"
        wanted = {
            one.employee_number: one
            for one in self.people.employees
            if self.target.wants(one) and one.employee_number not in asked
        }
        kept = {number: one for one in planned if one.expectation is Expectation.LINK for number in one.employees}
        yield from self._owned(wanted, kept)
        yield from self._unowned([one for one in planned if one.expectation is not Expectation.LINK])

    def _owned(self, wanted: dict[str, Employee], adopted: dict[str, PlannedAccount]) -> Iterator[str]:
        by_owner: dict[str, list[TargetAccount]] = defaultdict(list)
        for account in self.accounts:
            if account.uid in self.owners:
                by_owner[self.owners[account.uid]].append(account)
        touched = {one.employee for one in self.drift if Change.CREATE not in one.changes}
        for number in (wanted.keys() | by_owner.keys()) - touched:
            match by_owner.get(number, []), wanted.get(number):
                case [account], Employee() as employee:
                    yield from self._differences(account, employee, adopted.get(number))
                case found, employee:
                    yield f"{number} has {len(found)} accounts, {1 if employee else 0} expected"
        held = Counter(filter(None, (self._number(one) for one in self.accounts)))
        yield from (f"{count} accounts carry the number {number}" for number, count in held.items() if count > 1)

    def _differences(self, account: TargetAccount, employee: Employee, adopted: PlannedAccount | None) -> Iterator[str]:
        """An account that was there before us keeps the name that it is known by."""
        expected = self.target.account_of(employee)
        if adopted is not None:
            expected[self.target.login] = adopted.attributes[self.target.login]
        managed = {rule.target for rule in self.target.rules} | expected.keys()
        actual = {name: account.attributes[name] for name in managed if account.attributes.get(name)}
        if actual != expected:
            differ = {name for name in managed if actual.get(name) != expected.get(name)}
            yield f"{employee.employee_number} differs: " + ", ".join(
                f"{name} is {actual.get(name)!r}, not {expected.get(name)!r}" for name in sorted(differ)
            )
        if not account.active:
            yield f"{employee.employee_number} is not active"

    def _unowned(self, left_alone: list[PlannedAccount]) -> Iterator[str]:
        found = {one.attributes[self.target.login]: one for one in self.accounts if one.uid not in self.owners}
        planned = {one.attributes[self.target.login]: one.attributes for one in left_alone}
        planned |= {one.login: one.attributes for one in self.drift if Change.CREATE in one.changes}
        planned |= {one.login: {} for one in self.drift if one.changes == (Change.FORGET,)}
        if found.keys() != planned.keys():
            yield f"without an owner are {sorted(found)}, and should be {sorted(planned)}"
        for login, attributes in planned.items():
            if login in found and not attributes.items() <= found[login].attributes.items():
                yield f"{login} was changed: {attributes} became {found[login].attributes}"

    def _number(self, account: TargetAccount) -> str | None:
        return account.attributes.get(self.target.attribute("employee_number") or "")
