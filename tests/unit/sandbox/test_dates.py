from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.library import dates


@pytest.mark.parametrize(
    ("text", "pattern", "iso"),
    [
        pytest.param("31.01.2024", "%d.%m.%Y", "2024-01-31", id="german day"),
        pytest.param("20240131235959", "%Y%m%d%H%M%S", "2024-01-31T23:59:59", id="compact time"),
        pytest.param("2024-01-31T10:00:00Z", None, "2024-01-31T10:00:00+00:00", id="iso with zone"),
        pytest.param("2024-01-31", None, "2024-01-31", id="iso day"),
        pytest.param("1.2.69", "%d.%m.%y", "1969-02-01", id="year of the last century"),
        pytest.param("1.2.68", "%d.%m.%y", "2068-02-01", id="year of this century"),
        pytest.param("2024-060", "%Y-%j", "2024-02-29", id="day of the year"),
        pytest.param("0900.05.01", "%Y.%m.%d", "0900-05-01", id="early year"),
    ],
)
def test_parse(text: str, pattern: str | None, iso: str) -> None:
    assert dates.parse(text, pattern) == iso


def test_format_writes_the_pattern() -> None:
    assert dates.format("2024-01-31", "%d.%m.%y") == "31.01.24"
    assert dates.format("2024-01-31T08:05:00", "%H:%M 100%%") == "08:05 100%"


@pytest.mark.parametrize(
    ("text", "step", "moved"),
    [
        pytest.param("2024-01-31", {"months": 1}, "2024-02-29", id="leap february"),
        pytest.param("2023-01-31", {"months": 1}, "2023-02-28", id="february"),
        pytest.param("2024-02-29", {"years": 1}, "2025-02-28", id="leap day a year on"),
        pytest.param("2024-12-31", {"days": 1}, "2025-01-01", id="new year"),
        pytest.param("2024-03-31", {"months": -1}, "2024-02-29", id="back"),
        pytest.param("2024-01-01T00:30:00+01:00", {"hours": -1}, "2023-12-31T23:30:00+01:00", id="hours keep the zone"),
        pytest.param("9999-12-01", {"days": 30}, "9999-12-31", id="the last day there is"),
    ],
)
def test_add(text: str, step: dict[str, int], moved: str) -> None:
    assert dates.add(text, **step) == moved


def test_diff_and_before_compare_instants() -> None:
    assert dates.diff("2024-03-01", "2024-02-01") == 29
    assert dates.diff("2024-02-01", "2024-03-01") == -29
    assert dates.diff("2024-01-01T12:00:00+02:00", "2024-01-01T09:00:00Z", "minutes") == 60
    assert dates.before("2024-01-01T00:00:00+02:00", "2024-01-01")


def test_active_directory_time_has_its_never() -> None:
    assert dates.to_ad_filetime("1970-01-01") == 116444736000000000
    assert dates.from_ad_filetime(116444736000000000) == "1970-01-01T00:00:00+00:00"
    assert dates.to_ad_filetime(None) == 9223372036854775807
    assert dates.from_ad_filetime(9223372036854775807) is None
    assert dates.from_ad_filetime(0) is None


@given(st.datetimes(timezones=st.integers(-86_399, 86_399).map(lambda east: timezone(timedelta(seconds=east)))))
def test_epoch_and_active_directory_time_agree(moment: object) -> None:
    text = str(moment)
    try:
        seconds = dates.epoch(text)
    except OverflowError:
        return

    assert dates.to_ad_filetime(text) // 10_000_000 == seconds + 11_644_473_600


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: dates.parse("yesterday"), id="no date"),
        pytest.param(lambda: dates.parse("1" * 65), id="too long"),
        pytest.param(lambda: dates.parse(5), id="number"),  # type: ignore[arg-type]  # a script may hand in anything
        pytest.param(lambda: dates.parse("Jan", "%b"), id="directive that depends on a locale"),
        pytest.param(lambda: dates.format("2024-01-01", "%"), id="half a directive"),
        pytest.param(lambda: dates.format("2024-01-01", "%%%Z"), id="directive after a percent sign"),
        pytest.param(lambda: dates.add("9999-12-31", days=1), id="beyond the calendar"),
        pytest.param(lambda: dates.add("2024-01-31", years=10**9), id="far beyond the calendar"),
        pytest.param(lambda: dates.add("2024-01-31", days=10**12), id="overflow"),
        pytest.param(lambda: dates.add("2024-01-31", days=1.5), id="half a day"),  # type: ignore[arg-type]  # the same
        pytest.param(lambda: dates.parse("30.02.2024", "%d.%m.%Y"), id="no such day"),
        pytest.param(lambda: dates.parse("2023-366", "%Y-%j"), id="no such day of the year"),
        pytest.param(lambda: dates.parse("1.2", "%d.%d"), id="a part twice"),
        pytest.param(lambda: dates.parse("1.2.24 ", "%d.%m.%y"), id="more than the pattern"),
        pytest.param(lambda: dates.from_epoch(1 << 60), id="seconds beyond the calendar"),
        pytest.param(lambda: dates.utc("0001-01-01T00:00:00+02:00"), id="before the calendar"),
        pytest.param(lambda: dates.diff("2024-01-01", "2024-01-02", "weeks"), id="unit"),
        pytest.param(lambda: dates.from_ad_filetime(-1), id="negative file time"),
        pytest.param(lambda: dates.from_ad_filetime((1 << 63) - 2), id="file time beyond the calendar"),
    ],
)
def test_what_is_no_date_is_a_value_error(call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=r"\w"):
        call()


@given(st.datetimes().map(lambda moment: moment.replace(microsecond=0)))
def test_what_is_formatted_is_parsed_again(moment: datetime) -> None:
    pattern = "%d.%m.%Y %H:%M:%S"

    assert dates.parse(dates.format(moment.isoformat(), pattern), pattern) == moment.isoformat()
    assert dates.format(moment.isoformat(), "%y %j %Y") == f"{moment.year % 100:02} {moment:%j} {moment.year:04}"


@given(st.integers(1, (1 << 63) - 2))
def test_a_file_time_comes_back_to_ten_steps(value: int) -> None:
    try:
        text = dates.from_ad_filetime(value)
    except ValueError:
        return

    assert dates.to_ad_filetime(text) == value // 10 * 10


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_epoch_comes_back(seconds: int) -> None:
    assert dates.epoch(dates.from_epoch(seconds)) == seconds
