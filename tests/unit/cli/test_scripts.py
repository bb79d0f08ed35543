import json
from pathlib import Path

import pytest

from worker.cli import scripts
from worker.domain.errors import HookError, InvalidRequest


@pytest.mark.parametrize("place", [pytest.param("work", id="anywhere"), pytest.param("var/lib/hooks", id="in a lib")])
def test_a_folder_means_every_script_below_it_but_the_libraries(tmp_path: Path, place: str) -> None:
    tmp_path = tmp_path / place
    (tmp_path / "inner" / "lib").mkdir(parents=True)
    for name in ("b.star", "a.star", "inner/c.star", "inner/lib/names.star", "notes.txt"):
        (tmp_path / name).touch()

    found = scripts.files_of([str(tmp_path / "notes.txt"), str(tmp_path)])

    assert [path.name for path in found] == ["notes.txt", "a.star", "b.star", "c.star"]


def test_a_library_is_below_a_folder_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the working directory itself is does not count."""
    work = tmp_path / "lib" / "work"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)

    found = [
        scripts.is_library(Path(path)) for path in ("a.star", "lib/a.star", "lib/inner/a.star", str(work / "a.star"))
    ]

    assert found == [False, True, True, False]


def test_a_folder_without_scripts_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="There is no file"):
        scripts.files_of([str(tmp_path)])


def test_below_a_folder_only_files_of_its_own_are_scripts(tmp_path: Path) -> None:
    (tmp_path / "hooks" / "folder.star").mkdir(parents=True)
    (tmp_path / "hooks" / "login.star").write_text("def before_create(ctx):\n    return None\n")
    (tmp_path / "passwords").write_text("root:x:0:0\n")
    (tmp_path / "hooks" / "leak.star").symlink_to(tmp_path / "passwords")

    assert scripts.files_of([str(tmp_path / "hooks")]) == [tmp_path / "hooks" / "login.star"]


def test_a_source_that_is_no_text_says_where(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(b"x = 1\ny = '\xff'\n")

    with pytest.raises(HookError, match="not UTF-8") as caught:
        scripts.source_of(path)

    assert (caught.value.hook_class, caught.value.fields["line"], caught.value.fields["column"]) == (
        "hook.syntax",
        2,
        6,
    )


def test_a_source_without_end_is_read_only_as_far_as_needed() -> None:
    with Path("/dev/zero").open("rb"):
        assert len(scripts.source_of(Path("/dev/zero"))) == 64 * 1024 + 4


def test_nobody_named_is_a_sample_person() -> None:
    call = scripts.call_of(None, function="before_update")

    assert (call.function, call.context["event"]) == ("before_update", "before_update")
    assert call.context["identity"]["given_name"] == "Ada"


def test_a_context_is_filled_up_with_nothing_in_particular(tmp_path: Path) -> None:
    path = tmp_path / "ctx.json"
    path.write_text('{"event": "after_create", "attributes": {"a": 1}}', encoding="utf-8")

    call = scripts.call_of(path)

    assert call.function == "after_create"
    assert (call.context["attributes"], call.context["identity"], call.context["params"]) == ({"a": 1}, {}, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[]", "a context is one JSON object", id="list"),
        pytest.param("{", "is not JSON", id="cut"),
        pytest.param("[" * 100_000, "is not JSON", id="deep"),
        pytest.param('{"event": "before_lunch"}', "before_lunch is no function of a hook", id="unknown event"),
        pytest.param('{"a": "' + "x" * 1024 * 1024 + '"}', "is larger than 1024 KiB", id="large"),
    ],
)
def test_a_bad_context_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "ctx.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidRequest, match=said):
        scripts.call_of(path)


def test_cases_are_found_beside_their_script(tmp_path: Path) -> None:
    case = {"name": "one", "function": "transform", "context": {"identity": {"a": 1}}, "expected": {"set": {"b": 1}}}
    (tmp_path / "a.tests.json").write_text(json.dumps([case]), encoding="utf-8")

    [found] = scripts.cases_of(tmp_path / "a.star")

    assert (found.name, found.function, found.expected) == ("one", "transform", {"set": {"b": 1}})
    assert found.context["identity"] == {"a": 1}
    assert scripts.cases_of(tmp_path / "b.star") == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{}", id="no list"),
        pytest.param('[{"context": {}}]', id="nothing expected"),
        pytest.param('[{"context": {}, "expected": {}, "function": 1}]', id="function is a number"),
    ],
)
def test_misshapen_cases_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.tests.json").write_text(text, encoding="utf-8")

    with pytest.raises(InvalidRequest, match=r"a\.tests\.json"):
        scripts.cases_of(tmp_path / "a.star")


def test_recorded_calls_are_named_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text('{"context": {}, "answer": {}}\n\n{"context": {}, "answer": 1}\n', encoding="utf-8")

    with pytest.raises(InvalidRequest, match=r"calls\.jsonl:3: a call is an object"):
        scripts.calls_of(path)
