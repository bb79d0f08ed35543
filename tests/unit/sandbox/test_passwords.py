import pytest

from worker.sandbox.library.passwords import check


@pytest.mark.parametrize(
    ("value", "policy", "said"),
    [
        pytest.param("abcdefgh", {}, [], id="eight characters do by default"),
        pytest.param("abc", {}, ["shorter than 8 characters"], id="short"),
        pytest.param("a" * 9, {"max_length": 8}, ["longer than 8 characters"], id="long"),
        pytest.param("abcdefgh", {"classes": ["upper", "digit"]}, ["no upper-case letter", "no digit"], id="classes"),
        pytest.param(
            "abcdefg1", {"min_classes": 3}, ["fewer than 3 of lower case, upper case, digits and symbols"], id="of"
        ),
        pytest.param("ÄÖÜäöü1!", {"min_classes": 4}, [], id="letters of any script"),
        pytest.param("abcdefg ", {"exclude": " "}, ["contains a character that is not allowed"], id="excluded"),
        pytest.param("aaabbbcc", {"max_repeat": 2}, ["repeats a character more than 2 times in a row"], id="repeats"),
        pytest.param(
            "xXANNAxx", {"avoid": ["Ek, Anna"]}, ["contains a part of a name that it may not contain"], id="name"
        ),
        pytest.param("ekekekek", {"avoid": ["Ek, Anna", None]}, [], id="parts of two letters and none do not count"),
    ],
)
def test_check(value: str, policy: dict[str, object], said: list[str]) -> None:
    assert check(value, policy) == said


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        pytest.param({"lenght": 8}, "knows no 'lenght'", id="misspelled"),
        pytest.param({"classes": ["lowercase"]}, "a class is one of", id="class"),
        pytest.param({"min_length": "8"}, "between", id="text for a number"),
        pytest.param({"min_length": 9, "max_length": 8}, "between", id="longest under shortest"),
        pytest.param([], "takes a dict", id="no dict"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(policy: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check("abcdefgh", policy)
