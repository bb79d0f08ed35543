"""The remaining words of the domain are values: they hold what they are given, and nobody changes them."""

import importlib
import pkgutil
from dataclasses import FrozenInstanceError, fields, is_dataclass
from enum import EnumMeta, StrEnum
from typing import Any

import pytest

from worker import domain

MODULES = [importlib.import_module(f"worker.domain.{each.name}") for each in pkgutil.iter_modules(domain.__path__)]
OWN = [
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and value.__module__ == module.__name__
]
VALUES = [each for each in OWN if is_dataclass(each)]


@pytest.mark.parametrize("value", VALUES, ids=lambda each: f"{each.__module__}.{each.__name__}")
def test_values_are_frozen_and_hold_nothing_else(value: Any):
    parameters = value.__dataclass_params__
    instance = object.__new__(value)

    assert parameters.frozen
    assert not hasattr(instance, "__dict__")
    if fields(value):
        with pytest.raises(FrozenInstanceError):
            setattr(instance, fields(value)[0].name, None)


@pytest.mark.parametrize("words", [each for each in OWN if isinstance(each, EnumMeta)])
def test_words_are_texts(words):
    assert issubclass(words, StrEnum)
