"""ConsoleRules over a sample: a target with two versions and back-tests, one in tuning mode, one as shipped."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.e2e.fakes import sample
from tests.e2e.fakes.sample import ago, uid
from worker.console import views as v
from worker.console.doors import ActResult, Principal
from worker.console.rule_doors import SavedRules
from worker.correlation import default_rule_set

DOCUMENT = {
    name: value
    for name, value in default_rule_set(["mail", "givenName", "sn", "employeeNumber"]).to_json().items()
    if name != "version"
}
FIGURES = v.RuleFigures(
    open_questions=7,
    open_checks=2,
    waiting_operations=3,
    oldest_open_at=ago(days=3),
    checked=120,
    precision=0.9917,
    precision_low=0.954,
    reviewed_pairs=340,
    ece=0.0123,
)
VERSIONS = tuple(
    v.RuleVersionRow(
        version=number,
        is_active=number == 2,
        note=note,
        rules=3,
        created_at=ago(days=9 - number),
        created_by="Kim",
        activated_at=ago(days=9 - number),
    )
    for number, note in ((2, "Mail counts for more"), (1, "As it was"))
)
CONTRADICTION = v.FlipRow(
    kind="auto_to_another",
    uid="uid=ameier,ou=people",
    said="is",
    is_contradiction=True,
    before=("sure enough", "Anna Meier 99.90%"),
    after=("sure enough", "Anna Meyer 99.60%"),
)
FLIP = v.FlipRow(
    kind="review_to_auto",
    uid="uid=jdoe,ou=people",
    said="linked",
    is_contradiction=False,
    before=("not sure enough", "Jane Doe 97.00%"),
    after=("sure enough", "Jane Doe 99.70%"),
)
BACKTEST = v.BacktestView(
    id=uid(70, 1),
    status="completed",
    base_version=2,
    document=DOCUMENT,
    accounts_done=460,
    decided_by_people=340,
    links=120,
    new_contradictions=1,
    flip_counts={"review_to_auto": 12, "auto_to_another": 1},
    before=v.BacktestSide(auto=300, review=40, none=120, right=298, wrong=2, precision=0.9933, ece=0.021),
    after=v.BacktestSide(auto=312, review=28, none=120, right=311, wrong=1, precision=0.9968, ece=0.014),
    flips=(CONTRADICTION, FLIP),
    created_at=ago(hours=2),
    finished_at=ago(hours=1),
)
UNDER_WAY = v.BacktestView(id=uid(70, 2), status="running", base_version=2, document=DOCUMENT, is_refined=True)
WHOSE = v.WhoseView(
    decision="review",
    reason="It is not sure enough.",
    candidates=(
        v.Candidate(
            label="ameier",
            confidence=0.971,
            identity_id=uid(3, 1),
            contributions=(
                v.Contribution("email", 10.0, "anna@x.de", "anna@x.de", "the same"),
                v.Contribution("name", -4.0, "Anna Meier", "Anna Schmidt", "differ"),
                v.Contribution("phone", 0.0, None, "030 1"),
            ),
        ),
    ),
    is_complete=False,
)


@dataclass
class FakeRules:
    """What was asked for is noted in ``done``; ``contradicts``: saving is refused until that is acknowledged."""

    done: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    contradicts: int = 0
    beaten: bool = False

    async def rule_sets(self, tenant_id: UUID) -> tuple[v.RuleSetRow, ...]:
        return (
            v.RuleSetRow(connector=sample.LDAP, version=2, tuning_mode=False, figures=FIGURES),
            v.RuleSetRow(connector=sample.SQL, version=0, tuning_mode=True, figures=v.RuleFigures()),
        )

    async def rules(
        self, principal: Principal, *, connector_id: UUID, version: int | None = None, newest: int | None = None
    ) -> v.RulesView | None:
        if connector_id != sample.LDAP.id or (version or 0) > 2:
            return None
        return v.RulesView(
            connector=sample.LDAP,
            active=2,
            version=2 if version is None else version,
            document=DOCUMENT,
            versions=VERSIONS,
            figures=FIGURES,
            backtests=(BACKTEST, UNDER_WAY),
            attributes=("mail", "givenName", "sn", "employeeNumber"),
            sources=("mail", "given_name", "family_name"),
            back_to=1,
            latest=2,
        )

    async def rules_difference(
        self, principal: Principal, *, connector_id: UUID, before: int, after: int
    ) -> tuple[v.RuleDifference, ...] | None:
        if connector_id != sample.LDAP.id or max(before, after) > 2:
            return None
        email = next(rule for rule in DOCUMENT["rules"] if rule["name"] == "email")
        return (
            v.RuleDifference(name="", before={"min_gap": 2.0}, after={"min_gap": 3.0}, fields=("min_gap",)),
            v.RuleDifference(name="email", before=email | {"weight": 8.0}, after=email, fields=("weight",)),
            v.RuleDifference(name="phone", before=None, after=email | {"name": "phone"}),
        )

    async def check_rules(
        self, principal: Principal, *, connector_id: UUID, document: dict[str, Any], sources_may_be_new: bool = False
    ) -> v.RulesCheck:
        wrong = tuple(
            v.RuleMistake(rule=at, field="threshold", message="is not a number", is_error=True)
            for at, rule in enumerate(document.get("rules", ()))
            if isinstance(rule.get("threshold"), str)
        )
        return v.RulesCheck(ok=not wrong, mistakes=wrong)

    async def backtest(self, principal: Principal, *, connector_id: UUID, backtest_id: UUID) -> v.BacktestView | None:
        found = {each.id: each for each in (BACKTEST, UNDER_WAY)}
        return found.get(backtest_id) if connector_id == sample.LDAP.id else None

    async def start_backtest(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        document: dict[str, Any] | None = None,
        version: int | None = None,
        sources_may_be_new: bool = False,
    ) -> ActResult:
        if (
            document is not None
            and not (await self.check_rules(principal, connector_id=connector_id, document=document)).ok
        ):
            return ActResult("The rule set cannot be used.", ok=False)
        return self._note("backtest", link=self._tested(connector_id), document=document, version=version)

    async def refine(self, principal: Principal, *, connector_id: UUID, by_data: bool = False) -> ActResult:
        return self._note("refine", link=self._tested(connector_id), by_data=by_data)

    async def cancel_backtest(self, principal: Principal, *, connector_id: UUID, backtest_id: UUID) -> ActResult:
        return self._note("cancel", backtest_id=backtest_id)

    async def save_rules(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        document: dict[str, Any],
        note: str,
        seen: int | None,
        acknowledged: bool = False,
        sources_may_be_new: bool = False,
    ) -> SavedRules:
        if self.beaten:
            return SavedRules("Somebody else changed this meanwhile: it is at version 3, you saw 2.", ok=False)
        if self.contradicts and not acknowledged:
            words = f"These rules go against what people decided about {self.contradicts} accounts."
            return SavedRules(words, ok=False, contradicts=self.contradicts)
        self._note("save", document=document, note=note, seen=seen, acknowledged=acknowledged)
        return SavedRules("Version 3 is in force.")

    async def activate_rules(
        self, principal: Principal, *, connector_id: UUID, version: int, seen: int | None
    ) -> ActResult:
        return self._note("activate", version=version, seen=seen)

    async def roll_back_rules(self, principal: Principal, *, connector_id: UUID, seen: int | None) -> ActResult:
        return self._note("back", seen=seen)

    async def spot_check(self, principal: Principal, *, connector_id: UUID, count: int) -> ActResult:
        return self._note("spot-check", count=count)

    async def whose(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        attributes: dict[str, Any],
        uid: str | None,
        document: dict[str, Any] | None = None,
        sources_may_be_new: bool = False,
    ) -> v.WhoseView:
        if document is not None:
            self._note("whose", uid=uid, document=document)
        if uid == "nobody":
            return v.WhoseView(refused="We know no account 'nobody'.")
        return WHOSE

    def _tested(self, connector_id: UUID) -> str:
        return f"/correlation/rules/{connector_id}/backtests/{BACKTEST.id}"

    def _note(self, verb: str, *, link: str | None = None, **what: Any) -> ActResult:
        self.done.append((verb, what))
        return ActResult("Done.", link=link)
