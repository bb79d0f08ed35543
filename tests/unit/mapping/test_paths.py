import pytest

from worker.mapping.paths import SourcePath, parse_path, unknown_name


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("mail", SourcePath("mail"), id="name"),
        pytest.param("Kosten Stelle", SourcePath("Kosten Stelle"), id="blank within"),
        pytest.param("emails[0]", SourcePath("emails", 0), id="first"),
        pytest.param("emails[-1]", SourcePath("emails", -1), id="last"),
        pytest.param("urn:x:y[3]", SourcePath("urn:x:y", 3), id="colons"),
    ],
)
def test_path_is_read(text: str, path: SourcePath) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["emails[]", "emails[x]", "emails[0", "[0]", " mail", "emails[0].value", "a[99999]"])
def test_malformed_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be the name of an attribute"):
        parse_path(text)


def test_misspelt_name_is_told_with_what_was_meant() -> None:
    known = frozenset({"department", "mail"})

    assert (
        unknown_name(parse_path("depatment"), known) == "nobody has an attribute 'depatment'; did you mean department?"
    )
    assert unknown_name(parse_path("usr_name"), known) == "nobody has an attribute 'usr_name'; did you mean user_name?"
    assert unknown_name(parse_path("xyz"), known) == "nobody has an attribute 'xyz'"
    assert unknown_name(parse_path("mail[0]"), known) is None
    assert unknown_name(parse_path("active"), known) is None
