"""SCIM filters: what they match, how they read, and what a mistake is told."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.domain.errors import InvalidFilter
from worker.domain.filter_syntax import MAX_DEPTH, MAX_LENGTH
from worker.domain.filters import (
    And,
    Compare,
    Filter,
    Not,
    Operator,
    Or,
    Present,
    attribute_names,
    compiled,
    instant_of,
    matches,
    parse,
)

ANNA = {
    "id": "0190",
    "external_id": "E-17",
    "user_name": "anna.müller",
    "active": True,
    "department": "Sales",
    "groups": ["staff", "VPN"],
    "level": 7,
    "employee_number": "0042",
    "rate": 1.5,
    "start": "2024-01-31T23:00:00-02:00",
    "end": date(2025, 6, 30),
    "seen": datetime(2024, 5, 1, 12, tzinfo=UTC),
    "contractor": "False",
    "title": "",
    "phones": [],
    "manager": None,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('department eq "sales"', True, id="text without case"),
        pytest.param('DEPARTMENT EQ "sales"', True, id="name and operator without case"),
        pytest.param('department eq "sale"', False, id="text differs"),
        pytest.param('user_name eq "ANNA.MU\u0308LLER"', True, id="case and composition"),
        pytest.param('userName sw "anna"', True, id="SCIM name"),
        pytest.param('externalId eq "e-17"', True, id="SCIM external id"),
        pytest.param('urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department co "ale"', True, id="URN"),
        pytest.param('department ne "IT"', True, id="ne"),
        pytest.param('department ne "SALES"', False, id="ne without case"),
        pytest.param('manager ne "bob"', True, id="ne where there is no value"),
        pytest.param('nothing eq "x"', False, id="unknown attribute"),
        pytest.param('department co "AL"', True, id="co"),
        pytest.param('department co "x"', False, id="co not"),
        pytest.param('department sw "sa"', True, id="sw"),
        pytest.param('department ew "ES"', True, id="ew"),
        pytest.param('level co "7"', True, id="text of a number"),
        pytest.param('department co ""', True, id="any value contains nothing"),
        pytest.param("department pr", True, id="pr"),
        pytest.param("title pr", False, id="empty text is not present"),
        pytest.param("phones pr", False, id="empty list is not present"),
        pytest.param("manager PR", False, id="null is not present"),
        pytest.param("active pr", True, id="a boolean is present"),
        pytest.param("manager eq null", True, id="eq null"),
        pytest.param('title eq ""', True, id="eq nothing"),
        pytest.param("department ne null", True, id="ne null"),
        pytest.param("manager ne null", False, id="ne null where there is none"),
        pytest.param('groups eq "vpn"', True, id="one of several values"),
        pytest.param('groups ne "vpn"', False, id="ne needs all of several"),
        pytest.param('groups sw "st"', True, id="sw of one of several"),
        pytest.param("active eq true", True, id="boolean"),
        pytest.param("active eq FALSE", False, id="boolean not"),
        pytest.param("contractor eq false", True, id="boolean as text"),
        pytest.param('active eq "true"', True, id="text of a boolean"),
        pytest.param("level eq 7", True, id="number"),
        pytest.param("level eq 7.0", True, id="float equals integer"),
        pytest.param("employee_number eq 42", True, id="number as text"),
        pytest.param('employee_number eq "42"', False, id="text keeps its zeros"),
        pytest.param("department eq 7", False, id="no number"),
        pytest.param("active eq 1", False, id="true is not one"),
        pytest.param("level gt 6", True, id="gt"),
        pytest.param("level gt 7", False, id="gt equal"),
        pytest.param("level ge 7", True, id="ge"),
        pytest.param("level lt 7.5", True, id="lt"),
        pytest.param("rate le -1", False, id="le"),
        pytest.param('level gt "10"', False, id="quoted number against a number"),
        pytest.param('employee_number lt "1"', True, id="text order"),
        pytest.param("employee_number gt 41", True, id="number order of text"),
        pytest.param("department gt 1", False, id="text has no number"),
        pytest.param('level gt "high"', False, id="number has no order with text"),
        pytest.param("manager lt 3", False, id="nothing has no order"),
        pytest.param('start gt "2024-02-01T00:59:59Z"', True, id="moments across offsets"),
        pytest.param('start lt "2024-02-01T01:00:00Z"', False, id="moments strictly"),
        pytest.param('end le "2025-06-30"', True, id="date object"),
        pytest.param('seen ge "2024-05-01T14:00:00+02:00"', True, id="datetime object"),
        pytest.param('seen ge "now"', False, id="datetime against text"),
        pytest.param('start lt "2024-99-99"', True, id="no such day falls back to text"),
        pytest.param('start lt "2024-W09-1"', True, id="a week is text"),
        pytest.param('rate co ".5"', True, id="text of a fraction"),
        pytest.param("rate eq 1.50", True, id="zeros at the end"),
        pytest.param('level gt 6 and department eq "it"', False, id="and"),
        pytest.param('level gt 7 or department eq "sales"', True, id="or"),
        pytest.param('level gt 6 or level gt 7 and department eq "it"', True, id="and binds before or"),
        pytest.param('(level gt 6 or level gt 7) and department eq "it"', False, id="parentheses"),
        pytest.param("not (level gt 7)", True, id="not"),
        pytest.param("NOT(active eq true)", False, id="not without blank"),
        pytest.param('not (title pr) and department eq "Sales"', True, id="not binds before and"),
    ],
)
def test_matches(text: str, expected: bool) -> None:
    assert matches(parse(text), ANNA) is expected


def test_name_without_case_is_found_when_it_is_not_spelt_exactly() -> None:
    predicate = compiled(parse('costcenter eq "17"'))

    assert predicate({"costCenter": "17"})
    assert predicate({"costcenter": "17", "costCenter": "18"})
    assert not predicate({})


def test_several_names_without_case_go_in_an_order_of_their_own() -> None:
    predicate = compiled(parse('costcenter eq "17"'))

    assert predicate({"costCENTER": "18", "COSTCENTER": "17"})
    assert compiled(parse("Active eq true"))({"ACTIVE": False, "active": True})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(1.0, "1", id="whole"),
        pytest.param(-0.0, "0", id="negative zero"),
        pytest.param(1e22, "10000000000000000000000", id="large"),
        pytest.param(1.5e-7, "0.00000015", id="small"),
        pytest.param(120, "120", id="zeros before the point"),
    ],
)
def test_number_reads_as_plain_decimal(value: float, text: str) -> None:
    assert matches(parse(f'a eq "{text}"'), {"a": value})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("1970-01-02", 86_400_000_000, id="day"),
        pytest.param("1970-01-01T01:00", 3_600_000_000, id="without seconds"),
        pytest.param("1970-01-01T01:00:00+0100", 0, id="offset"),
        pytest.param("1970-01-01t00:00:00,123456789z", 123_456, id="fraction"),
        pytest.param("2024-02-29", 1_709_164_800_000_000, id="leap day"),
        pytest.param("2023-02-29", None, id="no leap day"),
        pytest.param("1900-02-29", None, id="no leap century"),
        pytest.param("2000-02-29", 951_782_400_000_000, id="leap century"),
        pytest.param("2024-04-31", None, id="no such day"),
        pytest.param("2024-01-01T24:00", None, id="no such hour"),
        pytest.param("2024-01-01 10", None, id="hour alone"),
        pytest.param("2024-01-01Z", None, id="day with an offset"),
    ],
)
def test_moment_is_read(text: str, moment: int | None) -> None:
    assert instant_of(text) == moment


@pytest.mark.parametrize("value", ["nan", "inf", "1e999", "x"])
def test_text_that_is_no_finite_number_has_no_order(value: str) -> None:
    assert not matches(parse("a lt 1"), {"a": value})
    assert not matches(parse("a ge 1"), {"a": value})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a pr", Present("a"), id="present"),
        pytest.param(r'a eq "say \"hi\" \u00e9"', Compare("a", Operator.EQ, 'say "hi" é'), id="escapes"),
        pytest.param("a eq -1.5e1", Compare("a", Operator.EQ, -15.0), id="number"),
        pytest.param("name.familyName pr", Present("name.familyName"), id="dotted name"),
        pytest.param("$ref.größe pr", None, id="a dollar does not begin a name"),
        pytest.param("größe pr", Present("größe"), id="letters of any language"),
        pytest.param("a pr and b pr and c pr", And((Present("a"), Present("b"), Present("c"))), id="three terms"),
        pytest.param("a pr or (b pr or c pr)", Or((Present("a"), Or((Present("b"), Present("c"))))), id="nested"),
        pytest.param("((a pr))", Present("a"), id="parentheses to no purpose"),
        pytest.param("not (not (a pr))", Not(Not(Present("a"))), id="twice not"),
        pytest.param("not pr", None, id="not is not a name"),
    ],
)
def test_parse(text: str, expected: Filter | None) -> None:
    if expected is None:
        with pytest.raises(InvalidFilter):
            parse(text)
    else:
        assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "suggestion", "message"),
    [
        pytest.param("", 1, None, "attribute name belongs here, not the end", id="empty"),
        pytest.param('department = "Sales"', 12, "eq", "operator", id="equals sign"),
        pytest.param('department="Sales"', 11, "eq", "operator", id="equals sign without blanks"),
        pytest.param('department eqq "Sales"', 12, "eq", "operator", id="misspelt operator"),
        pytest.param('department contains "Sales"', 12, "co", "operator", id="another language's operator"),
        pytest.param('department zzzzz "Sales"', 12, None, "operator", id="nothing like an operator"),
        pytest.param("department", 11, None, "not the end", id="name alone"),
        pytest.param("department eq Sales", 15, '"Sales"', "double quotes", id="unquoted"),
        pytest.param("department eq 'Sales'", 15, '"Sales"', "double quotes", id="single quotes"),
        pytest.param("start gt 2024-01-31", 10, '"2024-01-31"', "double quotes", id="unquoted date"),
        pytest.param("department eq", 14, None, "value belongs here", id="no value"),
        pytest.param("department eq ==", 15, None, "value belongs here", id="sign as value"),
        pytest.param('department eq "Sales', 15, 'add a "', "never closed", id="open text"),
        pytest.param(r'department eq "\x"', 15, None, "JSON", id="wrong escape"),
        pytest.param("level lt 01", 10, None, "JSON", id="leading zero"),
        pytest.param("level lt 1e999", 10, None, "too large", id="infinite number"),
        pytest.param(r'department eq "\u0000"', 15, None, "no stored value", id="NUL"),
        pytest.param(r'department eq "\ud800"', 15, None, "no stored value", id="half of a pair"),
        pytest.param("level co 7", 10, '"7"', "compares text", id="co of a number"),
        pytest.param("active gt true", 11, "eq or ne", "order", id="order of booleans"),
        pytest.param("manager le null", 12, "eq or ne", "order", id="order of null"),
        pytest.param("a pr && b pr", 6, "and", "'and', 'or' or the end", id="ampersands"),
        pytest.param("a pr an b pr", 6, "and", "'and', 'or' or the end", id="misspelt and"),
        pytest.param("a pr b pr", 6, None, "'and', 'or' or the end", id="nothing between"),
        pytest.param("a pr and", 9, None, "not the end", id="and alone"),
        pytest.param("and a pr", 1, None, "not 'and'", id="begins with and"),
        pytest.param("! (a pr)", 1, "not (...)", "not '!'", id="exclamation mark"),
        pytest.param("not a pr", 5, 'write: not (department eq "Sales")', "followed by", id="not without parentheses"),
        pytest.param("(a pr", 1, "add a )", "never closed", id="open parenthesis"),
        pytest.param("(a pr b", 7, None, "'and', 'or'", id="nothing between in parentheses"),
        pytest.param("a pr)", 5, "remove it", "closes nothing", id="closing parenthesis"),
        pytest.param('emails[type eq "work"]', 7, 'emails co "..."', "flat", id="value path"),
        pytest.param("a pr ]", 6, None, "not ']'", id="foreign sign"),
    ],
)
def test_mistake_is_told_with_column_and_suggestion(
    text: str, column: int, suggestion: str | None, message: str
) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse(text)

    assert (caught.value.column, caught.value.suggestion) == (column, suggestion)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"column {column}: ")
    assert (suggestion is None) is ("meant" not in str(caught.value))


def test_depth_and_length_have_limits() -> None:
    deepest = "(" * MAX_DEPTH + "a pr" + ")" * MAX_DEPTH

    assert parse(deepest) == Present("a")
    assert parse(" and ".join([deepest] * 2)) == And((Present("a"), Present("a")))
    with pytest.raises(InvalidFilter, match="inside each other"):
        parse(f"({deepest})")
    with pytest.raises(InvalidFilter, match="longer than"):
        parse("a" * (MAX_LENGTH + 1))


def test_attribute_names_are_all_that_a_filter_reads() -> None:
    text = 'a pr and (b eq "1" or not (name.c gt 2 and userName sw "x")) and a ne 1'

    assert attribute_names(parse(text)) == {"a", "b", "name.c", "user_name"}


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text('aÄß"\\\n\x01 ')
)
TEXTS = st.text('aÄß"\\\n\x01 ', max_size=5)
NUMBERS = st.one_of(st.integers(-99, 99), st.floats(-5, 5))
NAMES = st.sampled_from(["a", "b.c", "größe", "true", "eq", "x-1", "pr"])
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Present, NAMES),
    st.builds(Compare, NAMES, st.sampled_from([Operator.EQ, Operator.NE]), SCALARS),
    st.builds(Compare, NAMES, st.sampled_from([Operator.CO, Operator.SW, Operator.EW]), TEXTS),
    st.builds(Compare, NAMES, st.sampled_from([Operator.GT, Operator.LE]), st.one_of(TEXTS, NUMBERS)),
)


def grown(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(And, several), st.builds(Or, several))


FILTERS = st.recursive(LEAVES, grown, max_leaves=8)
SOURCES = st.dictionaries(NAMES, st.one_of(SCALARS, st.lists(SCALARS, max_size=3)), max_size=4)
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(FILTERS)
def test_text_of_a_filter_reads_back_as_the_same_filter(filter_: Filter) -> None:
    text = str(filter_)

    assert parse(text) == filter_
    assert str(parse(text)) == text


@relaxed
@given(FILTERS, FILTERS, SOURCES)
def test_logic_is_that_of_booleans_and_matching_never_fails(left: Filter, right: Filter, source) -> None:  # type: ignore[no-untyped-def] - hypothesis or pytest gives it
    one, two = matches(left, source), matches(right, source)

    assert matches(Not(left), source) is not one
    assert matches(And((left, right)), source) is (one and two)
    assert matches(Or((left, right)), source) is (one or two)


@relaxed
@given(st.text("ab\"()[]\\ .:=eqpr notad1-'", max_size=40))
def test_any_text_is_a_filter_or_a_mistake_with_a_column_inside_it(text: str) -> None:
    try:
        found = parse(text)
    except InvalidFilter as error:
        column = error.column
    else:
        column = 1
        assert parse(str(found)) == found

    assert 1 <= column <= len(text) + 1
