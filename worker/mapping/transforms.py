"""The transforms of mapping rules: small pure functions named in a rule as ``name`` or ``name:argument``.

A transform of text works on each value of a list; a transform of lists sees all of them. No value (None) passes
through untouched, except where the table says otherwise. Text transforms see numbers and booleans as their text.
In an argument ``\\:`` stands for a colon and ``\\,`` for a comma.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from worker.mapping.date_transforms import DATE_TRANSFORMS
from worker.mapping.spec import MOST_MADE, MOST_TEXT, Apply, Transform, as_text, refuse_larger, refuse_longer, suggest
from worker.mapping.text_transforms import TEXT_TRANSFORMS
from worker.mapping.value_transforms import VALUE_TRANSFORMS

TRANSFORMS: Mapping[str, Transform] = MappingProxyType({**TEXT_TRANSFORMS, **DATE_TRANSFORMS, **VALUE_TRANSFORMS})


@lru_cache(maxsize=4_096)
def compile_transform(text: str) -> Apply:
    """The function behind ``name`` or ``name:argument``. Raises ValueError that says what is wrong with the text.

    The function raises TransformError for a value it cannot read.
    """
    name, colon, argument = text.partition(":")
    spec = TRANSFORMS.get(name)
    if spec is None:
        raise ValueError(f"there is no transform {name!r}{suggest(name, TRANSFORMS)}")
    if colon and spec.argument is None:
        raise ValueError(f"{name} takes no argument")
    if not colon and spec.argument is not None:
        raise ValueError(f"{name} needs an argument: {name}:{spec.argument}")
    try:
        apply = spec.make(argument)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
    return _lifted(apply, spec)


def _lifted(apply: Apply, spec: Transform) -> Apply:
    """The transform of one text as one of whatever a rule may hold."""
    if spec.on_list:
        return lambda value: None if value is None else apply(_values(value))
    if spec.on_none:
        return apply

    def on_text(text: str) -> Any:
        refuse_longer(len(text), MOST_TEXT)
        return apply(text)

    def on_each(value: Any) -> Any:
        if value.__class__ is str:
            return on_text(value)
        if isinstance(value, list):
            return _collected(on_text(as_text(item)) for item in _values(value) if item is not None)
        return None if value is None else on_text(as_text(value))

    return on_each


def _values(value: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    refuse_larger(values)
    return values


def _collected(made: Iterable[Any]) -> list[Any]:
    """What was made of each item, one after the other; where that are several, each of them."""
    found: list[Any] = []
    size = 0
    for each in made:
        parts = each if isinstance(each, list) else (each,)
        found += parts
        size += sum(1 + (len(part) if part.__class__ is str else 0) for part in parts)
        refuse_longer(size, MOST_MADE)
    return found
