"""Comparison follows the schema, never fails, and agrees with its hash."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import xxhash
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.domain.comparison import AttributeRule, Comparator, Comparison, Difference, canonical, content_hash, instant

BERLIN = timezone(timedelta(hours=1))


def test_the_digests_of_many_are_the_hashes_of_each() -> None:
    comparator = Comparator([AttributeRule("a"), AttributeRule("b", comparison="ignore_case")])
    accounts = [{"a": "x", "b": "Y"}, {}, {"a": ["q", 3], "b": "straße", "c": "unknown"}]

    digests = comparator.digests(accounts)

    expected = [xxhash.xxh3_64_intdigest(comparator.canonical(each)) for each in accounts]
    assert [int.from_bytes(digests[at : at + 8], "big") for at in range(0, len(digests), 8)] == expected


def are_equal(comparison: str, left: object, right: object) -> bool:
    comparator = Comparator([AttributeRule("a", comparison=comparison)])
    found = comparator.differences({"a": left}, actual={"a": right})
    assert (comparator.hash({"a": left}) == comparator.hash({"a": right})) is not bool(found)
    return not found


@pytest.mark.parametrize(
    ("comparison", "left", "right"),
    [
        pytest.param("exact", None, "", id="empty text is no value"),
        pytest.param("exact", None, [], id="empty list is no value"),
        pytest.param("exact", None, [None, ""], id="list of nothing is no value"),
        pytest.param("exact", "a", ["a"], id="list of one is the value"),
        pytest.param("exact", ["b", "a", "b"], ("a", "b"), id="lists are sets"),
        pytest.param("exact", {"b", "a"}, frozenset({"a", "b"}), id="sets are lists"),
        pytest.param("exact", "Mu\u0308ller", "Müller", id="NFC"),
        pytest.param("exact", 5, "5", id="number is its text"),
        pytest.param("exact", 5.0, 5, id="whole float is an integer"),
        pytest.param("exact", 5.5, "5.5", id="fraction"),
        pytest.param("exact", True, "true", id="boolean is its text"),
        pytest.param("exact", date(2024, 1, 31), "2024-01-31", id="day is its ISO text"),
        pytest.param("exact", b"\x01\xff", "01ff", id="bytes are hexadecimal"),
        pytest.param("exact", {"b": 1, "a": date(2024, 1, 31)}, {"a": "2024-01-31", "b": 1}, id="composite"),
        pytest.param("exact", "a\0b", "a\0b", id="NUL inside"),
        pytest.param("ignore_case", "ANNA", "anna", id="ascii case"),
        pytest.param("ignore_case", "STRASSE", "straße", id="full case folding"),
        pytest.param("ignore_case", "A\u030aNGSTRO\u0308M", "ångström", id="case and composition"),
        pytest.param("ignore_case", True, "TRUE", id="caseless boolean"),
        pytest.param("ignore_case", ["A", "b"], ["B", "a"], id="caseless set"),
        pytest.param("dn", "CN=Anna,OU=Staff, O=Acme", "cn=anna,ou=staff,o=acme", id="case and blanks"),
        pytest.param("dn", "cn=Anna;o=Acme", "cn=anna,o=acme", id="semicolon of RFC 2253"),
        pytest.param("dn", "cn=Doe\\, John,o=a", "cn=Doe\\2C John,o=a", id="escaped comma"),
        pytest.param("dn", 'cn="Doe, John",o=a', "cn=Doe\\, John,o=a", id="quoted comma"),
        pytest.param("dn", "cn=M\\C3\\BCller", "cn=Müller", id="hexadecimal UTF-8"),
        pytest.param("dn", "cn=A+uid=b,o=c", "uid=B + cn=a,o=c", id="order within an RDN"),
        pytest.param("dn", "2.5.4.3=a,OID.2.5.4.11=b", "cn=a,ou=b", id="OIDs"),
        pytest.param("dn", "cn=a  b", "cn=a b", id="blanks squeezed"),
        pytest.param("dn", "not a dn", "NOT A DN", id="unreadable is text"),
        pytest.param("dn", "", None, id="empty"),
        pytest.param("date", "2024-01-31", "2024-01-31T00:00:00Z", id="day is midnight UTC"),
        pytest.param("date", "2024-01-31T13:00:00+01:00", "20240131120000Z", id="generalized time"),
        pytest.param("date", "202401311200Z", "2024013112Z", id="generalized time without seconds"),
        pytest.param("date", "20240131120000,5+0100", "2024-01-31T11:00:00.5Z", id="generalized time with a fraction"),
        pytest.param("date", 133511760000000000, "2024-01-31T12:00:00Z", id="file time"),
        pytest.param("date", "0", None, id="file time zero is never"),
        pytest.param("date", 9223372036854775807, None, id="file time maximum is never"),
        pytest.param("date", datetime(2024, 1, 31, 13, tzinfo=BERLIN), "2024-01-31T12:00:00", id="no offset is UTC"),
        pytest.param("date", date(2024, 1, 31), "20240131", id="basic ISO"),
        pytest.param("date", "tomorrow", " tomorrow", id="unreadable is text"),
        pytest.param("number", "5.00", 5, id="trailing zeros"),
        pytest.param("number", "007", 7, id="leading zeros"),
        pytest.param("number", "1e3", 1000, id="exponent"),
        pytest.param("number", "-0", "0.0", id="zero"),
        pytest.param("number", -2.5, "-2.50", id="negative"),
        pytest.param("number", Decimal("1.10"), "1.1", id="decimal"),
        pytest.param("number", "NaN", "NaN", id="not a number"),
        pytest.param("number", "five", "five", id="unreadable is text"),
        pytest.param("boolean", True, "TRUE", id="true"),
        pytest.param("boolean", "yes", 1, id="yes"),
        pytest.param("boolean", False, "off", id="off"),
        pytest.param("boolean", "maybe", "MAYBE", id="unreadable is text"),
    ],
)
def test_equal(comparison: str, left: object, right: object) -> None:
    assert are_equal(comparison, left, right)
    assert are_equal(comparison, right, left)


@pytest.mark.parametrize(
    ("comparison", "left", "right"),
    [
        pytest.param("exact", "Anna", "anna", id="case counts"),
        pytest.param("exact", "a", None, id="a value to clear"),
        pytest.param("exact", ["a", "b"], ["a"], id="one value less"),
        pytest.param("exact", ["a", "b"], "ab", id="set and text"),
        pytest.param("exact", "007", 7, id="zeros count in text"),
        pytest.param("exact", True, 1, id="true is not one"),
        pytest.param("exact", "a\0", "a", id="NUL counts"),
        pytest.param("exact", False, None, id="false is a value"),
        pytest.param("exact", 0, None, id="zero is a value"),
        pytest.param("dn", "cn=a,o=b", "cn=a,o=c", id="other parent"),
        pytest.param("dn", "cn=a,o=b", "o=b,cn=a", id="order of RDNs"),
        pytest.param("dn", "cn=a\\,o=b", "cn=a,o=b", id="escaped separator"),
        pytest.param("dn", "cn=a,", "cn=a", id="cut off"),
        pytest.param("date", "2024-01-31", "2024-02-01", id="other day"),
        pytest.param("date", "202401311230.5Z", "20240131123030Z", id="fraction of a minute is not read"),
        pytest.param("number", "1.00000000000000000000000000000001", 1, id="no precision is lost"),
        pytest.param("number", -1, 1, id="sign"),
        pytest.param("boolean", "no", "yes", id="no and yes"),
    ],
)
def test_different(comparison: str, left: object, right: object) -> None:
    assert not are_equal(comparison, left, right)


def test_escaped_blank_at_the_end_of_a_dn_value_is_squeezed_like_others() -> None:
    assert are_equal("dn", "cn=a\\ ,o=b", "cn=a,o=b")


def test_differences_shows_expected_and_actual() -> None:
    comparator = Comparator([AttributeRule("mail"), AttributeRule("groups", multi_valued=True), AttributeRule("title")])

    found = comparator.differences(
        {"mail": "a@b.c", "groups": "staff", "title": ["x", "", "y"]}, actual={"groups": ["a", "b"], "title": [""]}
    )

    assert found == {
        "mail": Difference("a@b.c", None),
        "groups": Difference(["staff"], ["a", "b"]),
        "title": Difference(["x", "y"], None),
    }


def test_differences_shows_a_cleared_set_as_empty() -> None:
    comparator = Comparator([AttributeRule("groups", multi_valued=True), AttributeRule("name")])

    found = comparator.differences({"name": ["x"]}, actual={"groups": ["a"]})

    assert found == {"groups": Difference([], ["a"]), "name": Difference("x", None)}


def test_volatile_unreadable_and_unknown_attributes_are_left_out() -> None:
    comparator = Comparator(
        [AttributeRule("last_login", volatile=True), AttributeRule("password", readable=False), AttributeRule("mail")]
    )
    left = {"last_login": "1", "password": "a", "mail": "m", "other": 1}
    right = {"last_login": "2", "password": "b", "mail": "m"}

    assert [rule.name for rule in comparator.rules] == ["mail"]
    assert comparator.differences(left, actual=right) == {}
    assert comparator.hash(left) == comparator.hash(right)


def test_rules_are_part_of_the_hash() -> None:
    exact, caseless = [AttributeRule("a")], [AttributeRule("a", comparison=Comparison.IGNORE_CASE)]

    assert content_hash({"a": "x"}, exact) != content_hash({"a": "x"}, caseless)


def test_an_unknown_comparison_is_refused_when_the_rules_are_compiled() -> None:
    with pytest.raises(ValueError, match=re.escape("'soundex' is not a valid Comparison")):
        Comparator([AttributeRule("a", comparison="soundex")])


def test_value_moving_to_the_next_attribute_changes_the_hash() -> None:
    rules = [AttributeRule("a"), AttributeRule("b")]

    assert content_hash({"a": "x"}, rules) != content_hash({"b": "x"}, rules)
    assert content_hash({"a": "x\0", "b": ""}, rules) != content_hash({"a": "x", "b": ""}, rules)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC), id="day"),
        pytest.param(date(2024, 1, 31), datetime(2024, 1, 31, tzinfo=UTC), id="date"),
        pytest.param("20241331120000Z", None, id="no such month"),
        pytest.param("9" * 19, None, id="file time out of range"),
        pytest.param("0001-01-01T00:00:00+05:00", None, id="before the calendar"),
        pytest.param(datetime.min.replace(tzinfo=BERLIN), None, id="datetime before the calendar"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_instant(value: object, expected: datetime | None) -> None:
    assert instant(value) == expected


TRAPS = ["cn=A,o=B", "CN=a, O=b", "2024-01-31", "20240131", "0", "1", "TRUE", "yes", "ẞ", "ss", "é", "e\u0301", "\0"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.dates(),
    st.text("aAéßẞ\u0301 \0\x1f,+\\=1", max_size=6),
    st.sampled_from(TRAPS),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=4))
NAMES = ("a", "b", "c")
ACCOUNTS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES))
KINDS = st.sampled_from(Comparison)
RULES = st.tuples(*(st.builds(AttributeRule, st.just(n), multi_valued=st.booleans(), comparison=KINDS) for n in NAMES))
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(RULES, ACCOUNTS, ACCOUNTS)
def test_accounts_without_difference_have_one_hash_and_others_have_two(
    rules: tuple[AttributeRule, ...], left: dict[str, object], right: dict[str, object]
) -> None:
    comparator = Comparator(rules)
    is_same = not comparator.differences(left, actual=right)

    assert is_same is (not comparator.differences(right, actual=left))
    assert (comparator.canonical(left) == comparator.canonical(right)) is is_same
    assert (comparator.hash(left) == comparator.hash(right)) is is_same
    assert not comparator.differences(left, actual=left)


@relaxed
@given(RULES, ACCOUNTS, st.randoms(use_true_random=False))
def test_hash_ignores_order_and_is_a_bigint(rules: tuple[AttributeRule, ...], account: dict[str, object], rng) -> None:  # type: ignore[no-untyped-def] - hypothesis or pytest gives it
    shuffled = {name: rng.sample(v, len(v)) if isinstance(v, list) else v for name, v in reversed(account.items())}

    assert content_hash(shuffled, reversed(rules)) == content_hash(account, rules)
    assert canonical(shuffled, rules) == canonical(account, rules)
    assert -(2**63) <= content_hash(account, rules) < 2**63


def test_the_names_are_those_compared_and_those_watched() -> None:
    rules = [AttributeRule("mail"), AttributeRule("uid")]

    assert Comparator(rules).names == ("mail", "uid")
    assert Comparator(rules, watched=[AttributeRule("phone"), AttributeRule("uid")]).names == ("mail", "phone", "uid")
