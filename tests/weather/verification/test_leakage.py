"""Dates that were seen are found, told, and refused."""

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.verification.leakage import leakage
from weather.verification.sample import training_period

DAY = np.timedelta64(24, "h")
BEFORE = np.datetime64("1990-01-01", "ns") + np.arange(100) * DAY
MARCH = "2001-01-01T00:00..2001-03-01T00:00"


def forecast(**attributes: str) -> xr.Dataset:
    """Four forecasts, 1 to 10 March 2001, of one and two days."""
    initial = np.datetime64("2001-03-01", "ns") + np.arange(0, 12, 3) * DAY
    made = xr.Dataset(coords={"time": initial, "lead_time": [DAY, 2 * DAY]}, attrs=attributes)
    return made.assign_coords(valid_time=made["time"] + made["lead_time"])


def test_a_period_that_ends_where_forecasts_start_is_clean() -> None:
    found = leakage({"forecast": forecast(training_period=MARCH)}, BEFORE, "mean")
    assert (found.findings, found.unknown, found.stamp) == ((), (), "none")
    found.require_none()


@pytest.mark.parametrize(
    ("attribute", "purpose"),
    [
        ("training_period", "training and statistics"),
        ("validation_period", "validation"),
        ("earlier_period", "training of the model it was tuned from"),
        ("calibration_period", "calibration of the spread"),
    ],
)
def test_each_use_of_a_date_is_told(attribute: str, purpose: str) -> None:
    attributes = {"training_period": MARCH} | {attribute: "2001-03-05T00:00..2001-03-07T12:00"}
    found = leakage({"forecast": forecast(**attributes)}, BEFORE, "mean")
    assert found.stamp == f"LEAKAGE: forecast {purpose}"
    with pytest.raises(InputError, match=r"1 of 4 forecasts .* 2 of 8 are valid.*--allow-leakage"):
        found.require_none()


def test_forecasts_that_only_end_in_the_period_are_found() -> None:
    made = forecast(training_period="2001-03-12T00:00..2002-01-01T00:00")
    (finding,) = leakage({"forecast": made}, BEFORE, "mean").findings
    assert "0 of 4 forecasts start, and 1 of 8 are valid" in finding.text


def test_several_periods() -> None:
    text = "1999-01-01T00:00..2000-01-01T00:00, 2001-03-01T00:00..2001-03-02T00:00"
    found = leakage({"a": forecast(training_period=text)}, BEFORE, "mean")
    assert len(found.findings) == 1


def test_a_file_that_says_nothing_is_not_called_clean() -> None:
    models = {"forecast": forecast(training_period=MARCH), "other": forecast()}
    found = leakage(models, BEFORE, "mean")
    assert found.stamp == "training period of other unknown"
    found.require_none()


def test_the_days_of_the_climatology_count_one_by_one() -> None:
    """A climatology of the years around the test is fine, one day of it is not."""
    around = np.concatenate([BEFORE, np.datetime64("2002-01-01", "ns") + np.arange(50) * DAY])
    model = {"forecast": forecast(training_period=MARCH)}
    assert leakage(model, around, "mean").stamp == "none"
    inside = np.concatenate([around, [np.datetime64("2001-03-11T18", "ns")]])
    found = leakage(model, np.sort(inside), "daily")
    assert found.stamp == "LEAKAGE: climatology"
    with pytest.raises(InputError, match=r"overlaps the forecasts: 1 of their 12 days"):
        found.require_none()


def test_the_usual_period_of_the_climatology_is_clean_at_any_hour() -> None:
    times = np.datetime64("2001-02-01", "ns") + np.arange(160) * DAY // 4
    analyses = xr.Dataset(coords={"time": times})
    for hour in (0, 6, 18):
        made = forecast(training_period=MARCH)
        start = np.timedelta64(hour, "h")
        made = made.assign_coords(time=made["time"] + start, valid_time=made["valid_time"] + start)
        fitted_on = training_period(analyses, made)["time"].values
        assert fitted_on[-1] == np.datetime64("2001-02-28T18")
        assert leakage({"forecast": made}, fitted_on, "mean").stamp == "none"
