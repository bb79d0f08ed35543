"""Password policies: what a directory demands of a password, as a value that is generated for and checked against."""

import unicodedata
from typing import Any, Final, NamedTuple

from worker.sandbox.library.arguments import dict_of, list_of, number_of, text_of

_CLASSES: Final = {
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "digit": "0123456789",
    "symbol": "!#$%&()*+,-./:;<=>?@[]^_{}~",
}
_AMBIGUOUS: Final = frozenset("Il1|O0'\"`")
_KEYS: Final = (
    "length", "min_length", "max_length", "classes", "min_classes", "symbols", "exclude", "avoid", "max_repeat"
)  # fmt: skip
_SEPARATORS: Final = frozenset(",.-_#@ \t")
_SHORTEST_PART: Final = 3


class Policy(NamedTuple):
    """A policy that was read; ``length`` is that of generated ones, ``classes`` what those are made of."""

    length: int
    min_length: int
    max_length: int
    classes: tuple[str, ...]
    required: tuple[str, ...]
    min_classes: int
    symbols: str
    exclude: frozenset[str]
    avoid: tuple[str, ...]
    max_repeat: int

    @classmethod
    def read(
        cls,
        policy: dict[str, Any],
        *,
        length: int | None = None,
        classes: list[str] | None = None,
        avoid: list[str] | None = None,
    ) -> "Policy":
        """A policy from a dict of a script; the other arguments take the place of its entries. Raises ValueError."""
        unknown = [key for key in dict_of(policy) if key not in _KEYS]
        if unknown:
            raise ValueError(f"a policy knows no {str(unknown[0])[:40]!r}; known are {', '.join(_KEYS)}")
        least = number_of(policy.get("min_length", 8), 1, 256)
        most = number_of(policy.get("max_length", 256), least, 256)
        usual = number_of(policy.get("length", 16), 1, 256)
        given = policy.get("classes") if classes is None else classes
        required = tuple(_class(name) for name in list_of([] if given is None else given, 4))
        texts = list_of(policy.get("avoid", []) if avoid is None else avoid, 64)
        return cls(
            length=min(max(usual, least), most) if length is None else number_of(length, 1, 256),
            min_length=least,
            max_length=most,
            classes=required or tuple(_CLASSES),
            required=required,
            min_classes=number_of(policy.get("min_classes", 0), 0, 4),
            symbols=text_of(policy.get("symbols", _CLASSES["symbol"]), limit=128),
            exclude=frozenset(text_of(policy.get("exclude", ""), limit=256)),
            avoid=tuple(part for text in texts if text is not None for part in _parts(text_of(text))),
            max_repeat=number_of(policy.get("max_repeat", 256), 1, 256),
        )

    def alphabet(self, name: str, *, ambiguous: bool) -> str:
        """The characters of one class that this policy lets a generated password have."""
        letters = self.symbols if name == "symbol" else _CLASSES[name]
        return "".join(char for char in letters if char not in self.exclude and (ambiguous or char not in _AMBIGUOUS))


def check(value: str, policy: dict[str, Any]) -> list[str]:
    """What is wrong with a password, a sentence each; an empty list: it keeps to the policy.

    ``policy`` may say: ``min_length`` (8) and ``max_length`` (256) in characters; ``classes``, of each of which it must
    have one: lower, upper, digit, symbol; ``min_classes``, how many of the four it must have (Active Directory asks for
    3); ``symbols``, what counts as one for generated ones; ``exclude``, characters that it may not have; ``avoid``,
    texts such as the login and display name: none of their parts of 3 and more characters (cut at blanks and , . - _ #
    @) may be inside, in any case; ``max_repeat``, how often in a row a character may come; ``length``, that of
    generated ones. An unknown entry is an error. No sentence repeats the password.

    >>> password.check("Winter2024", {"min_length": 12, "classes": ["symbol"]})
    ["shorter than 12 characters", "no symbol"]
    >>> password.check("xx-Jdoe-77-xx", {"avoid": ["jdoe"], "min_classes": 3})
    ["contains a part of a name that it may not contain"]
    """
    return violations(text_of(value, limit=1024), Policy.read(policy))


def violations(value: str, policy: Policy) -> list[str]:
    """The sentences of ``check`` for a policy that was read."""
    found = {_class_of(char) for char in value}
    said = []
    if len(value) < policy.min_length:
        said.append(f"shorter than {policy.min_length} characters")
    if len(value) > policy.max_length:
        said.append(f"longer than {policy.max_length} characters")
    said += [f"no {_WORDS[name]}" for name in policy.required if name not in found]
    if len(found) < policy.min_classes:
        said.append(f"fewer than {policy.min_classes} of lower case, upper case, digits and symbols")
    if any(char in policy.exclude for char in value):
        said.append("contains a character that is not allowed")
    folded = value.casefold()
    if any(part in folded for part in policy.avoid):
        said.append("contains a part of a name that it may not contain")
    if _longest_run(value) > policy.max_repeat:
        said.append(f"repeats a character more than {policy.max_repeat} times in a row")
    return said


_WORDS: Final = {"lower": "lower-case letter", "upper": "upper-case letter", "digit": "digit", "symbol": "symbol"}


def _class(name: Any) -> str:
    if not isinstance(name, str) or name not in _CLASSES:
        raise ValueError(f"a class is one of {', '.join(_CLASSES)}")
    return name


def _class_of(char: str) -> str:
    match unicodedata.category(char):
        case "Lu" | "Lt":
            return "upper"
        case "Nd":
            return "digit"
        case kind if kind.startswith("L"):
            return "lower"
        case _:
            return "symbol"


def _parts(text: str) -> list[str]:
    cut = "".join(" " if char in _SEPARATORS else char for char in text.casefold())
    return [part for part in cut.split() if len(part) >= _SHORTEST_PART]


def _longest_run(value: str) -> int:
    longest = run = 0
    previous = ""
    for char in value:
        run = run + 1 if char == previous else 1
        previous = char
        longest = max(longest, run)
    return longest
