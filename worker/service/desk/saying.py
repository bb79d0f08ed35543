"""What acts of the console have in common: who acts, and refusals that are said and not raised."""

from collections.abc import Awaitable, Callable

from worker.console import ActResult
from worker.console import Principal as Person
from worker.domain.errors import HookError, RequestError, SettingsError
from worker.security import Principal


async def said(act: Callable[[], Awaitable[ActResult]]) -> ActResult:
    """What an act says, or why it could not be done."""
    try:
        return await act()
    except (RequestError, SettingsError, HookError) as error:
        return ActResult(str(error), ok=False)


def principal_of(person: Person) -> Principal:
    """The principal behind a console session: sessions are made by our own sign-in."""
    if not isinstance(person, Principal):
        raise TypeError("a console session without a principal of this house")
    return person
