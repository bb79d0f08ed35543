"""Codes of words, against published examples."""

import pytest

from worker.correlation.phonetics import metaphone, soundex


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("Robert", "R163"),
        ("Rupert", "R163"),
        ("Ashcraft", "A261"),
        ("Tymczak", "T522"),
        ("Pfister", "P236"),
        ("Honeyman", "H555"),
        ("Lee", "L000"),
        ("Gutierrez", "G362"),
        ("Jackson", "J250"),
        ("VanDeusen", "V532"),
        ("Washington", "W252"),
        ("Müller", "M460"),
        ("123", ""),
        ("Н", ""),
    ],
)
def test_soundex_is_that_of_the_national_archives(word: str, code: str) -> None:
    assert soundex(word) == code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Smith", "Smyth"),
        ("Philip", "Filip"),
        ("Knight", "Night"),
        ("Wright", "Right"),
        ("Mayr", "Mair"),
        ("Dodge", "Doje"),
    ],
)
def test_metaphone_is_one_for_words_that_sound_alike(one: str, other: str) -> None:
    assert metaphone(one) == metaphone(other) != ""


@pytest.mark.parametrize(("one", "other"), [("Smith", "Schmidt"), ("Anna", "Berta"), ("Catherine", "Chatherine")])
def test_metaphone_parts_words_that_do_not(one: str, other: str) -> None:
    assert metaphone(one) != metaphone(other)


def test_metaphone_of_no_letters_is_empty() -> None:
    assert metaphone("42") == ""
