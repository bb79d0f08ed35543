"""Who is believed about an attribute of a person, where several systems have a word: pure.

What each source said last is kept (a *word*). The source with the lowest number wins, of equals the earlier connector;
when its value is gone, the next one's last word counts. Sources of people come before targets unless numbers say
otherwise, for most of what a target shows is only what we wrote there.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from worker.domain.comparison import AttributeRule, Comparator

#: The key of a connector's settings with its number.
SETTING = "precedence"
#: The key of a connector's settings that lets values flow back to the target they came from.
FLOW_BACK = "flow_back"
DEFAULT_SOURCE = 100
DEFAULT_TARGET = 200
#: Before the name of a source of events.
EVENTS = "event:"

_ALONE = Comparator((AttributeRule("value"),))


class Silence(StrEnum):
    """A target says nothing new."""

    SILENCE = "silence"


SILENCE: Final = Silence.SILENCE


@dataclass(frozen=True, slots=True)
class Sharing:
    """Which attributes several systems may set, and who is believed.

    ``names`` were let in from a target by any version of a mapping; ``returned`` are (source, attribute) of the active
    ones. ``numbers`` are those of connectors by id; ``targets`` those that are no source of people: their word counts
    for what is returned alone.
    """

    names: frozenset[str] = frozenset()
    returned: frozenset[tuple[str, str]] = frozenset()
    numbers: Mapping[str, int] = field(default_factory=dict)
    targets: frozenset[str] = frozenset()

    def counts(self, source: str, attribute: str) -> bool:
        """Whether a source has a word about an attribute now."""
        return source not in self.targets or (source, attribute) in self.returned

    def rank(self, source: str) -> tuple[int, str]:
        """The lowest is believed. Ids of connectors are in the order in which they were made."""
        return self.numbers.get(source, DEFAULT_SOURCE), source


UNSHARED = Sharing()


@dataclass(frozen=True, slots=True)
class Settled:
    """A person's attributes with who is believed about each, and words that were known only by their effect."""

    attributes: dict[str, Any]
    authority: dict[str, str]
    noted: dict[str, tuple[str, Any]] = field(default_factory=dict)


def speaks_first(settings: Mapping[str, Any]) -> bool:
    """Whether a target with these settings is believed more than sources are by default.

    What such an account has when it is found is heard before it is overwritten.
    """
    number = settings.get(SETTING)
    return isinstance(number, int) and not isinstance(number, bool) and number < DEFAULT_SOURCE


def believed(said: Mapping[str, Any], *, attribute: str, sharing: Sharing) -> str | None:
    """The source that is believed among words about one attribute (None is no word); None where nobody has any."""
    ranked = [source for source, value in said.items() if value is not None and sharing.counts(source, attribute)]
    return min(ranked, key=sharing.rank, default=None)


def settle(
    attributes: Mapping[str, Any],
    authority: Mapping[str, str],
    *,
    said: Mapping[str, Mapping[str, Any]],
    names: Collection[str],
    sharing: Sharing,
) -> Settled:
    """Settle these attributes by all words that are known: ``said`` is ``{attribute: {source: value | None}}``.

    The present value of an attribute is the word of its authority, where none is kept of it. A value that nobody
    answers for gives way to any word, and stays while there is none.
    """
    values, owners = dict(attributes), dict(authority)
    noted: dict[str, tuple[str, Any]] = {}
    for name in names:
        words = dict(said.get(name, {}))
        holder = owners.get(name)
        if holder is not None and holder not in words and name in values:
            words[holder] = values[name]
            if len(words) > 1:
                noted[name] = (holder, values[name])
        source = believed(words, attribute=name, sharing=sharing)
        if source is not None:
            values[name], owners[name] = words[source], source
        elif holder is not None:
            values.pop(name, None)
            owners.pop(name, None)
    return Settled(values, owners, noted)


def reorder(
    attributes: Mapping[str, Any],
    authority: Mapping[str, str],
    *,
    said: Mapping[str, Mapping[str, Any]],
    before: Sharing,
    sharing: Sharing,
) -> Settled:
    """Settle by ``sharing`` what was settled by ``before``: only the numbers are others. See ``settle``.

    Of an attribute that is not as ``before`` would have it, a person decided: it is left alone.
    """
    names = []
    for name, words in said.items():
        holder = authority.get(name)
        if holder is not None and holder == believed(
            {holder: attributes.get(name), **words}, attribute=name, sharing=before
        ):
            names.append(name)
    return settle(attributes, authority, said=said, names=names, sharing=sharing)


def choose(
    attributes: Mapping[str, Any],
    authority: Mapping[str, str],
    *,
    source: str,
    values: Mapping[str, Any],
    said: Mapping[str, Mapping[str, Any]],
) -> Settled:
    """A person decided that these values of a source count, whatever its number: until somebody says something new.

    ``said`` are the words that are kept, as for ``settle``. No value takes the attribute away, and nobody answers for
    it then.
    """
    kept, owners = dict(attributes), dict(authority)
    noted: dict[str, tuple[str, Any]] = {}
    for name, value in values.items():
        holder = owners.pop(name, None)
        before = kept.pop(name, None)
        if holder not in {None, source, *said.get(name, {})} and before is not None:
            noted[name] = (str(holder), before)
        if not same(value, None):
            kept[name], owners[name] = value, source
    return Settled(kept, owners, noted)


def word(
    seen: Any, *, stated: Any, current: Any, is_holder: bool, is_sent: bool, is_returned_only: bool
) -> Any | Silence:
    """What a target says of an attribute by showing a value: the value, None to take its word back, or SILENCE.

    ``stated`` is its last word, ``current`` what the person has, ``is_holder``: because of this target; ``is_sent``: it
    is what we last wanted there. Where we write the attribute as well, what we wrote is no word of the target's.
    """
    if not (is_returned_only or is_holder) and (is_sent or same(seen, current)):
        return SILENCE if stated is None else None
    return SILENCE if same(seen, stated) else seen


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same: several have no order, and none is no value."""
    return not _ALONE.differences({"value": one}, actual={"value": other})
