"""What scripts may use, in a form that editors and pages read: made from the signatures and docstrings themselves.

Needs no interpreter of scripts, so the daemon can make it; what an example's result is, a test asks a child.
"""

import inspect
import json
import re
import types
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, TypedDict, get_args, get_origin

from worker.sandbox.fields import FIELDS, FieldEntry
from worker.sandbox.frames import API
from worker.sandbox.language import BUILTINS
from worker.sandbox.library import LIBRARY, PRELUDE_NAMES, prelude

_DEFINITION: Final = re.compile(r'^def (\w+)\(([^\n]*)\):\n {4}"""(.*?)"""', re.MULTILINE | re.DOTALL)
_TYPES: Final = {str: "string", int: "int", float: "float", bool: "bool", type(None): "None", Any: "any", object: "any"}
_STARLARK_TYPES: Final = {
    "None | dict": "dict | None",
    "str": "string",
    "int": "int",
    "bool": "bool",
    "dict": "dict",
    "list": "list",
    "": "any",
}
#: What the functions of the prelude return, where that is not any value.
_RETURNS: Final = {
    "print": "None", "reject": "outcome", "skip": "outcome", "pick": "dict", "omit": "dict", "merge": "dict"
}  # fmt: skip


class Parameter(TypedDict):
    """One parameter; ``default`` is its value as JSON text, None where the parameter must be given.

    A name that starts with * takes any number of values; ``is_keyword`` ones are given by name alone.
    """

    name: str
    type: str
    default: str | None
    is_keyword: bool


class Example(TypedDict):
    """An expression and what it gives: ``result`` as JSON text, or ``error``, the message; the other is None."""

    code: str
    result: str | None
    error: str | None


class FunctionEntry(TypedDict):
    """One function. ``group`` is what stands before the dot (empty: nothing); ``kind`` is host, prelude or language.

    ``summary`` is the first sentence of ``doc``; ``doc`` is plain text in paragraphs, names in backticks.
    """

    name: str
    group: str
    kind: str
    signature: str
    parameters: list[Parameter]
    returns: str
    summary: str
    doc: str
    examples: list[Example]
    since_api: int


@cache
def functions() -> tuple[FunctionEntry, ...]:
    """All functions that scripts find: of the host library by group, of the prelude, and of the language itself."""
    return (*_of_host(), *_of_prelude(), *_of_language())


def fields() -> tuple[FieldEntry, ...]:
    """What ``ctx`` holds, and of which functions."""
    return FIELDS


def _of_host() -> Iterator[FunctionEntry]:
    for group, members in LIBRARY.items():
        for name, function in members.items():
            yield _of_function(group, name, function)


def _of_function(group: str, name: str, function: Callable[..., Any]) -> FunctionEntry:
    signature = inspect.signature(function)
    parameters = [
        Parameter(
            name=one.name,
            type=type_name(one.annotation),
            default=None if one.default is one.empty else json.dumps(one.default, ensure_ascii=False),
            is_keyword=one.kind is one.KEYWORD_ONLY,
        )
        for one in signature.parameters.values()
    ]
    returns = type_name(signature.return_annotation)
    return _entry(f"{group}.{name}", "host", parameters, returns, inspect.getdoc(function) or "")


def _of_prelude() -> Iterator[FunctionEntry]:
    found = {match[1]: match for match in _DEFINITION.finditer(prelude())}
    for name in PRELUDE_NAMES:
        returns = _RETURNS.get(name, "any")
        yield _entry(name, "prelude", _parameters(found[name][2]), returns, inspect.cleandoc(found[name][3]))


def _of_language() -> Iterator[FunctionEntry]:
    for block in BUILTINS.strip().split("\n\n"):
        head, _, doc = block.partition("\n")
        declared, _, returns = head.partition(" -> ")
        name, _, rest = declared.removesuffix(")").partition("(")
        yield _entry(name, "language", _parameters(rest), returns, doc)


def _parameters(declared: str) -> list[Parameter]:
    """What stands between the brackets of a definition in Starlark. After ``*`` and ``*args`` come names alone."""
    found: list[Parameter] = []
    is_keyword = False
    for text in declared.split(", ") if declared else []:
        head, _, default = text.partition(" = ")
        name, _, kind = head.partition(": ")
        if name != "*":
            value = {"None": "null", "False": "false"}.get(default, default) or None
            found.append(Parameter(name=name, type=_STARLARK_TYPES[kind], default=value, is_keyword=is_keyword))
        is_keyword = is_keyword or (name.startswith("*") and not name.startswith("**"))
    return found


def _entry(name: str, kind: str, parameters: list[Parameter], returns: str, text: str) -> FunctionEntry:
    doc, examples = _parted(text)
    return FunctionEntry(
        name=name,
        group=name.rpartition(".")[0],
        kind=kind,
        signature=f"{name}({', '.join(_declared(parameters))}) -> {returns}",
        parameters=parameters,
        returns=returns,
        summary=re.split(r"(?<=\.)\s", doc, maxsplit=1)[0].replace("\n", " "),
        doc=doc,
        examples=examples,
        since_api=API,
    )


def _declared(parameters: list[Parameter]) -> Iterator[str]:
    is_marked = any(one["name"].startswith("*") for one in parameters)
    for one in parameters:
        if one["is_keyword"] and not is_marked:
            is_marked = True
            yield "*"
        literal = {"null": "None", "true": "True", "false": "False"}.get(one["default"] or "", one["default"])
        yield f"{one['name']}: {one['type']}" + (f" = {literal}" if literal else "")


def type_name(annotation: Any) -> str:
    """A Python annotation in the words of Starlark: ``list[str] | None`` is ``list[string] | None``."""
    if annotation in _TYPES:
        return _TYPES[annotation]
    arguments = [type_name(part) for part in get_args(annotation)]
    origin = get_origin(annotation) or annotation
    if origin is types.UnionType:
        return " | ".join(arguments)
    return f"list[{arguments[0]}]" if origin is list else "dict"


def _parted(text: str) -> tuple[str, list[Example]]:
    """A docstring's prose, its double backticks single, and its examples."""
    prose: list[str] = []
    examples: list[Example] = []
    lines = iter(text.replace("``", "`").splitlines())
    for line in lines:
        if line.startswith(">>> "):
            said = next(lines, "")
            error = said.removeprefix("error: ") if said.startswith("error: ") else None
            examples.append(Example(code=line[4:], result=None if error else said, error=error))
        else:
            prose.append(line)
    return "\n".join(prose).strip(), examples
