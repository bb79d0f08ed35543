"""Names of people: capitals, parts, and the login names to be made of them."""

import re
from typing import Any, Final

from worker.sandbox.library.arguments import dict_of, number_of, text_of
from worker.sandbox.library.texts import as_text, collapse_space, slug
from worker.sandbox.library.transliteration import scripts_of

_WORD: Final = re.compile(r"[^\s\-']+")
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([0-9]{1,2}))?\}")
_PARTICLES: Final = frozenset(
    re.split(
        " ", "af al av bin da dal de del della den der di dos du el ibn la le san ten ter van vom von y zu zum zur"
    )
)
_TITLES: Final = frozenset(
    re.split(" ", "dr prof mr mrs ms miss mx sir dame herr frau ing dipl-ing mag hon rev fr sr doc mgr")
)
_SUFFIXES: Final = frozenset(re.split(" ", "jr sr ii iii iv phd md mba msc bsc ba ma esq cpa llm csc"))


def title_name(value: str) -> str:
    """A person's name with capitals where names have them; words of mixed case and particles stay as they are.

    >>> text.title_name("ludwig VAN beethoven")
    "Ludwig van Beethoven"
    >>> text.title_name("ANNA-MARIA O'NEIL")
    "Anna-Maria O'Neil"
    >>> text.title_name("Ronald McDonald")
    "Ronald McDonald"
    """
    text = collapse_space(value)

    def recase(match: re.Match[str]) -> str:
        word = match[0]
        if match.start() and word.lower() in _PARTICLES:
            return word.lower()
        return word.capitalize() if word.islower() or word.isupper() else word

    return _WORD.sub(recase, text)


def split_name(value: str) -> dict[str, str]:
    """The parts of a full name: prefix, given, family and suffix, each a text that may be empty.

    Reads ``Given Family`` and ``Family, Given``. The family name is the last word and the particles before it (van der,
    de la); one word alone is a given name. Which words belong to whom is a guess: where the source has parts, use
    those.

    >>> text.split_name("Dr. Anna Maria van der Berg")
    {"prefix": "Dr.", "given": "Anna Maria", "family": "van der Berg", "suffix": ""}
    >>> text.split_name("King, Martin Luther Jr.")
    {"prefix": "", "given": "Martin Luther", "family": "King", "suffix": "Jr."}
    """
    text = collapse_space(text_of(value, limit=1024))
    before, comma, after = (part.strip() for part in text.partition(","))
    is_turned = bool(comma) and not all(_is_one_of(word, _SUFFIXES) for word in after.replace(",", " ").split())
    words = (after if is_turned else text).replace(",", " ").split()
    prefix, words = _leading(words, _TITLES)
    suffix, words = _leading(words[::-1], _SUFFIXES)
    words.reverse()
    family = before.replace(",", " ").split() if is_turned else _family(words)
    given = words if is_turned else words[: len(words) - len(family)]
    parts = {"prefix": prefix, "given": given, "family": family, "suffix": suffix[::-1]}
    return {name: " ".join(part) for name, part in parts.items()}


def candidates(
    pattern: str, values: dict[str, Any], count: int = 20, length: int = 20, language: str = ""
) -> list[str]:
    """Login names to try: ``pattern`` filled, then with 2, 3 and so on at the end; ``count`` of them (1 to 200).

    Each is at most ``length`` (2 to 256) characters of a-z, 0-9 and what the pattern itself holds. Values are written
    in ASCII (``language`` as for ``text.ascii``), without spaces and marks; ``{name:1}`` takes the first character,
    None is nothing. A name that is not among the values is an error, and so is a pattern that leaves nothing.

    >>> username.candidates("{given:1}{family}", {"given": "Jörg", "family": "Müller"}, count = 3)
    ["jmueller", "jmueller2", "jmueller3"]
    >>> username.candidates("{given}.{family}", {"given": "Bartholomew", "family": "Smith"}, count = 2, length = 12)
    ["bartholomew", "bartholomew2"]
    >>> username.candidates("{given}", {"given": "🎉"})
    error: the pattern leaves nothing of these values
    """
    limit, given = number_of(length, 2, 256), dict_of(values)

    def fill(match: re.Match[str]) -> str:
        if match[1] not in given:
            raise ValueError(f"the pattern names {match[1][:40]!r}, which is not among the values")
        plain = slug(as_text(given[match[1]]), "", language)
        return plain[: int(match[2])] if match[2] else plain

    first = _PLACEHOLDER.sub(fill, text_of(pattern, limit=1024)).strip("._-")
    if not first:
        raise ValueError(f"the pattern leaves nothing of these values{_written_in(given)}")
    numbers = [str(number) for number in range(2, number_of(count, 1, 200) + 1)]
    numbered = (_cut(first, limit - len(number)) + number for number in numbers if len(number) < limit)
    # A name that ends in a digit, cut short, can meet one of its own successors.
    return list(dict.fromkeys([_cut(first, limit), *numbered]))


def _written_in(values: dict[str, Any]) -> str:
    known = scripts_of(" ".join(value for value in values.values() if isinstance(value, str))[:1024])
    return f" (written in {', '.join(known)})" if known else ""


def _cut(text: str, length: int) -> str:
    return text[:length].rstrip("._-")


def _is_one_of(word: str, known: frozenset[str]) -> bool:
    return word.rstrip(".").lower().replace(".", "") in known


def _leading(words: list[str], known: frozenset[str]) -> tuple[list[str], list[str]]:
    count = 0
    while count < len(words) - 1 and _is_one_of(words[count], known):
        count += 1
    return words[:count], words[count:]


def _family(words: list[str]) -> list[str]:
    if len(words) < 2:
        return []
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in _PARTICLES:
        start -= 1
    return words[start:]
