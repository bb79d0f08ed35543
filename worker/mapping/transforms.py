"""The transforms of mapping rules: small pure functions named in a rule as ``name`` or ``name:argument``.

A transform of text works on each value of a list; a transform of lists sees all of them. No value (None) passes
through untouched, except where the table says otherwise. Text transforms see numbers and booleans as their text.
In an argument ``\\:`` stands for a colon and ``\\,`` for a comma.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from worker.mapping.date_transforms import DATE_TRANSFORMS
from worker.mapping.spec import Apply, Transform, as_text, suggest
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
        return lambda value: None if value is None else apply(value if isinstance(value, list) else [value])
    if spec.on_none:
        return apply

    def on_each(value: Any) -> Any:
        if value.__class__ is str:
            return apply(value)
        if isinstance(value, list):
            return [apply(as_text(item)) for item in value if item is not None]
        return None if value is None else apply(as_text(value))

    return on_each
