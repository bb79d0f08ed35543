"""``ETag`` and ``If-Match`` of what people edit: the version of a row. Nobody overwrites what they did not see."""

import re
from typing import Annotated

from fastapi import Depends, Header

from worker.domain.errors import InvalidRequest

_TAG = re.compile(r'(?:W/)?"(\d{1,18})"')


def etag_of(version: int) -> str:
    """The value of ``ETag`` for a version of something."""
    return f'"{version}"'


def _seen_version(if_match: Annotated[str | None, Header(max_length=100)] = None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise InvalidRequest("If-Match has to be the ETag that came with what you saw.")
    return int(found[1])


#: The version that a request was made with (RFC 9110, 13.1.1); None where it says nothing about that.
SeenVersion = Annotated[int | None, Depends(_seen_version)]
