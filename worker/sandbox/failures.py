"""Starlark's error text, taken apart: what happened, where in the author's source, and nothing of our own frames."""

import re
from collections.abc import Mapping
from typing import Any, Final

from worker.sandbox.discretion import discreet
from worker.sandbox.frames import LIBRARY_PREFIX

MAX_MESSAGE: Final = 2048
MAX_SNIPPET: Final = 512
MAX_FRAMES: Final = 10
MAX_FRAME: Final = 120

#: Names that an author's modules have in error texts: the script, a library (``lib/NAME``), an expression of a mapping.
SCRIPT: Final = "script"
EXPRESSION: Final = "expression "

_PLACE: Final = re.compile(r"^\s*--> (script|lib/[^:\n]*|expression [^:\n]*):(\d+):(\d+)$", re.MULTILINE)
_FRAME: Final = re.compile(r"^  \* (script|lib/[^:\n]*|expression [^:\n]*):(\d+), in (.*)$", re.MULTILINE)
_OWN_FRAME: Final = re.compile(r"^  \* host:\d+, in (\w+)$", re.MULTILINE)
_OWN_PLACE: Final = re.compile(r"^\s*--> (?:host|wrapper|names):\d+:\d+$", re.MULTILINE)
_ERROR: Final = re.compile(r"^error: ", re.MULTILINE)
_EXPECTED: Final = re.compile(r", expected one of .*|, expected \".*", re.DOTALL)
_HOST_CLASS: Final = re.compile(r"^(?:ValueError|TypeError|OverflowError|LookupError|StarlarkError): ")
_HANDED: Final = re.compile(r"(?:StarlarkError: )?Operation `serde::serialize` not supported on type `(\w+)`")
_DEADLINE: Final = "Evaluation cancelled"

Failure = dict[str, Any]
#: What authors wrote, by the name of its module.
Sources = Mapping[str, str]
NO_SOURCES: Final[Sources] = {}


def failure(kind: str, message: str, **place: Any) -> Failure:
    """A failure as it travels: ``class``, ``message`` and, where known, line, column, snippet, frames, module.

    ``module`` is the library (``lib/NAME``) that the place is in; without it the place is in the script.
    """
    return {"class": kind, "message": message[:MAX_MESSAGE], **place}


def explain(text: str, *, stage: str, shift: int = 0, sources: Sources = NO_SOURCES) -> Failure:
    """What one error text means: of class ``stage`` unless the text says more. ``shift`` lines precede the author's.

    Runtime text is: call stack, ``error: message``, `` --> module:line:column``, the source line with carets. Of what
    it quotes only what is in ``sources`` stays. A place of ours is shown as the author's line that led there.
    """
    text = text[: 64 * MAX_MESSAGE]
    start = _ERROR.search(text)
    body = text[start.end() :] if start else text
    places = list(_PLACE.finditer(body))
    own = _OWN_PLACE.search(body)
    end = places[-1].start() if places else own.start() if own else len(body)
    message = body[:end].strip()
    place = _place(body, places[-1], shift) if places else _way_in(text, shift, sources)
    frames = [f"{name}:{int(line) - shift} in {function}"[:MAX_FRAME] for name, line, function in _FRAME.findall(text)]
    if frames:
        place["frames"] = frames[-MAX_FRAMES:]
    hook_class = _class_of(message, stage)
    shown = _tidy(message)
    if hook_class == "hook.script":
        shown = discreet(shown, "\n".join(sources.values()), is_ours=_HOST_CLASS.match(message) is not None)
    return failure(hook_class, shown, **place)


def _class_of(message: str, stage: str) -> str:
    if message.startswith(_DEADLINE):
        return "hook.deadline"
    if message.startswith("MemoryError"):
        return "hook.memory"
    if message.startswith("fail:") and stage == "hook.script":
        return "hook.fail"
    return "hook.syntax" if message.startswith("Parse error") else stage


def _tidy(message: str) -> str:
    if message.startswith(_DEADLINE):
        return "the time limit was reached"
    handed = _HANDED.match(message)
    if handed is not None:
        kind = handed[1].replace("python_callable_value", "function")
        return f"a {kind} cannot be handed to this function"
    plain = _HOST_CLASS.sub("", message.removeprefix("fail:").strip().removeprefix("Parse error: "))
    return _EXPECTED.sub("", plain) if message.startswith("Parse error") else plain


def _way_in(text: str, shift: int, sources: Sources) -> Failure:
    """Where the author's innermost function called one of ours."""
    frames = list(_FRAME.finditer(text))
    if not frames:
        return {}
    name, line = frames[-1][1], int(frames[-1][2])
    row = sources.get(name, "").split("\n")[line - shift - 1 : line - shift]
    snippet = row[0] if row else ""
    callee = _OWN_FRAME.search(text, frames[-1].end())
    at = re.search(rf"\b{callee[1]}\s*\(", snippet) if callee else None
    column = at.start() if at else len(snippet) - len(snippet.lstrip())
    place = {"line": max(line - shift, 1), "column": column + 1, "snippet": snippet[:MAX_SNIPPET]}
    return place | {"module": name} if name.startswith(LIBRARY_PREFIX) else place


def _place(body: str, found: re.Match[str], shift: int) -> Failure:
    snippet = ""
    for row in body[found.end() :].split("\n")[1:]:
        number, bar, source = row.partition(" | ")
        if bar and number.strip() == found[2]:
            snippet = source.removeprefix("/ ")[:MAX_SNIPPET]  # Starlark's mark of a span over several lines
            break
    place = {"line": max(int(found[2]) - shift, 1), "column": int(found[3]), "snippet": snippet}
    return place | {"module": found[1]} if found[1].startswith(LIBRARY_PREFIX) else place
