"""Names of people as plain ASCII: decomposition for what has a base letter, a table for what has none."""

import unicodedata
from typing import Final

#: Letters that Unicode does not decompose, or whose usual spelling is not the bare base letter.
_LETTERS: Final = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "œ": "oe",
    "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ı": "i", "ħ": "h", "ŋ": "ng", "ŧ": "t", "ĸ": "k",
    "ə": "e", "ſ": "s", "ǿ": "oe", "ǽ": "ae", "ŀ": "l", "ŉ": "n", "ʼ": "", "ʻ": "",
}  # fmt: skip
#: Scholarly simple romanisation of Russian, Ukrainian, Bulgarian, Serbian and Macedonian letters, without diacritics.
_CYRILLIC: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "ё": "e", "є": "ie", "ж": "zh",
    "з": "z", "и": "i", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o",
    "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ў": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch",
    "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "iu", "я": "ia", "ђ": "dj", "ј": "j",
    "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz", "ѓ": "gj", "ќ": "kj", "ѕ": "dz",
}  # fmt: skip
_GREEK: Final = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
    "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f",
    "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
_PUNCTUATION: Final = {"’": "'", "‘": "'", "‚": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"'} | dict.fromkeys(
    "‐‑‒–—―−", "-"
)
#: Where a language writes these letters with the bare base letter.
_BARE: Final = {
    "tr": "öü", "az": "öü", "sv": "äöå", "fi": "äöå", "et": "äöü", "hu": "öü", "nl": "äöü", "fr": "äöü", "es": "ü",
    "sk": "ä", "no": "", "da": "", "de": "", "": "",
}  # fmt: skip


def _with_capitals(table: dict[str, str]) -> dict[str, str]:
    capitals = {letter.upper(): plain.capitalize() for letter, plain in table.items() if len(letter.upper()) == 1}
    return capitals | table | {"ẞ": "SS", "İ": "I"}


_TABLE: Final = _with_capitals(_LETTERS | _CYRILLIC | _GREEK) | _PUNCTUATION


def _tables() -> dict[str, dict[int, str]]:
    made = {}
    for language, bare in _BARE.items():
        kept = {letter: plain for letter, plain in _TABLE.items() if letter.lower() not in bare}
        made[language] = {ord(letter): plain for letter, plain in kept.items()}
    return made


_TABLES: Final = _tables()
LANGUAGES: Final = tuple(sorted(_BARE))


def to_ascii(value: str, *, language: str = "") -> str:
    """``value`` in ASCII: ä is ae unless ``language`` (two letters) writes a; what has no ASCII form is dropped.

    Raises ValueError for a language that has no table.
    """
    if value.isascii():
        return value
    table = _TABLES.get(language)
    if table is None:
        raise ValueError(f"no table for language {language[:8]!r}, known are {', '.join(filter(None, LANGUAGES))}")
    composed = unicodedata.normalize("NFC", value).translate(table)
    decomposed = unicodedata.normalize("NFKD", composed)
    # The second pass is for letters that only appear once an accent is taken off, such as Cyrillic in Greek order.
    return decomposed.translate(table).encode("ascii", "ignore").decode("ascii")
