"""From an identity to what its account at one target should be.

A mapping is compiled once into closures; identities are then mapped without looking at the rules again.
Expressions are Starlark and are evaluated elsewhere, through ``Evaluator``, many identities in one call.
What a rule cannot map is a value (``MappingError``), never an exception: one bad record must not stop the others. That
there was no sandbox for an expression is nobody's record's fault: that is raised, and whoever asked asks again.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from worker.domain.errors import HookError
from worker.domain.hook import ExpressionResult
from worker.domain.identity import Identity
from worker.domain.mapping import Direction, MappingRule, MappingVersion
from worker.mapping.pacing import Pace, Steps, is_large
from worker.mapping.paths import SourcePath, parse_path
from worker.mapping.spec import Apply, TransformError
from worker.mapping.transforms import compile_transform

#: Identities mapped between two looks at the event loop; also the size of a batch of expressions.
CHUNK = 500

Source = Mapping[str, Any]
Computed = Mapping[str, ExpressionResult]
Read = Callable[[Source, Computed], Any]


class Evaluator(Protocol):
    """Evaluates Starlark expressions in the sandbox.

    ``expressions`` are named texts, each context holds the variables they see. The answer has one mapping for each
    context, in order, from the name of each expression to its value or error.
    """

    async def evaluate(
        self, expressions: Mapping[str, str], contexts: Sequence[dict[str, Any]]
    ) -> list[dict[str, ExpressionResult]]: ...


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the account of an identity should be.

    ``attributes`` hold both on create and on update; None means that the attribute has no value. ``on_create`` and
    ``on_update`` hold only then. ``secrets`` names the targets whose values must be sealed.
    """

    identity_id: UUID
    attributes: dict[str, Any]
    active: bool
    on_create: dict[str, Any] = field(default_factory=dict)
    on_update: dict[str, Any] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()

    def for_create(self) -> dict[str, Any]:
        """The attributes of a new account; those without a value are left out."""
        both = {**self.attributes, **self.on_create}
        return {name: value for name, value in both.items() if value is not None}

    def for_update(self) -> dict[str, Any]:
        """The attributes an existing account should have; None clears."""
        return {**self.attributes, **self.on_update}


@dataclass(frozen=True, slots=True)
class MappingError:
    """Why an identity has no account to wish for: the rule's target and what is wrong, without any value."""

    identity_id: UUID
    target: str
    message: str


class Unmappable(Exception):
    """A rule cannot make a value; the message is for the person who wrote the rule."""


