"""Dates mean the same however ISO 8601 lets users write them; others are refused."""

import numpy as np
import pytest

from sciml.errors import InputError
from weather.dates import interval, moment, span


@pytest.mark.parametrize(
    "text",
    [
        "2000-04-20T00", "2000-04-20", "20000420", "20000420T00", "20000420T0000", "2000042000",
        "200004200000", "20000420T000000", "2000-04-20 00:00:00", "2000-04-20T00:00Z",
        "20000420T00Z", "2000-04-20Z", "2000-04-20T02:00+02:00", "20000420T0200+0200",
        "2000-04-19T20-04", "2000-04-20T05:30+05:30", " 2000-04-20T00:00:00.000 ",
    ],
)  # fmt: skip
def test_one_time_in_many_spellings(text: str) -> None:
    assert moment(text) == np.datetime64("2000-04-20T00", "ns")
    assert moment(text).dtype == "datetime64[ns]"


@pytest.mark.parametrize(
    "text",
    ["", "200004", "2000-4-20", "20000-04-20", "+20000420", "2000-13-01", "20000230", "1677-01-01",
     "2262", "2000-04-20T25", "2000-04-20T00+24:00", "20000420T00-0060", "spring", "NaT",
     "2000-W16", "today", "20/04/2000", "4.20e8"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"cannot read the time .*; give it as 2001-01-01T00"):
        moment(text)


@pytest.mark.parametrize("text", ["1677-01-01", "2262", "15000101T00Z"])
def test_years_out_of_range_are_told(text: str) -> None:
    reason = "years go from 1678 to 2261; give"
    with pytest.raises(InputError, match=f"cannot read the time '{text}': {reason}"):
        moment(text)
    with pytest.raises(InputError, match=f"cannot read 2000 to {text}: {reason}"):
        interval("data.train", ("2000", text))
    with pytest.raises(InputError, match=r"cannot read the time '2000-13'; give"):
        moment("2000-13")


def test_fractions_of_a_second() -> None:
    half = np.datetime64("2001-06-01T06:30:15.5", "ns")
    for text in ("2001-06-01T06:30:15.5", "20010601T063015.500Z", "2001-06-01 08:30:15.50+02:00"):
        assert moment(text) == half
    assert moment("2001-06-01T06:30:15.1234567899") - half == np.timedelta64(-376543211, "ns")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2000", "2001-01-01"), ("2000-02", "2000-03-01"), ("2000-12", "2001-01-01"),
        ("2000-02-28", "2000-02-29"), ("20001231", "2001-01-01"),
        ("2000-01-01T05", "2000-01-01T06"), ("20000101T0559", "2000-01-01T06"),
        ("2000-01-01T05+02:00", "2000-01-01T04"),
    ],
)  # fmt: skip
def test_a_date_lasts_as_long_as_its_last_unit(text: str, end: str) -> None:
    assert span(text)[1] == np.datetime64(end, "ns")


def test_a_period_has_all_of_its_last_year() -> None:
    whole = interval("data.train", ("2000-01-01", "2006-12-31"))
    for dates in (("2000", "2006"), ("2000-01", "2006-12"), ("20000101", "20061231")):
        assert interval("data.train", dates) == whole
    with pytest.raises(InputError, match=r"data.train ends before it starts: 2001..2000"):
        interval("data.train", ("2001", "2000"))
    with pytest.raises(InputError, match=r"data.train: cannot read 2000 to 20061; give dates as"):
        interval("data.train", ("2000", "20061"))
