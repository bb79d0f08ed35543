"""One-to-one: who belongs to whom when several claim the same one.

Claims are taken together: the best assignment of a group is the one with the highest sum, where nobody has to be
assigned. How sure a pair of it is follows from its *regret*: how much the best sum drops without that pair.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import TypeVar

Left = TypeVar("Left", bound=Hashable)
Right = TypeVar("Right", bound=Hashable)

#: Larger groups cost too much to solve exactly (each pair is solved for again), and are no matter for a machine anyway.
MAX_GROUP = 40


def assign(claims: Mapping[tuple[Left, Right], float]) -> dict[Left, tuple[Right, float]]:
    """Pair each left with at most one right; claims are log odds, those of 0 and below are better left alone.

    Answers left -> (right, regret). A group beyond ``MAX_GROUP`` gets no pairs at all.
    """
    found: dict[Left, tuple[Right, float]] = {}
    for group in groups({claim: worth for claim, worth in claims.items() if worth > 0}):
        if len(group) <= MAX_GROUP:
            found.update(_solve(group))
    return found


def groups(claims: Mapping[tuple[Left, Right], float]) -> Iterator[dict[tuple[Left, Right], float]]:
    """Claims that have a left or a right in common, directly or through others, in groups of their own."""
    leader: dict[tuple[int, Hashable], tuple[int, Hashable]] = {}

    def find(node: tuple[int, Hashable]) -> tuple[int, Hashable]:
        while (above := leader.setdefault(node, node)) != node:
            leader[node] = node = leader[above]
        return node

    for left, right in claims:
        leader[find((0, left))] = find((1, right))
    found: dict[tuple[int, Hashable], dict[tuple[Left, Right], float]] = {}
    for (left, right), worth in claims.items():
        found.setdefault(find((0, left)), {})[left, right] = worth
    yield from found.values()


def _solve(group: Mapping[tuple[Left, Right], float]) -> dict[Left, tuple[Right, float]]:
    best, pairs = _best(group)
    return {
        left: (right, best - _best({claim: worth for claim, worth in group.items() if claim != (left, right)})[0])
        for left, right in pairs
    }


def _best(group: Mapping[tuple[Left, Right], float]) -> tuple[float, list[tuple[Left, Right]]]:
    """The highest sum and its pairs.

    Successive augmenting paths of the largest gain give the best matching of each size, and the gains only fall, so the
    first that is not positive ends it.
    """
    partner: dict[Right, Left] = {}
    total = 0.0
    while True:
        gain, path = _best_path(group, partner)
        if gain <= 0:
            return total, [(left, right) for right, left in partner.items()]
        total += gain
        partner.update({right: left for left, right in path})


def _best_path(
    group: Mapping[tuple[Left, Right], float], partner: Mapping[Right, Left]
) -> tuple[float, list[tuple[Left, Right]]]:
    taken = set(partner.values())
    reached: dict[Left, float] = {left: 0.0 for left, _ in group if left not in taken}
    came: dict[Left, tuple[Left, Right]] = {}
    end, best = None, 0.0
    for _ in range(len(partner) + 1):
        has_moved = False
        for (left, right), worth in group.items():
            if left not in reached or partner.get(right) == left:
                continue
            gain = reached[left] + worth
            holder = partner.get(right)
            if holder is None:
                if gain > best:
                    best, end = gain, (left, right)
                continue
            rest = gain - group[holder, right]
            if rest > reached.get(holder, float("-inf")):
                reached[holder], came[holder], has_moved = rest, (left, right), True
        if not has_moved:
            break
    return best, _walk(end, came)


def _walk(end: tuple[Left, Right] | None, came: Mapping[Left, tuple[Left, Right]]) -> list[tuple[Left, Right]]:
    path = []
    while end is not None:
        path.append(end)
        end = came.get(end[0])
    return path
