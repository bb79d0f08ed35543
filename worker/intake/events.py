"""CloudEvents 1.0 over HTTP, read strictly: structured, binary and batched mode, JSON only.

A mistake is an ``InvalidRequest`` whose field ``field`` names it (``[3].id`` in a batch). What a database or another
program could trip over is refused here: NUL and lone surrogates in text, numbers that are not finite, names that come
twice, nesting beyond ``MAX_DEPTH``. Attributes of extensions are allowed and ignored.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any
from urllib.parse import unquote

from worker.domain.errors import InvalidRequest

MAX_BODY = 4 * 1024 * 1024
MAX_EVENTS = 1000
MAX_DEPTH = 16
#: Bytes of one attribute: source and id together are a key of an index, which takes no longer ones.
MAX_ATTRIBUTE = 1000

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event; ``data`` is a JSON object, empty where the event has none."""

    id: str
    source: str
    type: str
    subject: str | None = None
    time: datetime | None = None
    data: dict[str, Any] = field(default_factory=dict)


def parse(headers: Mapping[str, str], body: bytes) -> list[CloudEvent]:
    """The events of one request, whatever the mode; header names in any case."""
    lower = {name.lower(): value for name, value in headers.items()}
    if len(body) > MAX_BODY:
        raise _invalid("body", f"is longer than {MAX_BODY // 1024 // 1024} MiB")
    media = _media_type(lower.get("content-type", ""))
    if media == BATCH:
        return _batch(_json(body))
    if media == STRUCTURED:
        return [_event(_json(body), "")]
    if "ce-specversion" in lower:
        return [_binary(lower, media, body)]
    raise _invalid("content-type", f"must be {STRUCTURED} or {BATCH}, or the event's attributes in ce- headers")


def _media_type(content_type: str) -> str:
    media, _, parameters = content_type.partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {"utf-8", "us-ascii"}:
            raise _invalid("content-type", "must be in UTF-8")
    return media.strip().lower()


def _batch(found: Any) -> list[CloudEvent]:
    if not isinstance(found, list):
        raise _invalid("body", "of a batch must be a list of events")
    if len(found) > MAX_EVENTS:
        raise _invalid("body", f"has {len(found)} events, at most {MAX_EVENTS} are taken at once")
    return [_event(each, f"[{number}].") for number, each in enumerate(found)]


def _binary(headers: Mapping[str, str], media: str, body: bytes) -> CloudEvent:
    attributes: dict[str, Any] = {
        name.removeprefix("ce-"): _header_text(name, value) for name, value in headers.items() if name.startswith("ce-")
    }
    if body.strip():
        if not _is_json(media):
            raise _invalid("content-type", "must be JSON")
        attributes["data"] = _json(body)
    return _event(attributes, "")


def _header_text(name: str, value: str) -> str:
    """CloudEvents percent-encodes in headers what HTTP cannot carry there."""
    try:
        text = unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise _invalid(name, "is not valid percent-encoded UTF-8") from None
    _check_text(text, name)
    return text


def _json(body: bytes) -> Any:
    try:
        found = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except InvalidRequest:
        raise
    except RecursionError:
        raise _invalid("body", "is nested too deeply") from None
    except ValueError as error:  # also UnicodeDecodeError, and integers of thousands of digits
        raise _invalid("body", f"is not valid JSON: {error}") from None
    # Escapes are the only way to write what must not be in text: without one nothing needs to be searched.
    _check(found, has_escapes=b"\\u" in body)
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _invalid(twice[:100], "comes twice")
    return made


def _refuse_constant(name: str) -> Any:
    raise _invalid("body", f"holds {name}, which is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise _invalid("body", "holds a number that is too large")
    return number


def _check(found: Any, *, has_escapes: bool) -> None:
    """Refuse nesting that is too deep, and text that cannot be stored; a loop, for the depth is not ours."""
    level = [found]
    for _ in range(MAX_DEPTH + 2):  # an event in a batch is two levels down
        following: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                following += one.values()
                if has_escapes:
                    for name in one:
                        _check_text(name, "body")
            elif isinstance(one, list):
                following += one
            elif has_escapes and isinstance(one, str):
                _check_text(one, "body")
        if not following:
            return
        level = following
    raise _invalid("body", f"is nested deeper than {MAX_DEPTH} levels")


def _check_text(text: str, where: str) -> None:
    if "\0" in text:
        raise _invalid(where, "holds a NUL character")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise _invalid(where, "holds half of a surrogate pair")


def _event(found: Any, place: str) -> CloudEvent:
    if not isinstance(found, dict):
        raise _invalid(place.rstrip(".") or "body", "must be an event, a JSON object")
    if found.get("specversion") != "1.0":
        raise _invalid(f"{place}specversion", 'must be "1.0"')
    return CloudEvent(
        id=_text(found, "id", place),
        source=_text(found, "source", place),
        type=_text(found, "type", place),
        subject=_text(found, "subject", place) if found.get("subject") is not None else None,
        time=_time(found.get("time"), place),
        data=_data(found, place),
    )


def _text(found: Mapping[str, Any], name: str, place: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value.strip():
        raise _invalid(f"{place}{name}", "is missing" if value is None else "must be text that is not empty")
    if len(value.encode()) > MAX_ATTRIBUTE:
        raise _invalid(f"{place}{name}", f"is longer than {MAX_ATTRIBUTE} bytes")
    return value


def _time(value: Any, place: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _invalid(f"{place}time", "must be an RFC 3339 time such as 2026-11-22T05:30:00Z")
    return moment


def _data(found: Mapping[str, Any], place: str) -> dict[str, Any]:
    if "data_base64" in found:
        raise _invalid(f"{place}data_base64", "is not taken: send JSON in data")
    media = found.get("datacontenttype")
    if media is not None and not (isinstance(media, str) and _is_json(media.partition(";")[0].strip().lower())):
        raise _invalid(f"{place}datacontenttype", "must be JSON")
    data = found.get("data")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise _invalid(f"{place}data", "must be a JSON object")
    return data


def _is_json(media: str) -> bool:
    return media in {"", "application/json", "text/json"} or media.endswith("+json")


def _invalid(field_name: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{field_name} {message}.", field=field_name)
