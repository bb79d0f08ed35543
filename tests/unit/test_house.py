"""The rules of the house that no linter knows."""

import ast
import importlib
import itertools
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "worker"
ROOMS = sorted(each.parent.name for each in WORKER.glob("*/__init__.py"))
NAMESPACES = {"domain", "store", "telemetry", "settings", "actions"}  # their modules are imported one by one
TOP = {"cli", "service"}  # started by the command, entered by nobody else
MODULES = frozenset(WORKER.rglob("*.py"))
CODE = [*MODULES, *sorted(ROOT.glob("migrations/**/*.py")), *sorted(ROOT.glob("tests/**/*.py"))]
IGNORED = {"__pycache__", ".git", ".venv", ".provisiond"}
KEPT = {".ci", ".dockerignore", ".gitignore"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MODULE_LINES = 400
FUNCTION_LINES = 40
# Where packages and images come from is the business of whoever installs them.
HOSTS = [
    "pypi." + "org",
    "pythonhosted." + "org",
    "npmjs." + "org",
    "maven." + "org",
    "docker." + "io",
    "deb.debian." + "org",
]
PLACES = ["/" + "work/", "/" + "root/", "/" + "home/"]
# package -> who may import it, as dotted beginnings
RESERVED = {
    "asyncpg": ("worker.store", "worker.connectors.builtin.sql"),
    "sqlalchemy": ("worker.store", "worker.connectors.builtin.sql"),
    "alembic": ("worker.store",),
    "starlark": ("worker.sandbox",),
    "worker.settings": ("worker.settings", "worker.cli", "worker.service", "worker.__main__"),
    "tests": (),
}
# a random generator comes in as an argument, and ids need random bytes: neither touches anything
OUTSIDE = {"aiohttp", "asyncio", "fcntl", "pathlib", "signal", "socket", "subprocess", "tempfile"}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a module imports, anywhere in it, and the lines of its functions; ``from a import b`` is both a and a.b."""

    imports: frozenset[str]
    functions: tuple[tuple[int, str, int], ...]


@cache
def contents_of(path: Path) -> Contents:
    """Read once for all rules. The tree is not kept: those of all modules are millions of objects to look after."""
    found: set[str] = set()
    functions = []
    for node in statements_in(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
        elif isinstance(node, FUNCTIONS):
            functions.append((node.lineno, node.name, own_lines(node)))
    return Contents(frozenset(found), tuple(functions))


def statements_in(block: ast.AST) -> Iterator[ast.AST]:
    """Every statement, those inside of others included; expressions are left out, which saves most."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for statement in getattr(block, part, ()):
            yield statement
            yield from statements_in(statement)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> frozenset[str]:
    return contents_of(path).imports


def is_below(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def assert_none(found: Iterable[str]) -> None:
    """All of them at once, for whoever has to mend them."""
    lines = sorted(found)

    assert not lines, "\n" + "\n".join(lines)


def shown(path: Path, line: int | None = None) -> str:
    return f"{path.relative_to(ROOT)}" + (f":{line}" if line else "")


@pytest.mark.parametrize("room", ROOMS)
def test_front_door_of_a_room_opens(room):
    """Every exported name exists, and none hides a module of the room."""
    package = importlib.import_module(f"worker.{room}")
    exported = getattr(package, "__all__", [])
    modules = {each.stem for each in (WORKER / room).iterdir()}

    assert exported or room in NAMESPACES | TOP, "a room exports what others may use"
    assert [name for name in exported if not hasattr(package, name)] == []
    assert sorted(set(exported) & modules) == []


def test_rooms_are_entered_by_the_front_door():
    found = set()
    for path in MODULES:
        own = name_of(path).split(".")[1:2]
        for name in imports_of(path):
            parts = name.split(".")
            inside = len(parts) > 2 and parts[0] == "worker" and parts[1] in ROOMS
            if (
                inside
                and parts[1] not in {*own, *NAMESPACES}
                and is_module(parts)
                and not is_allowed_inside(path, parts)
            ):
                found.add(f"{shown(path)} imports {name}")

    assert_none(found)


def is_module(parts: list[str]) -> bool:
    """Whether the first three names are a room's module, rather than something that its front door offers."""
    path = ROOT.joinpath(*parts[:3])
    return path.with_suffix(".py") in MODULES or path / "__init__.py" in MODULES


def is_allowed_inside(path: Path, parts: list[str]) -> bool:
    """The command starts what it is about to run; nothing else is imported until then."""
    return parts[1] in TOP and name_of(path).split(".")[1] in {"__main__", *TOP}


@pytest.mark.parametrize("package", RESERVED)
def test_reserved_packages_are_imported_where_they_belong(package):
    found = {
        f"{shown(path)} imports {name}"
        for path in MODULES
        for name in imports_of(path)
        if is_below(name, package) and not name_of(path).startswith(RESERVED[package])
    }

    assert_none(found)


def test_domain_touches_nothing_outside():
    found = {
        f"{shown(path)} imports {name}"
        for path in MODULES
        if is_below(name_of(path), "worker.domain")
        for name in imports_of(path)
        if name.split(".")[0] in OUTSIDE
    }

    assert_none(found)


def test_connectors_know_the_contract_and_the_domain_alone():
    """A connector may be several modules whose names begin alike; no other connector is its business."""
    builtin = "worker.connectors.builtin"
    entries = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"][
        "worker.connectors"
    ]
    found = set()
    for entry in entries.values():
        first = entry.partition(":")[0]
        allowed = ("worker.connectors.base", "worker.domain", first)
        for path in WORKER.glob(f"connectors/builtin/{first.removeprefix(f'{builtin}.')}*.py"):
            found |= {
                f"{shown(path)} imports {name}"
                for name in imports_of(path)
                if name.startswith("worker.") and name != builtin and not name.startswith(allowed)
            }

    assert_none(found)


def test_modules_stay_readable_in_one_sitting():
    sizes = {shown(path): path.read_text("utf-8").count("\n") for path in MODULES}

    assert_none(f"{path}: {lines} lines" for path, lines in sizes.items() if lines > MODULE_LINES)


def test_functions_fit_on_a_screen():
    sizes = {
        f"{shown(path, line)} {name}": lines for path in MODULES for line, name, lines in contents_of(path).functions
    }

    assert_none(f"{function}: {lines} lines" for function, lines in sizes.items() if lines > FUNCTION_LINES)


def own_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines without those of the functions inside: they are counted by themselves."""
    inner = [node for node in statements_in(function) if isinstance(node, FUNCTIONS)]
    lines = set(range(function.lineno, (function.end_lineno or 0) + 1))
    return len(lines.difference(*(range(node.lineno, (node.end_lineno or 0) + 1) for node in inner)))


def test_lint_ignores_carry_their_reason():
    bare = re.compile(r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?:\[[\w,\s-]+\])?)\s*$")
    found = [
        shown(path, number)
        for path in CODE
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if bare.search(line)
    ]

    assert_none(found)


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that is ours and text; what tools keep for themselves is left out."""
    folders = [ROOT]
    while folders:
        for path in folders.pop().iterdir():
            hidden = path.name.startswith(".") and path.name not in KEPT
            if hidden or path.name in IGNORED or path.name == "uv.lock" or path.is_symlink():
                continue
            if path.is_dir():
                folders.append(path)
            elif b"\0" not in (content := path.read_bytes())[:1024]:
                yield path, content.decode("utf-8", errors="replace")


def test_no_file_names_a_registry_or_a_place_on_one_machine():
    found = [f"{shown(path)}: {word}" for path, text in texts() for word in (*HOSTS, *PLACES) if word in text]

    assert_none(found)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locked_packages_carry_their_hashes_and_no_address(name):
    text = (ROOT / name).read_text("utf-8")
    pinned = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
    hashed = re.findall(r"^[a-z0-9][\w.-]*==[^\n]*\\\n {4}--hash=sha256:", text, re.MULTILINE)

    assert pinned
    assert len(pinned) == len(hashed)
    assert "://" not in text


def test_locks_hold_every_dependency_that_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    declared = [*project["project"]["dependencies"], *itertools.chain.from_iterable(extras)]
    names = {re.split(r"[\[<>=]", each)[0].lower() for each in declared}
    locked = set(re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))

    assert sorted(names - locked) == []


def test_every_dependency_is_used():
    """What nobody imports is a risk without a use.

    httptools is imported by uvicorn, which is faster with it; of anyascii the tables are read, not the code.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    imported = {name.split(".")[0] for path in MODULES for name in imports_of(path)}
    offered = packages_distributions()
    used = {name.lower().replace("_", "-") for package in imported for name in offered.get(package, [])}
    declared = {re.split(r"[\[<>=]", each)[0].lower() for each in project["dependencies"]}

    assert_none(declared - used - {"httptools", "anyascii"})


def test_scripts_can_be_started():
    scripts = [path for path in (*ROOT.glob("scripts/*"), ROOT / ".ci" / "run") if path.is_file()]

    assert scripts
    assert [shown(path) for path in scripts if not path.stat().st_mode & stat.S_IXUSR] == []
    assert [shown(path) for path in scripts if not path.read_text("utf-8").startswith("#!/usr/bin/env ")] == []
