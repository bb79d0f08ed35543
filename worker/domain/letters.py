"""Normal forms of Unicode in time that grows with the text.

The interpreter sorts the marks of a letter by insertion, without an end that could interrupt it: a value of some ten
thousand of them, which any target or source may hold, would hold the whole daemon for seconds.
"""

import unicodedata
from typing import Literal

#: Of a text up to here no order of marks takes long.
SHORT = 1000

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]


def normalized(text: str, form: Form) -> str:
    """What ``unicodedata.normalize(form, text)`` gives."""
    if len(text) <= SHORT or text.isascii():
        return unicodedata.normalize(form, text)
    taken_apart: Form = "NFKD" if "K" in form else "NFD"
    return unicodedata.normalize(form, _in_order("".join([unicodedata.normalize(taken_apart, char) for char in text])))


def _in_order(text: str) -> str:
    """The marks of each letter in canonical order (UAX #15): by their class, of one class as they came."""
    ordered: list[str] = []
    marks: list[str] = []
    for char in text:
        if unicodedata.combining(char):
            marks.append(char)
            continue
        ordered += sorted(marks, key=unicodedata.combining)
        marks.clear()
        ordered.append(char)
    return "".join([*ordered, *sorted(marks, key=unicodedata.combining)])
