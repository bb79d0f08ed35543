"""Which libraries a script needs, and in which order they are built. Pure."""

from collections.abc import Mapping, Sequence

from worker.domain.errors import InvalidRequest

MAX_LIBRARIES = 10


def in_order(name: str, loads: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All that ``name`` loads, itself or through others, each before those that load it; ``name`` itself is left out.

    ``loads`` says of each that is known what it loads. Raises InvalidRequest for what is not known, for what loads
    itself in the end, and beyond ten.
    """
    done: list[str] = []
    _visit(name, loads, [], done)
    found = tuple(done[:-1])
    if len(found) > MAX_LIBRARIES:
        raise InvalidRequest(f"The script loads {len(found)} libraries, itself or through others; {MAX_LIBRARIES} may.")
    return found


def _visit(name: str, loads: Mapping[str, Sequence[str]], above: list[str], done: list[str]) -> None:
    if name in done:
        return
    if name in above:
        circle = " loads ".join([*above[above.index(name) :], name])
        raise InvalidRequest(f"The libraries load each other in a circle: {circle}.")
    if name not in loads:
        raise InvalidRequest(f"There is no library {name} with an active version, and {above[-1]} loads it.")
    for each in loads[name]:
        _visit(each, loads, [*above, name], done)
    done.append(name)
