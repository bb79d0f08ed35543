"""Hooks and expressions asked whose accounts are, for people who try it: nothing is counted or kept."""

from worker.actions.house import House
from worker.correlation import Asker
from worker.domain.errors import HookError, SurroundingsError


def asker_of(house: House) -> Asker | None:
    """Who asks them; None in a process that runs no scripts, where each of them fails in these words."""
    return Asker(house.scripts) if house.scripts is not None else None


def no_room(error: HookError) -> SurroundingsError:
    """That the sandbox has no room says nothing about what was asked."""
    return SurroundingsError(f"The sandbox has no room to ask the hooks and expressions; try again: {error}")
