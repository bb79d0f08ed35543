"""What the daemon itself may say about a source before any child sees it."""

import re
from typing import Any, Final

from worker.domain.errors import HookError
from worker.domain.hook import HookClass, HookScript, Library
from worker.sandbox import API, LIBRARY_PREFIX, MAX_LIBRARIES, MAX_LIBRARY_BYTES, MAX_SOURCE

LIBRARY_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}")


def check_source(source: str) -> str:
    """The source as it will be compiled: without a byte order mark. Raises HookError: hook.limit, hook.syntax."""
    text = source.removeprefix("\ufeff")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise HookError("the source holds half a character", hook_class=HookClass.SYNTAX) from error
    if size > MAX_SOURCE:
        raise HookError("the source is larger than 64 KiB", hook_class=HookClass.LIMIT)
    return text


def definition_of(script: HookScript) -> dict[str, Any]:
    """What a child needs to build a script: ``source``, and ``libraries`` as ``[name, source]`` where there are any.

    Raises HookError: hook.limit, hook.syntax, hook.compile.
    """
    if script.api != API:
        message = f"the script is written for version {script.api} of the contract; known is {API}"
        raise HookError(message, hook_class=HookClass.COMPILE)
    definition: dict[str, Any] = {"source": check_source(script.source)}
    if script.libraries:
        definition["libraries"] = [[_checked_name(each), _checked_source(each)] for each in script.libraries]
        _check_sizes(definition["libraries"])
    return definition


def _checked_name(library: Library) -> str:
    if not LIBRARY_NAME.fullmatch(library.name):
        raise HookError("the name of a library is up to 100 letters, digits and . _ / -", hook_class=HookClass.COMPILE)
    return library.name


def _checked_source(library: Library) -> str:
    try:
        return check_source(library.source)
    except HookError as error:
        message = f"{LIBRARY_PREFIX}{library.name}: {error.detail}"
        raise HookError(message, hook_class=error.hook_class) from error


def _check_sizes(libraries: list[list[str]]) -> None:
    if len(libraries) > MAX_LIBRARIES:
        raise HookError(f"the script loads more than {MAX_LIBRARIES} libraries", hook_class=HookClass.LIMIT)
    if sum(len(source.encode()) for _, source in libraries) > MAX_LIBRARY_BYTES:
        kib = MAX_LIBRARY_BYTES // 1024
        raise HookError(f"the libraries of the script are larger than {kib} KiB in all", hook_class=HookClass.LIMIT)
