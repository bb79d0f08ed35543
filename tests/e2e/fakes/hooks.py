"""ConsoleHooks over a sample: a hook that runs, one that waits, one that is suspended, a library."""

import difflib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.e2e.fakes import sample
from tests.e2e.fakes.sample import ago, uid
from worker.console import views as v
from worker.console.doors import ActResult, Principal
from worker.domain.hook import Diagnostic, FailurePolicy, HookPhase
from worker.domain.operation import OperationType as T

LOGIN_1 = '''"""Login names of new people."""


def before_create(ctx):
    person = ctx["identity"]
    return {"set": {"uid": person["family_name"].lower()}}
'''
LOGIN_2 = '''"""Login names of new people."""

load("lib/names", "login")


def before_create(ctx):
    person = ctx["identity"]
    name = login(person.get("given_name"), person.get("family_name"))
    if not name:
        return reject("nobody without a name", code="no_name")
    return {"unique": {"uid": username.candidates(name, ctx)}}
'''
NAMES_1 = '''"""What names become."""


def login(given, family):
    return text.ascii(given[:1] + family).lower() if given and family else ""
'''
LOGIN, UNITS, GREEDY, NAMES = (uid(9, n) for n in range(1, 5))
BINDING, TEST = uid(10, 1), uid(11, 1)
NUMBERS = v.HookNumbers(
    calls=12_480,
    errors={"hook.script": 3, "hook.deadline": 1},
    p50_us=240,
    p99_us=1_900,
    last_error="key family_name not found",
    last_error_at=ago(minutes=12),
    version=1,
)


def row(hook_id: UUID, name: str, description: str, **other: Any) -> v.HookRow:
    facts = {"kind": "hook", "active_version": 1, "latest_version": 1, "bindings": 0, "tests": 0, "version": 4}
    facts |= {"numbers": v.HookNumbers(), "updated_at": ago(hours=3)} | other
    return v.HookRow(id=hook_id, name=name, description=description, **facts)


ROWS = (
    row(
        LOGIN,
        "login names",
        "Makes a free login name.",
        latest_version=2,
        bindings=1,
        places=("ldap-main",),
        tests=2,
        numbers=NUMBERS,
    ),
    row(UNITS, "units", "Puts people below their department's unit.", active_version=None),
    row(
        GREEDY,
        "greedy " + sample.HOSTILE,
        "",
        bindings=2,
        suspended_at=ago(minutes=4),
        suspended_reason="It was ended 5 times within a minute, since it used more memory than it may.",
        numbers=v.HookNumbers(calls=5, errors={"hook.memory": 5}),
    ),
    row(NAMES, "names", "What names become.", kind="library"),
)