#: A rule's target, what reads its value, the transforms that follow, and what gives that its shape.
_Rule = tuple[str, Read, tuple[Apply, ...], Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """A mapping ready for use. Raises ValueError when made from rules that ``check_rules`` finds fault with."""

    always: tuple[_Rule, ...]
    on_create: tuple[_Rule, ...]
    on_update: tuple[_Rule, ...]
    #: Starlark texts by name.
    expressions: dict[str, str]
    secrets: frozenset[str]

    def apply(self, identity: Identity, *, source: Source, computed: Computed) -> Steps[Mapped | MappingError]:
        """Map one identity; ``source`` is it as rules read it, ``computed`` are the results of its expressions."""
        made: list[dict[str, Any]] = []
        target = ""
        try:
            for rules in (self.always, self.on_create, self.on_update):
                values: dict[str, Any] = {}
                for target, read, transforms, shape in rules:
                    value = read(source, computed)
                    if transforms:
                        for transform in transforms:  # ``transformed``, written out: this is the hot path
                            if is_large(value):
                                yield
                            value = transform(value)
                        value = shape(value)
                        yield
                    values[target] = value
                made.append(values)
        except (Unmappable, TransformError) as error:
            return MappingError(identity.id, target, f"{target}: {error}")
        return Mapped(identity.id, made[0], identity.active, made[1], made[2], self.secrets)


class MappingEngine:
    """Maps identities and remembers compiled mappings. ``evaluator`` None is enough where no rule is an expression."""

    def __init__(
        self,
        evaluator: Evaluator | None = None,
        *,
        remembered: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._evaluator = evaluator
        self._clock = clock
        self._remembered = remembered
        self._compiled: dict[tuple[UUID, str], tuple[MappingVersion, CompiledMapping]] = {}

    async def map_identities(
        self, identities: Sequence[Identity], *, mapping: MappingVersion, sources: Sequence[Source] | None = None
    ) -> list[Mapped | MappingError]:
        """One result for each identity, in order. Gives way to other tasks every few milliseconds; see ``Pace``.

        ``sources`` are the identities ``as_source``, from a caller that maps them more than once. Raises HookError, to
        be retried, where an expression could not be tried.
        """
        compiled = self._compile(mapping)
        results: list[Mapped | MappingError] = []
        pace = Pace(self._clock)
        for start in range(0, len(identities), CHUNK):
            chunk = identities[start : start + CHUNK]
            read = sources[start : start + CHUNK] if sources else [one.as_source() for one in chunk]
            computed = await self._evaluate(compiled, read)
            for one, source, found in zip(chunk, read, computed, strict=True):
                results.append(await pace.through(compiled.apply(one, source=source, computed=found)))
        return results

    def _compile(self, mapping: MappingVersion) -> CompiledMapping:
        key = (mapping.connector_id, mapping.object_class)
        known = self._compiled.pop(key, None)
        if known is None or known[0] != mapping:
            known = (mapping, compile_mapping(mapping))
        if len(self._compiled) >= self._remembered:
            del self._compiled[next(iter(self._compiled))]
        self._compiled[key] = known
        return known[1]

    async def _evaluate(self, compiled: CompiledMapping, chunk: Sequence[Source]) -> Sequence[Computed]:
        if not compiled.expressions:
            await asyncio.sleep(0)
            return [{}] * len(chunk)
        if self._evaluator is None:
            missing = ExpressionResult(error=HookError("there is no sandbox here to evaluate expressions"))
            return [dict.fromkeys(compiled.expressions, missing)] * len(chunk)
        contexts = [{"identity": dict(one)} for one in chunk]
        return await tried(self._evaluator, compiled.expressions, contexts)


async def tried(
    evaluator: Evaluator, texts: Mapping[str, str], contexts: Sequence[dict[str, Any]]
) -> list[dict[str, ExpressionResult]]:
    """What the evaluator says; raises HookError, to be retried, where the sandbox had no room to try."""
    found = await evaluator.evaluate(texts, contexts)
    for computed in found:
        for result in computed.values():
            if result.error is not None and result.error.retryable:
                raise result.error
    return found


def compile_mapping(mapping: MappingVersion) -> CompiledMapping:
    """Turn the outbound rules into closures. Raises ValueError for rules that ``check_rules`` finds fault with."""
    rules = [rule for rule in mapping.rules if rule.direction is not Direction.INBOUND]
    return CompiledMapping(
        always=_compiled(rules, ("create", "update")),
        on_create=_compiled(rules, ("create",)),
        on_update=_compiled(rules, ("update",)),
        expressions={expression_name(rule): rule.expression for rule in rules if rule.expression is not None},
        secrets=frozenset(rule.target for rule in rules if rule.secret),
    )


def _compiled(rules: Sequence[MappingRule], on: tuple[str, ...]) -> tuple[_Rule, ...]:
    return tuple((rule.target, *_compiled_rule(rule)) for rule in rules if set(rule.on) == set(on))


def _compiled_rule(rule: MappingRule) -> tuple[Read, tuple[Apply, ...], Callable[[Any], Any]]:
    shape = _required(_many if rule.multi_valued else _one, rule)
    if rule.source is not None and not (rule.transforms or rule.multi_valued or rule.required):
        return _plain(parse_path(rule.source)), (), shape
    raw = _raw_reader(rule)
    if rule.transforms:
        return raw, tuple(compile_transform(text) for text in rule.transforms), shape
    return lambda source, computed: shape(raw(source, computed)), (), shape


def _plain(path: SourcePath) -> Read:
    """What most rules are, in one call: the value of an attribute as it is."""
    if path.place is not None:
        return lambda source, _computed: _one(path.read(source))
    attribute = path.name

    def read(source: Source, _computed: Computed) -> Any:
        value = source.get(attribute)
        return value or None if value.__class__ is str else _one(value)

    return read


def expression_name(rule: MappingRule) -> str:
    """What an expression is called: one target may have one for create and another for update."""
    return rule.target if len(set(rule.on)) > 1 else f"{rule.target} on {rule.on[0]}"


def _raw_reader(rule: MappingRule) -> Read:
    if rule.source is not None:
        of_source = parse_path(rule.source).reader()
        return lambda source, _computed: of_source(source)
    if rule.expression is not None:
        name, is_secret = expression_name(rule), rule.secret
        return lambda _source, computed: checked(computed[name], is_secret=is_secret)
    constant = rule.constant
    return lambda _source, _computed: constant


def _required(shape: Callable[[Any], Any], rule: MappingRule) -> Callable[[Any], Any]:
    def required(value: Any) -> Any:
        value = shape(value)
        if value is None:
            raise Unmappable("is required and has no value")
        return value

    return required if rule.required else shape


def _one(value: Any) -> Any:
    """A single value; empty text is no value, because many targets cannot hold one."""
    if value.__class__ is not list:
        return None if value == "" else value
    kept = _many(value)
    if kept is not None and len(kept) > 1:
        raise Unmappable(f"takes one value and was given {len(kept)}; use first or join, or make it multi-valued")
    return kept[0] if kept else None


def _many(value: Any) -> list[Any] | None:
    """Several values without empty ones; none at all is no value."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if one is not None and one != ""] or None


def checked(result: ExpressionResult, *, is_secret: bool = False) -> Any:
    """What an expression gave, when it is a value that an attribute can have; raises Unmappable.

    Of one that makes a secret nobody is told what its error says: it may well say the value.
    """
    if (error := result.error) is not None:
        said = f"{error.hook_class}; what it said is not kept, for it makes a secret" if is_secret else error
        raise Unmappable(f"the expression failed: {said}")
    value = result.value
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, str | int | float | bool | None) or (isinstance(one, float) and not math.isfinite(one)):
            raise Unmappable("the expression must give text, a number, a boolean, None, or a list of them")
    return value
