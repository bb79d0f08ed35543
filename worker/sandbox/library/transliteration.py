"""Names of people as plain ASCII: tables for letters with a spelling of their own, then what Unicode takes apart.

The tables follow ICAO Doc 9303 (part 3, section 6) and, per language, the national rules: Ukraine's of 2010, Bulgaria's
of 2009, Serbian and Macedonian Latin, Greece's ELOT 743, Belarus's passports. What remains the anyascii library spells.
"""

import re
import unicodedata
import zlib
from typing import Final, Literal

from worker.sandbox.library import kept

#: Letters that Unicode does not decompose, or whose usual spelling is not the bare base letter.
_LETTERS: Final = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "œ": "oe",
    "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ı": "i", "ħ": "h", "ŋ": "ng", "ŧ": "t", "ĸ": "k",
    "ə": "e", "ſ": "s", "ǿ": "oe", "ǽ": "ae", "ŀ": "l", "ŉ": "n", "ʼ": "", "ʻ": "",
}  # fmt: skip
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
#: Greek letters that are spelled together (ELOT 743, ISO 843): what comes after decides about αυ, ευ and ηυ.
_GREEK_PAIR: Final = re.compile("ο[υύ]|[αεη][υύ]|γ[γξχ]|\\bμπ", re.IGNORECASE)
_FIRST_GREEK: Final = "\u0370"
_GREEK_PAIRS: Final = {"γγ": "ng", "γξ": "nx", "γχ": "nch", "μπ": "b"}
_GREEK_VOICED: Final = frozenset("αάεέηήιίοόυύωώβγδζλμνρ")
_PUNCTUATION: Final = {"’": "'", "‘": "'", "‚": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"'} | dict.fromkeys(
    "‐‑‒–—―−", "-"
)
#: Where a language spells letters otherwise than above.
_OWN: Final[dict[str, dict[str, str]]] = {
    "uk": {"г": "h", "и": "y", "х": "kh", "щ": "shch", "й": "i", "’": "", "ʼ": ""},
    "be": {"г": "h", "ы": "y", "’": "", "ʼ": ""},
    "bg": {"й": "y", "х": "h", "щ": "sht", "ъ": "a", "ь": "y", "ю": "yu", "я": "ya"},
    "mk": {"ж": "zh", "х": "h", "ц": "c", "ч": "ch", "џ": "dj"},
    "sr": {"ж": "z", "х": "h", "ц": "c", "ч": "c", "ш": "s", "đ": "dj"},
    "hr": {"đ": "dj"},
    "bs": {"đ": "dj"},
    "is": {"ö": "o"},
}
#: Where a language writes these letters with the bare base letter.
_BARE: Final = {
    "tr": "öü", "az": "öü", "sv": "äöå", "fi": "äöå", "et": "äöü", "hu": "öü", "nl": "äöü", "fr": "äöü", "es": "ü",
    "sk": "ä", "pt": "ü", "ca": "ü", "it": "äöü", "en": "äöü",
}  # fmt: skip
#: At the beginning of a word Ukrainian has other spellings: Яна is Yana, Юлія is Yuliia.
_UKRAINIAN_FIRST: Final = {"є": "ye", "ї": "yi", "й": "y", "ю": "yu", "я": "ya"}
#: Languages that are spelled as above without a difference.
_PLAIN: Final = frozenset({
    "", "de", "da", "no", "nb", "nn", "pl", "cs", "sl", "ro", "lt", "lv", "sq", "mt", "ga", "cy", "eu", "gl", "af",
    "id", "ms", "ru", "el", "vi", "kk", "ka", "hy", "ko", "ja", "zh", "ar", "he", "fa", "hi", "th", "ur", "fo",
})  # fmt: skip
LANGUAGES: Final = tuple(sorted((_PLAIN | _OWN.keys() | _BARE.keys()) - {""}))

#: Scripts whose letters have one spelling by rule, although no table above holds them.
_RULED: Final = frozenset({"Hangul", "Hiragana", "Katakana", "Georgian", "Armenian"})
_SCRIPT_NAMES: Final = {"Cjk": "Han", "Ideographic": "Han", "Katakana-hiragana": "Katakana"}

_MOST_MARKS: Final = 30
#: So few marks are sorted in no time, whatever they are.
_SHORT: Final = 256

_blocks: Final[dict[int, list[str]]] = {}
_tables: Final[dict[str, dict[int, str]]] = {}


def to_ascii(value: str, *, language: str = "", is_strict: bool = False) -> str:
    """``value`` in ASCII as ``text.ascii`` promises it; what has no ASCII form is dropped.

    ``language`` is two letters, perhaps with a country behind. Raises ValueError: a language that is not known; a
    letter whose spelling is a guess, when ``is_strict``; Han letters in a Japanese name.
    """
    table = _tables.get(language) or _table(language)
    if value.isascii():
        return value
    text = normalized(value, form="NFC")
    if language[:2].lower() == "uk":
        text = _ukrainian(text)
    if max(text) >= _FIRST_GREEK:
        text = _GREEK_PAIR.sub(_greek, text)
    if text.istitle() or text.islower():
        spelled = text.translate(table)
    else:
        spelled = "".join([_cased(text, place, table) for place in range(len(text))])
    if spelled.isascii():
        return spelled
    is_japanese = language[:2].lower() == "ja"
    every = {char: _spelled(char, table, is_strict=is_strict, is_japanese=is_japanese) for char in set(spelled)}
    return "".join([every[char] for char in spelled])


