"""Random values that agree with themselves: every try of an operation draws the same, in the order of its calls."""

from typing import Any, Final

from worker.sandbox import randomness
from worker.sandbox.library.arguments import number_of
from worker.sandbox.library.passwords import Policy, violations

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = "0123456789"
_TRIES: Final = 100


def alnum(length: int) -> str:
    """Random letters and digits (A-Z, a-z, 0-9), ``length`` of them (1 to 256).

    Every retry of an operation gets the same value; two operations never do. Dry runs and tests get values of their
    own, so that they show nothing that was used. In mapping expressions this is an error.

    >>> len(rand.alnum(12))
    12
    """
    return _drawn(_LETTERS + _DIGITS, number_of(length, 1, 256))


def digits(length: int) -> str:
    """Random digits as text, ``length`` of them (1 to 256), such as a PIN. Repeats as ``rand.alnum`` does.

    >>> len(rand.digits(6))
    6
    """
    return _drawn(_DIGITS, number_of(length, 1, 256))


def uuid4() -> str:
    """A random UUID (RFC 9562, version 4) in lower case with hyphens. Repeats as ``rand.alnum`` does.

    >>> rand.uuid4()[14]
    "4"
    """
    raw = bytearray(randomness.draw(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def password(
    policy: dict[str, Any] | None = None,
    length: int | None = None,
    classes: list[str] | None = None,
    avoid: list[str] | None = None,
    ambiguous: bool = False,
) -> str:
    """A random password that keeps to a policy. Repeats as ``rand.alnum`` does.

    ``policy`` is a dict as ``password.check`` takes it; ``length`` (else the policy's ``length``, else 16, but not
    under its ``min_length``), ``classes`` and ``avoid`` take the place of what it says. At least one character comes
    from each class (lower, upper, digit, symbol unless given). Characters that are easily taken for each other (I l 1 |
    O 0 and quotation marks) are left out unless ``ambiguous``. A policy that nothing can keep is an error.

    >>> len(rand.password(length = 20))
    20
    >>> password.check(rand.password({"min_length": 14, "classes": ["lower", "upper", "digit"]}), {"min_length": 14})
    []
    """
    rules = Policy.read(policy or {}, length=length, classes=classes, avoid=avoid)
    alphabets = [rules.alphabet(name, ambiguous=ambiguous) for name in rules.classes]
    size = max(rules.length, len(alphabets))
    if not all(alphabets) or size > rules.max_length:
        raise ValueError("no password can keep to this policy")
    everything = "".join(alphabets)
    for _ in range(_TRIES):
        chars = [alphabet[_below(len(alphabet))] for alphabet in alphabets]
        chars += [everything[_below(len(everything))] for _ in range(size - len(chars))]
        made = _shuffled(chars)
        if not violations(made, rules):
            return made
    raise ValueError("no password can keep to this policy")


def _drawn(alphabet: str, length: int) -> str:
    return "".join(alphabet[_below(len(alphabet))] for _ in range(length))


def _below(limit: int) -> int:
    """A number from 0 up to ``limit``, each as likely: what would lean to the small ones is drawn again."""
    fair = (1 << 32) // limit * limit
    while (drawn := int.from_bytes(randomness.draw(4), "big")) >= fair:
        pass
    return drawn % limit


def _shuffled(chars: list[str]) -> str:
    for last in range(len(chars) - 1, 0, -1):
        other = _below(last + 1)
        chars[last], chars[other] = chars[other], chars[last]
    return "".join(chars)
