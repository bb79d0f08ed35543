"""What the daemon itself may say about a source before any child sees it."""

from worker.domain.errors import HookError
from worker.domain.hook import HookClass
from worker.sandbox import MAX_SOURCE


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