def normalized(value: str, *, form: Literal["NFC", "NFD", "NFKC", "NFKD"]) -> str:
    """``value`` in a normal form of Unicode; of more than 30 marks on one letter the rest is dropped.

    No language has so many (UAX #15, section 13), and the interpreter takes seconds to sort some ten thousand of them.
    """
    if value.isascii():
        return value
    return unicodedata.normalize(form, value if len(value) <= _SHORT else _with_few_marks(value))


def _with_few_marks(value: str) -> str:
    kept_ones = []
    run = 0
    for char in value:
        run = run + 1 if unicodedata.combining(char) else 0
        if run <= _MOST_MARKS:
            kept_ones.append(char)
    return "".join(kept_ones)


def scripts_of(value: str) -> list[str]:
    """The scripts of a text's letters, sorted, by their names in Unicode; Chinese characters are Han."""
    letters = {char for char in normalized(value, form="NFKC") if unicodedata.category(char)[0] == "L"}
    return sorted({_script(char) for char in letters})


def _table(language: str) -> dict[int, str]:
    code = language.replace("_", "-").partition("-")[0].lower()
    found = _tables.get(code)
    if found is None:
        if code not in _PLAIN and code not in LANGUAGES:
            raise ValueError(f"no table for language {language[:8]!r}, known are {', '.join(LANGUAGES)}")
        found = _tables[code] = _made(_OWN.get(code, {}), _BARE.get(code, ""))
    return found


def _made(own: dict[str, str], bare: str) -> dict[int, str]:
    small = _LETTERS | _CYRILLIC | _GREEK | own
    capitals = {letter.upper(): plain.capitalize() for letter, plain in small.items() if len(letter.upper()) == 1}
    table = _PUNCTUATION | capitals | small | {"ẞ": "SS", "İ": "I"}
    return {ord(letter): plain for letter, plain in table.items() if letter.lower() not in bare}


def _cased(text: str, place: int, table: dict[int, str]) -> str:
    """One letter by the table; where a capital becomes two letters, both are capitals within capitals."""
    char = text[place]
    plain = table.get(ord(char), char)
    if len(plain) > 1 and char.isupper():
        after, before = text[place + 1 : place + 2], text[place - 1 : place] if place else ""
        if after.isupper() or (not after.isalpha() and before.isupper()):
            return plain.upper()
    return plain


def _greek(match: re.Match[str]) -> str:
    pair = match[0].lower()
    plain = _GREEK_PAIRS.get(pair, "")
    if not plain and pair[0] == "ο":
        plain = "ou"
    elif not plain:
        is_voiced = match.string[match.end() : match.end() + 1].lower() in _GREEK_VOICED
        plain = {"α": "a", "ε": "e", "η": "i"}[pair[0]] + ("v" if is_voiced else "f")
    if match[0].isupper():
        return plain.upper()
    return plain.capitalize() if match[0][0].isupper() else plain


def _ukrainian(text: str) -> str:
    text = text.replace("зг", "zgh").replace("Зг", "Zgh").replace("ЗГ", "ZGH")
    made = []
    for place, char in enumerate(text):
        first = _UKRAINIAN_FIRST.get(char.lower())
        if first is None or (place and (text[place - 1].isalpha() or text[place - 1] in "'’ʼ")):
            made.append(char)
        else:
            made.append(first if char.islower() else first.capitalize())
    return "".join(made)


def _spelled(char: str, table: dict[int, str], *, is_strict: bool, is_japanese: bool) -> str:
    """One character that no table has: without its marks, else as the library spells letters and digits."""
    if char.isascii():
        return char
    # The table a second time is for letters that only appear once an accent is taken off, such as accented Greek ones.
    parts = unicodedata.normalize("NFKD", char).translate(table)
    bare = "".join([part for part in parts if not unicodedata.combining(part)])
    if bare.isascii():
        return bare
    if unicodedata.category(char)[0] not in "LMN":
        return bare.encode("ascii", "ignore").decode("ascii")
    script = _script(char)
    if script == "Han" and is_japanese:
        raise ValueError("how Han letters of a Japanese name are read only its owner knows; use a romanised attribute")
    if is_strict and script not in _RULED:
        raise ValueError(f"no spelling of {script} letters is certain; use a romanised attribute, or leave strict out")
    return _of_library(ord(char))


def _script(char: str) -> str:
    first = unicodedata.name(char, "unknown").partition(" ")[0].capitalize()
    return _SCRIPT_NAMES.get(first, first)


def _of_library(code: int) -> str:
    number, place = divmod(code, 256)
    block = _blocks.get(number)
    if block is None:
        packed = kept.block(number)
        block = zlib.decompress(packed, -zlib.MAX_WBITS).decode("ascii").split("\t") if packed else []
        _blocks[number] = block
    return block[place] if place < len(block) else ""
