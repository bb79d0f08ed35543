# ruff: noqa: E501 - one signature a line
"""The reference: what of the library and the language authors are told. Its examples run in a child elsewhere."""

import json
from typing import Any

import pytest

from worker.sandbox import FUNCTIONS, context_fields, reference
from worker.sandbox.library import LIBRARY, PRELUDE_NAMES
from worker.sandbox.manual import type_name

#: The public surface. A name may be added, and a parameter with a default; what goes away or changes breaks stored
#: scripts.
SIGNATURES = """
text.ascii(value: string, language: string = "", strict: bool = False) -> string
text.collapse_space(value: string) -> string
text.norm(value: string) -> string
text.pad_left(value: string, length: int, fill: string = " ") -> string
text.pad_right(value: string, length: int, fill: string = " ") -> string
text.scripts(value: string) -> list[string]
text.similarity(first: string, second: string) -> float
text.slug(value: string, sep: string = "-", language: string = "") -> string
text.split_name(value: string) -> dict
text.template(pattern: string, values: dict) -> string
text.title_name(value: string) -> string
text.truncate(value: string, length: int, suffix: string = "") -> string
email.build(local: string, domain: string, language: string = "") -> string
email.domain(value: string) -> string
email.local(value: string) -> string
email.valid(value: any) -> bool
phone.e164(number: string, region: string = "") -> string
phone.international(number: string, region: string = "") -> string
phone.national(number: string, region: string = "") -> string
phone.region(number: string, region: string = "") -> string
phone.valid(number: any, region: string = "") -> bool
username.candidates(pattern: string, values: dict, count: int = 20, length: int = 20, language: string = "") -> list[string]
dn.build(parts: list[list[string]], base: string = "") -> string
dn.escape(value: string) -> string
dn.parent(name: string) -> string
dn.parse(name: string) -> list[list[string]]
ldap.filter_escape(value: string) -> string
date.add(text: string, *, days: int = 0, hours: int = 0, minutes: int = 0, months: int = 0, years: int = 0) -> string
date.before(first: string, second: string) -> bool
date.diff(later: string, earlier: string, unit: string = "days") -> int
date.epoch(text: string) -> int
date.format(text: string, pattern: string) -> string
date.from_ad_filetime(value: int) -> string | None
date.from_epoch(seconds: int) -> string
date.parse(text: string, pattern: string | None = None) -> string
date.to_ad_filetime(text: string | None) -> int
date.utc(text: string) -> string
hash.base64(value: string) -> string
hash.hmac_sha256(key: string, value: string) -> string
hash.sha256(value: string) -> string
hash.uuid5(namespace: string, name: string) -> string
rand.alnum(length: int) -> string
rand.digits(length: int) -> string
rand.password(policy: dict | None = None, length: int | None = None, classes: list[string] | None = None, avoid: list[string] | None = None, ambiguous: bool = False) -> string
rand.uuid4() -> string
password.check(value: string, policy: dict) -> list[string]
iso3166.alpha2(value: any) -> string | None
iso3166.alpha3(value: any) -> string | None
iso3166.name(value: any) -> string | None
iso3166.numeric(value: any) -> string | None
print(*args: any, sep: string = " ") -> None
reject(reason: any, code: any = "rejected") -> outcome
skip(reason: any) -> outcome
coalesce(*values: any) -> any
first_valid(*values: any) -> any
pick(record: dict, names: any) -> dict
omit(record: dict, names: any) -> dict
merge(*records: any) -> dict
lookup(table: dict, key: any, default: any = None) -> any
""".strip().splitlines()


def test_signatures_are_the_public_surface_that_scripts_rely_on() -> None:
    found = [entry["signature"] for entry in reference() if entry["kind"] != "language"]

    assert found == SIGNATURES


def test_every_name_that_scripts_find_is_in_the_reference() -> None:
    names = {entry["name"] for entry in reference()}

    assert {f"{group}.{name}" for group, functions in LIBRARY.items() for name in functions} <= names
    assert set(PRELUDE_NAMES) <= names


@pytest.mark.parametrize("entry", reference(), ids=lambda entry: entry["name"])
def test_every_function_is_documented(entry: dict[str, Any]) -> None:
    assert entry["summary"].endswith(".")
    assert len(entry["summary"]) <= 160
    assert entry["doc"].startswith(entry["summary"][:20])
    assert ">>>" not in entry["doc"]
    assert entry["since_api"] == 1
    if entry["kind"] != "language":
        assert entry["examples"]
    for example in entry["examples"]:
        assert (example["result"] is None) != (example["error"] is None)
        if example["result"] is not None:
            json.loads(example["result"])


def test_the_reference_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(reference()))[0]["name"] == "text.ascii"


def test_parameters_say_their_type_and_default() -> None:
    [slug] = (entry for entry in reference() if entry["name"] == "text.slug")
    [add] = (entry for entry in reference() if entry["name"] == "date.add")

    assert slug["parameters"][:2] == [
        {"name": "value", "type": "string", "default": None, "is_keyword": False},
        {"name": "sep", "type": "string", "default": '"-"', "is_keyword": False},
    ]
    assert add["parameters"][1] == {"name": "days", "type": "int", "default": "0", "is_keyword": True}


def test_fields_of_the_context_belong_to_functions_that_are_called() -> None:
    fields = context_fields()

    assert len({field["name"] for field in fields}) == len(fields)
    assert all(set(field["events"]) <= set(FUNCTIONS) for field in fields)
    assert {field["name"] for field in fields if "before_create" in field["events"]} >= {"identity", "iteration"}
    assert "changes" not in {field["name"] for field in fields if "before_create" in field["events"]}


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        pytest.param(str, "string", id="text"),
        pytest.param(str | None, "string | None", id="optional"),
        pytest.param(list[list[str]], "list[list[string]]", id="nested"),
        pytest.param(dict[str, Any], "dict", id="dict"),
        pytest.param(Any, "any", id="any"),
    ],
)
def test_types_have_the_words_of_starlark(annotation: object, name: str) -> None:
    assert type_name(annotation) == name
