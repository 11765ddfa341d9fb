"""Cells and averages that the atmosphere, or the training data, does not hold."""

import numpy as np
import pytest
import xarray as xr

from weather.checking.preflight import inspect

LAT, LON = np.linspace(50, 40, 6), np.linspace(0, 14, 8)
NORMAL = {"msl": (101000.0, 800.0), "t500": (252.0, 5.0), "t850": (280.0, 5.0)}


@pytest.fixture
def weather():
    rng = np.random.default_rng(0)
    t = np.array([252.0, 280.0])[:, None, None] + rng.normal(size=(3, 2, 6, 8))
    msl, u10 = 101000 + 300 * rng.normal(size=(3, 6, 8)), 5 * rng.normal(size=(3, 6, 8))
    surface = ("time", "lat", "lon")
    return xr.Dataset(
        {
            "t": (("time", "level", "lat", "lon"), t, {"units": "K"}),
            "msl": (surface, msl, {"units": "Pa"}),
            "u10": (surface, u10, {"units": "m s-1"}),
            "tp": (surface, np.abs(u10) / 1e4, {"units": "m"}),
        },
        {
            "time": np.datetime64("2001-01-01", "ns") + np.arange(3) * np.timedelta64(1, "D"),
            "level": [500.0, 850.0],
            "lat": LAT,
            "lon": LON,
        },
    )


def only(report, severity):
    (finding,) = report.of("warning", "refused")
    assert finding.severity == severity, finding
    return finding.text


def test_scores_are_deviations_in_training_standard_deviations(weather):
    report = inspect(weather, normal=NORMAL)
    assert report.severity == "ok"
    scores = {field.name: field.score for field in report.fields}
    assert scores["u10"] is None
    means = weather.t.mean(("lat", "lon")).values
    expected = np.abs((means - [252.0, 280.0]) / 5).max()
    assert scores["t"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("shift", "severity"), [(-40.0, "warning"), (-110.0, "refused")])
def test_averages_far_from_training_data(shift, severity, weather):
    weather["t"][:, 1] += shift
    weather["t"][1, 1, 2, 3] -= 10
    text = only(inspect(weather, normal=NORMAL), severity)
    assert text.startswith("t850 averages")
    assert "farthest at 46 N 6 E, 850 hPa, 2001-01-02T00:00" in text
    assert "about 280 as in training" in text
    assert "check its unit" in text


def test_a_lonely_cell_is_named(weather):
    weather["t"][1, 0, 2, 3] = 130.0
    text = only(inspect(weather, normal=NORMAL), "warning")
    assert "t reaches 130 at 46 N 6 E, 500 hPa, 2001-01-02T00:00" in text
    assert "24.4 standard deviations off" in text


@pytest.mark.parametrize("value", [9.96921e36, -9999.0, -1e20])
@pytest.mark.parametrize("name", ["t", "msl", "u10", "tp"])
def test_fill_values_are_recognized(name, value, weather):
    weather[name][2, ..., 5, 0] = value
    text = only(inspect(weather), "refused")
    assert text.startswith(f"{name} reaches")
    assert "at 40 N 0 E" in text
    assert "_FillValue" in text


def test_cells_beyond_the_atmosphere(weather):
    weather["msl"][0, 0, 0] = 120e3
    assert "msl reaches 120000 Pa at 50 N 0 E" in only(inspect(weather), "refused")


def test_rain_in_millimetres_is_only_a_warning(weather):
    weather["tp"] = weather.tp * 1000
    assert "check whether it is in mm" in only(inspect(weather), "warning")


def test_placeholders_and_stuck_records(weather):
    zero = weather.assign(u10=weather.u10 * 0)
    assert "u10 is zero everywhere" in only(inspect(zero), "warning")
    level = weather.assign(msl=weather.msl * 0 + 101325)
    assert "msl has one value everywhere" in only(inspect(level), "warning")
    stuck = weather.assign(u10=weather.u10 * 0 + weather.u10[0])
    assert "u10 is the same at all sampled times" in only(inspect(stuck), "warning")
