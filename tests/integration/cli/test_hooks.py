"""Scripts in files, through the real sandbox, where there is neither a database nor a daemon."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import Database
from tests.integration.cli.conftest import Configure
from worker.cli import run
from worker.domain.hook_trials import trial_context
from worker.store import hook_records
from worker.store import hooks as stored_hooks
from worker.store.hook_records import Recorded
from worker.store.pool import open_pool
from worker.store.tenant import tenant

LOGIN = """\
def before_create(ctx):
    person = ctx["identity"]
    print("for", person["given_name"])
    return {"set": {"uid": text.slug(person["given_name"])}, "tags": {"by": "login"}}
"""
NO_MAIL = 'def transform(ctx):\n    who = ctx["identity"]\n    return {"set": {"m": who["emial"]}}\n'
LOOP = "def transform(ctx):\n    for _ in range(2000000000):\n        pass\n"
NATIVE = "def transform(ctx):\n    return max(range(2147483000 + len(ctx)))\n"

Hooks = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hooks(configure: Configure, capsys: pytest.CaptureFixture[str]) -> Hooks:
    """Run ``provisiond hooks`` in a directory of its own: exit code, output, errors."""

    def said(*arguments: str) -> tuple[int, str, str]:
        code = run(["hooks", *arguments])
        return code, *capsys.readouterr()

    return said


def write(name: str, text: str | bytes | list[Any] | dict[str, Any]) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(text, list | dict):
        text = json.dumps(text)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def records(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_each_file_gets_a_record_and_the_worst_decides(hooks: Hooks) -> None:
    files = [write(f"{name}.star", text) for name, text in (("a", LOGIN), ("b", NO_MAIL), ("c", LOOP), ("d", NATIVE))]

    code, out, err = hooks("test", *files, "--json")

    fine, wrong, late, killed = records(out)
    assert (code, err) == (5, "")
    assert [each["file"] for each in (fine, wrong, late, killed)] == files
    assert (fine["ok"], fine["class"], fine["logs"]) == (True, None, ["for Ada"])
    assert fine["patch"] == {"set": {"uid": "ada"}, "unset": [], "tags": {"by": "login"}}
    assert (wrong["ok"], wrong["class"], wrong["line"], wrong["column"]) == (False, "hook.script", 3, 26)
    assert (late["class"], late["line"], killed["class"]) == ("hook.deadline", 2, "hook.timeout")
    assert {frozenset(each) for each in records(out)} == {frozenset(fine)}
    assert hooks("test", *files[:2])[0] == 1
    assert hooks("test", files[0])[0] == 0


def test_people_see_the_place_in_the_source(hooks: Hooks) -> None:
    code, out, _ = hooks("test", write("b.star", NO_MAIL))

    assert code == 1
    assert out.splitlines() == [
        'b.star:3:26: hook.script: Key `"emial"` was not found',
        '   3 |     return {"set": {"m": who["emial"]}}',
        "     |                          ^",
    ]


def test_the_named_function_is_told_the_given_context(hooks: Hooks) -> None:
    script = write("a.star", 'def before_create(ctx):\n    return {"tags": {"saw": [ctx["event"], ctx["identity"]]}}\n')
    context = write("ctx.json", {"identity": {"given_name": "Zoë"}})

    code, out, _ = hooks("test", script, "--function", "before_create", "--context", context, "--json")

    assert (code, records(out)[0]["patch"]["tags"]) == (0, {"saw": ["before_create", {"given_name": "Zoë"}]})


@pytest.mark.parametrize(
    ("source", "function", "said"),
    [
        pytest.param("def after_update(ctx):\n    return None\n", None, None, id="the only function is meant"),
        pytest.param(LOGIN, "after_create", "the script has no after_create; it has before_create", id="not there"),
        pytest.param("def helper(x):\n    return x\n", None, "the script defines none of before_create", id="none"),
    ],
)
def test_which_function_is_called(hooks: Hooks, source: str, function: str | None, said: str | None) -> None:
    chosen = ["--function", function] if function else []

    code, out, _ = hooks("test", write("a.star", source), *chosen, "--json")

    [record] = records(out)
    assert (code, record["ok"]) == ((0, True) if said is None else (1, False))
    assert (record["message"] or "").startswith(said or "")


def test_what_cannot_be_a_script_is_one_record_among_others(hooks: Hooks) -> None:
    large = write("large.star", "#" * (64 * 1024 + 1))
    broken = write("broken.star", b"x = '\xff'\n")

    code, out, _ = hooks("test", large, broken, write("a.star", LOGIN), "--json")

    assert code == 1
    assert [each["class"] for each in records(out)] == ["hook.limit", "hook.syntax", None]


def test_cases_beside_a_script_are_what_it_is_tested_with(hooks: Hooks) -> None:
    script = write("a.star", LOGIN)
    case = {"name": "short", "function": "before_create", "context": {"identity": {"given_name": "Zoë"}}}
    expected = {"set": {"uid": "zoe"}, "tags": {"by": "login"}}
    write("a.tests.json", [case | {"expected": expected}])
    first = hooks("test", script)
    write("a.tests.json", [case | {"expected": expected}, case | {"name": "long", "expected": {}}])

    code, out, _ = hooks("test", script)

    assert first[0] == 0
    assert (code, out.splitlines()[0]) == (
        1,
        'a.star: hook.unexpected: long: set.uid is "zoe", expected absent; tags.by is "login", expected absent',
    )


def test_libraries_are_files_beside_the_script(hooks: Hooks) -> None:
    write("lib/names.star", 'load("lib/low", "low")\n\ndef login(name):\n    return low(name)\n')
    write("lib/low.star", "def low(name):\n    return name.lower()\n")
    script = write(
        "a.star",
        'load("lib/names", "login")\n\ndef transform(ctx):\n    return {"uid": login(ctx["identity"]["given_name"])}\n',
    )

    code, out, _ = hooks("test", script, "--json")

    assert (code, records(out)[0]["patch"]["set"]) == (0, {"uid": "ada"})
    assert hooks("validate", script)[0] == 0
    assert hooks("test", script, "--lib", "lib")[0] == 0
    assert hooks("validate", "lib/low.star")[1] == "lib/low.star: ok, a library\n"
    assert hooks("versions", "lib/names.star")[1].endswith("  lib/names.star  a library\n")


@pytest.mark.parametrize(
    ("loaded", "said"),
    [
        pytest.param("lib/nowhere", "the library nowhere is missing: there is no lib/nowhere.star", id="missing"),
        pytest.param("lib/x/../../../secret", "the library x/../../../secret is missing", id="outside"),
        pytest.param("lib/one", "these libraries load each other: one -> two -> one", id="circle"),
    ],
)
def test_a_library_that_cannot_be_loaded_is_named(hooks: Hooks, loaded: str, said: str) -> None:
    write("../secret.star", "x = 1\n")
    write("lib/x/a.star", "x = 1\n")
    write("lib/one.star", 'load("lib/two", "x")\n')
    write("lib/two.star", 'load("lib/one", "x")\n')

    code, out, _ = hooks(
        "test", write("a.star", f'load("{loaded}", "x")\ndef transform(ctx):\n    return x\n'), "--json"
    )

    assert (code, records(out)[0]["class"]) == (1, "hook.compile")
    assert records(out)[0]["message"].startswith(said)


def test_random_values_are_the_same_each_time(hooks: Hooks) -> None:
    script = write("a.star", 'def transform(ctx):\n    return {"id": rand.uuid4()}\n')

    first, second = (hooks("test", script, "--json")[1] for _ in range(2))

    assert records(first)[0]["patch"]["set"] == records(second)[0]["patch"]["set"] != {}


def test_validate_tells_everything_and_runs_nothing(hooks: Hooks) -> None:
    fine, bad = write("a.star", LOGIN), write("b.star", "def transform(ctx):\n    return nobody\n")

    code, out, _ = hooks("validate", fine, bad, write("c.star", LOOP), "--json")

    first, second, third = records(out)
    assert code == 1
    assert (first["ok"], first["functions"], third["ok"]) == (True, ["before_create"], True)
    assert second["diagnostics"][0] | {"message": ""} == {
        "severity": "error",
        "line": 2,
        "column": 12,
        "code": "hook.compile",
        "message": "",
    }
    assert hooks("validate", bad)[1].splitlines()[1:3] == ["   2 |     return nobody", "     |            ^"]


def test_replay_tells_what_is_decided_otherwise(hooks: Hooks) -> None:
    new, old = write("new.star", LOGIN), write("old.star", LOGIN.replace("text.slug", "text.norm"))
    calls = [
        {"function": "before_create", "context": {"identity": {"given_name": name}}, "answer": {}}
        for name in ("Ada", "Jean Luc")
    ]
    write("calls.jsonl", "\n".join(map(json.dumps, calls)))

    recorded = hooks("replay", new, "--calls", "calls.jsonl", "--json")
    against = hooks("replay", new, "--calls", "calls.jsonl", "--against", old, "--json")
    same = hooks("replay", new, "--calls", "calls.jsonl", "--against", new)

    assert (recorded[0], len(json.loads(recorded[1])["changed"])) == (1, 2)
    [changed] = json.loads(against[1])["changed"]
    assert (changed["before"]["set"], changed["after"]["set"]) == ({"uid": "jean luc"}, {"uid": "jean-luc"})
    assert same == (0, "new.star: 0 of 2 calls are decided otherwise.\n", "")


def test_versions_are_known_by_what_is_in_them(hooks: Hooks) -> None:
    code, out, _ = hooks("versions", write("a.star", LOGIN), write("b.star", LOGIN), write("c.star", "x ="), "--json")

    first, second, third = records(out)
    assert code == 1
    assert (first["sha"], first["functions"]) == (second["sha"], ["before_create"])
    assert (third["ok"], third["sha"] != first["sha"]) == (False, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["nowhere.star"], 3, "No such file or directory: nowhere.star.", id="no file"),
        pytest.param(["."], 4, "There is no file .star in .", id="empty folder"),
        pytest.param(
            ["a.star", "--function", "before_lunch"], 4, "before_lunch is no function of a hook", id="function"
        ),
        pytest.param(["a.star", "--context", "a.star"], 4, "a.star is not JSON", id="context is no JSON"),
    ],
)
def test_wrong_use_is_one_sentence(hooks: Hooks, arguments: list[str], code: int, said: str) -> None:
    if arguments != ["."]:
        write("a.star", LOGIN)

    ended, out, err = hooks("test", *arguments)

    assert (ended, out, len(err.splitlines())) == (code, "", 1)
    assert err.startswith(f"provisiond: {said}")


def test_of_several_files_that_are_not_there_one_is_told(hooks: Hooks) -> None:
    code, out, err = hooks("test", "one.star", "two.star")

    assert (code, out, err) == (3, "", "provisiond: No such file or directory: one.star.\n")


@pytest.mark.parametrize("verb", ["replay", "activate"])
def test_a_file_that_is_no_text_is_told_with_its_place(stored: Hooks, verb: str) -> None:
    write("calls.jsonl", "")
    given = {"replay": ["--calls", "calls.jsonl"], "activate": ["--hook", "a"]}[verb]

    code, out, err = stored(verb, write("a.star", b"x = '\xff'\n"), *given)

    assert (code, out, err) == (1, "a.star:1:6: hook.syntax: the source is not UTF-8\n", "")


def test_a_limit_of_the_settings_holds_here(hooks: Hooks, configure: Configure) -> None:
    configure(hooks__call_ms="2000")
    busy = "def transform(ctx):\n    n = 0\n    for i in range(3000000):\n        n += i % 7\n    return {'n': n}\n"
    script = write("a.star", busy)
    patient = hooks("test", script, "--json")
    configure(hooks__call_ms="10")
    hasty = hooks("test", script, "--json")

    assert records(patient[1])[0]["class"] is None
    assert records(hasty[1])[0]["class"] == "hook.deadline"


@pytest.fixture
def stored(database: Database, tenant_id: UUID, configure: Configure, hooks: Hooks) -> Hooks:
    """The same where there is a database."""
    assert tenant_id
    configure(database_url=database.daemon_dsn)
    return hooks


def test_a_file_becomes_the_version_that_runs_and_back(stored: Hooks) -> None:
    script = write("login.star", LOGIN)
    first = stored("activate", script, "--hook", "login", "--note", "first")
    again = stored("activate", script, "--hook", "login")
    write("login.star", LOGIN.replace("slug", "norm"))
    second = stored("activate", script, "--hook", "login", "--json")
    back = stored("activate", "--hook", "login", "--version", "1")

    assert first == (0, "login: version 1 is active; 0 saved tests were run.\n", "")
    assert again == first
    assert json.loads(second[1]) == {"hook": "login", "version": 2, "previous": 1, "tests": 0}
    assert back[1] == "login: version 1 is active, was version 2; 0 saved tests were run.\n"
    listed = json.loads(stored("versions", "--hook", "login", "--json")[1])
    assert [(each["version"], each["active"], each["note"]) for each in listed] == [(2, False, ""), (1, True, "first")]
    write("login.star", LOGIN)
    assert records(stored("versions", script, "--json")[1])[0]["sha"] == listed[1]["sha"]


def test_a_file_whose_own_cases_fail_is_not_stored(stored: Hooks) -> None:
    script = write("login.star", LOGIN)
    write("login.tests.json", [{"name": "hers", "context": {"identity": {"given_name": "Ada"}}, "expected": {}}])

    refused = stored("activate", script, "--hook", "login")
    none_yet = stored("versions", "--hook", "login")
    forced = stored("activate", script, "--hook", "login", "--force")

    assert (refused[0], refused[1].startswith("login.star: hook.unexpected: hers: ")) == (1, True)
    assert none_yet[2] == "provisiond: There is no hook login.\n"
    assert forced[0] == 0


def test_a_library_is_activated_before_who_loads_it(stored: Hooks) -> None:
    library = write("lib/names.star", "def low(name):\n    return name.lower()\n")
    source = 'load("lib/names", "low")\n\ndef transform(ctx):\n    return {"uid": low(ctx["identity"]["given_name"])}\n'
    script = write("a.star", source)
    too_early = stored("activate", script, "--hook", "a")
    stored("activate", library, "--hook", "names")
    in_time = stored("activate", script, "--hook", "a")

    assert (too_early[0], "names" in too_early[2]) == (4, True)
    assert in_time[0] == 0
    local = records(stored("versions", script, "--json")[1])[0]["sha"]
    assert json.loads(stored("versions", "--hook", "a", "--json")[1])[0]["sha"] == local


def test_a_library_does_not_become_a_version_of_a_hook(stored: Hooks) -> None:
    script = write("a.star", LOGIN)
    library = write("lib/a.star", "def low(name):\n    return name.lower()\n")
    stored("activate", script, "--hook", "a")
    stored("activate", library, "--hook", "low")

    assert "a is a hook, but the file is in a folder lib" in stored("activate", library, "--hook", "a")[2]
    assert "low is a library, but the file is in no folder lib" in stored("activate", script, "--hook", "low")[2]


def test_the_same_file_with_a_newer_library_is_another_version(stored: Hooks) -> None:
    """Else a pipeline that changed the library alone would say that all is well, and change nothing."""
    library = write("lib/names.star", "def low(name):\n    return name.lower()\n")
    source = 'load("lib/names", "low")\n\ndef transform(ctx):\n    return {"uid": low(ctx["identity"]["given_name"])}\n'
    script = write("a.star", source)
    stored("activate", library, "--hook", "names")
    stored("activate", script, "--hook", "a")
    write("lib/names.star", "def low(name):\n    return name.lower()[:8]\n")
    stored("activate", library, "--hook", "names")

    code, out, _ = stored("activate", script, "--hook", "a", "--json")

    assert (code, json.loads(out)["version"], json.loads(out)["previous"]) == (0, 2, 1)


def test_a_file_is_activated_by_the_cases_that_its_tests_run(stored: Hooks) -> None:
    """A case that names no function means the one that the script has, there and here."""
    script = write("a.star", 'def after_update(ctx):\n    return {"tags": {"seen": ctx["event"]}}\n')
    write("a.tests.json", [{"context": {}, "expected": {"tags": {"seen": "after_update"}}}])

    assert stored("test", script)[0] == 0
    assert stored("activate", script, "--hook", "a")[0] == 0


def test_calls_of_a_stored_hook_are_given_to_a_draft(stored: Hooks, database: Database, tenant_id: UUID) -> None:
    stored("activate", write("login.star", LOGIN), "--hook", "login")
    asyncio.run(_record(database, tenant_id, names=["Ada", "Jean Luc"]))
    draft = write("draft.star", LOGIN.replace("slug", "norm"))

    code, out, _ = stored("replay", draft, "--hook", "login", "--json")

    found = json.loads(out)
    [changed] = found["changed"]
    assert (code, found["calls"], changed["function"]) == (1, 2, "before_create")
    assert (changed["before"]["set"], changed["after"]["set"]) == ({"uid": "jean-luc"}, {"uid": "jean luc"})
    assert stored("replay", "login.star", "--hook", "login")[0] == 0
    assert stored("replay", "login.star", "--hook", "login", "--last", "1")[1] == (
        "login.star: 0 of 1 calls are decided otherwise.\n"
    )


async def _record(database: Database, tenant_id: UUID, *, names: list[str]) -> None:
    pool = await open_pool(database.daemon_dsn, size=1)
    async with tenant(pool, tenant_id) as conn:
        hook = await stored_hooks.by_name(conn, tenant_id=tenant_id, name="login")
        assert hook is not None
        contexts = [trial_context("before_create", {"identity": {"given_name": name}}) for name in names]
        calls = [Recorded(hook["id"], 1, "before_create", context, {}, datetime.now(UTC)) for context in contexts]
        await hook_records.add(conn, tenant_id, calls)
    await pool.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["replay", "a.star"], "Say which calls: --calls with a file, or --hook", id="no calls"),
        pytest.param(["activate", "--hook", "login"], "Say what is to run: a FILE, or --version", id="nothing"),
        pytest.param(["activate", "--hook", "login", "--version", "1"], "There is no hook login.", id="no hook"),
        pytest.param(["versions"], "Say which: FILES, or --hook", id="no file"),
        pytest.param(["versions", "--hook", "login"], "There is no hook login.", id="no versions"),
    ],
)
def test_what_is_not_stored_is_one_sentence(stored: Hooks, arguments: list[str], said: str) -> None:
    code, out, err = stored(*arguments)

    assert (code, out, len(err.splitlines())) == (4, "", 1)
    assert err.startswith(f"provisiond: {said}")