@dataclass(slots=True)
class FakeHooks:
    """Remembers every act in ``done``; ``beaten`` makes somebody else be faster, ``failing`` saved tests fail."""

    quiet: bool = False
    rows: list[v.HookRow] = field(default_factory=lambda: list(ROWS))
    done: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    beaten: bool = False
    failing: bool = False
    missing: tuple[str, ...] = ()

    async def hooks(self, tenant_id: UUID, *, where: v.HookFilter) -> v.HookPage:
        every = [] if self.quiet else self.rows
        found = [
            each
            for each in every
            if where.kind in {None, each.kind}
            and (where.q or "") in each.name
            and (not where.is_suspended or each.suspended_at)
        ]
        return v.HookPage(
            rows=tuple(found[: where.limit]), total=len(found), as_of=datetime.now(UTC), missing=self.missing
        )

    async def hook(
        self, tenant_id: UUID, *, hook_id: UUID, version: int | None = None, newest: int | None = None
    ) -> v.HookDetail | None:
        found = next((each for each in self.rows if each.id == hook_id), None)
        if found is None or (version or 1) > (found.latest_version or 0) > 0:
            return None
        shown = version or found.active_version or found.latest_version
        return v.HookDetail(
            row=found,
            shown=shown,
            source=NAMES_1 if found.kind == "library" else {None: "", 2: LOGIN_2}.get(shown, LOGIN_1),
            versions=tuple(each for each in _versions(found) if newest is None or each.version <= newest),
            activations=(v.HookActivationRow(version=1, at=ago(days=6), by="Grace Okafor"),),
            bindings=_bindings() if found.bindings else (),
            tests=_tests() if found.tests else (),
            by_version=(found.numbers,) if found.numbers.calls else (),
        )

    async def difference(self, tenant_id: UUID, *, hook_id: UUID, before: int, after: int) -> str | None:
        if max(before, after) > 2:
            return None
        sides = [(LOGIN_1, LOGIN_2)[each - 1].splitlines() for each in (before, after)]
        return "\n".join(difflib.unified_diff(*sides, f"version {before}", f"version {after}", lineterm=""))

    async def validate(self, principal: Principal, *, source: str, kind: str = "hook") -> v.SourceCheck:
        """Line by line: ``retrun`` is a mistake, ``def after_party`` a suspicion."""
        found = [
            Diagnostic(severity, n, line.index(word) + 1, code, message)
            for n, line in enumerate(source.splitlines(), 1)
            for word, severity, code, message in (
                ("retrun", "error", "hook.syntax", "the word retrun makes no statement"),
                ("after_party", "warning", "hook.unknown_name", "nothing calls after_party"),
            )
            if word in line
        ]
        ok = all(each.severity != "error" for each in found)
        return v.SourceCheck(ok=ok, functions=("before_create",), loads=("names",), diagnostics=tuple(found))

    async def trial(self, principal: Principal, *, context: dict[str, Any], **how: Any) -> v.TrialView:
        self.done.append(("trial", {"context": context, **how}))
        failure = v.HookFailure(
            hook_class="hook.script",
            message="key family_name not found in dict",
            line=6,
            column=29,
            snippet='    return {"set": {"uid": person["family_name"].lower()}}',
            frames=("before_create, line 6",),
        )
        return v.TrialView(ok=False, failure=failure, logs=("about to fail",), duration_us=310)

    async def trial_on_sample(self, principal: Principal, **how: Any) -> v.TrialView:
        self.done.append(("trial_on_sample", how))
        return v.TrialView(
            ok=True,
            function=how["function"],
            result={"set": {"uid": "amüller"}, "tags": {"by": "login names"}},
            changes=(v.AttributeChange("uid", None, "amueller"), v.AttributeChange("mail", "old@x.org", "new@x.org")),
            logs=("looked at Anna",),
            duration_us=240,
            context={"identity": {"family_name": "Müller"}},
            warnings=("Its order is that of another hook.",),
        )

    async def run_tests(self, principal: Principal, **how: Any) -> v.TestRunView:
        wrong = ('set.uid is "müller", expected "mueller"',) if self.failing else ()
        return v.TestRunView(
            tests=tuple(
                v.TestOutcome(id=each.id, name=each.name, function=each.function, mismatches=wrong if n == 0 else ())
                for n, each in enumerate(_tests())
            )
        )

    async def replay(self, principal: Principal, **how: Any) -> v.ReplayView:
        changed = v.ReplayedRow(
            function="before_create",
            version=1,
            recorded_at=ago(minutes=9),
            operation_id=str(sample.OPERATIONS[0].id),
            differences=('set.uid is "amueller", expected "mueller"',),
        )
        return v.ReplayView(replayed=50, changed=(changed,))

    def _note(self, verb: str, message: str, link: str | None = None, **what: Any) -> ActResult:
        if self.beaten:
            return ActResult("Somebody else changed it meanwhile; look at it again.", ok=False)
        self.done.append((verb, what))
        return ActResult(message, link=link)

    def _change(self, hook_id: UUID, **facts: Any) -> None:
        self.rows = [replace(each, **facts) if each.id == hook_id else each for each in self.rows]

    async def create_hook(self, principal: Principal, **what: str) -> ActResult:
        result = self._note("create", f"{what['name']} was made; write its script.", f"/hooks/{uid(9, 9)}", **what)
        if result.ok:
            empty = {"kind": what["kind"], "active_version": None, "latest_version": None}
            self.rows.append(row(uid(9, 9), what["name"], what["description"], **empty))
        return result

    async def describe_hook(self, principal: Principal, **what: Any) -> ActResult:
        return self._note("describe", "Saved.", **what)

    async def delete_hook(self, principal: Principal, **what: Any) -> ActResult:
        return self._note("delete", "The hook was deleted with its versions and tests.", "/hooks", **what)

    async def resume_hook(self, principal: Principal, *, hook_id: UUID) -> ActResult:
        self._change(hook_id, suspended_at=None, suspended_reason=None)
        return self._note("resume", "The hook runs again.", hook_id=hook_id)

    async def save_version(self, principal: Principal, *, hook_id: UUID, **what: Any) -> ActResult:
        if "retrun" in what["source"]:
            return ActResult("Line 3: the word retrun makes no statement.", ok=False)
        link = f"/hooks/{hook_id}?version=2"
        result = self._note("save", "Saved as version 2; it runs once it is activated.", link, **what)
        if result.ok:
            self._change(hook_id, latest_version=2)
        return result

    async def activate_version(self, principal: Principal, *, hook_id: UUID, **what: Any) -> ActResult:
        result = self._note("activate", f"Version {what['version']} is active.", f"/hooks/{hook_id}", **what)
        if result.ok:
            self._change(hook_id, active_version=what["version"])
        return result

    async def save_test(self, principal: Principal, **what: Any) -> ActResult:
        return self._note("save_test", f"The test {what['name']} is saved.", **what)

    async def delete_test(self, principal: Principal, **what: Any) -> ActResult:
        return self._note("delete_test", "The test was deleted.", **what)

    async def bind(self, principal: Principal, **what: Any) -> ActResult:
        return self._note("bind", "The hook is bound.", **what)

    async def unbind(self, principal: Principal, **what: Any) -> ActResult:
        return self._note("unbind", "The hook does not run there any more.", **what)


def _versions(found: v.HookRow) -> tuple[v.HookVersionRow, ...]:
    return tuple(
        v.HookVersionRow(
            version=n,
            note="" if n == 1 else "nobody without a name",
            functions=("before_create",),
            libraries=(("names", 1),) if n == 2 else (),
            created_at=ago(days=7 - n),
            created_by="Grace Okafor",
            is_active=n == found.active_version,
            was_active=n == 1,
        )
        for n in range(found.latest_version or 0, 0, -1)
    )


def _bindings() -> tuple[v.HookBindingRow, ...]:
    return (
        v.HookBindingRow(
            id=BINDING,
            connector_id=sample.LDAP.id,
            connector_name=sample.LDAP.name,
            object_class="inetOrgPerson",
            phase=HookPhase.BEFORE,
            operation_types=(T.CREATE, T.UPDATE),
            position=10,
            on_error=FailurePolicy.FAIL,
            budget_ms=None,
            enabled=True,
            params={"domain": "example.org"},
            permissions=("secrets",),
            version=3,
        ),
    )


def _tests() -> tuple[v.HookTestRow, ...]:
    return tuple(
        v.HookTestRow(
            id=uid(11, n), name=name, function="before_create", context={"identity": person}, expected=expected
        )
        for n, name, person, expected in (
            (1, "umlauts", {"family_name": "Müller"}, {"set": {"uid": "mueller"}}),
            (2, "nobody", {}, {"reject": {"code": "no_name"}}),
        )
    )
