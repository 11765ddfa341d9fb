"""The climatology recovers the cycles that made the data."""

from pathlib import Path

import numpy as np
import pytest

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis
from weather.verification.climatology import Climatology, ClimatologyFit, suitable_kind
from weather.verification.gaps import Gaps

HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(24, "h")
KINDS = ("daily", "seasonal", "mean")


def days(first: str, count: int, step: np.timedelta64 = DAY) -> np.ndarray:
    return np.datetime64(first, "ns") + np.arange(count) * step


def year_phase(times: np.ndarray) -> np.ndarray:
    year = times.astype("datetime64[Y]")
    return 2 * np.pi * ((times - year) / ((year + 1).astype(times.dtype) - year))


@pytest.mark.parametrize("kind", ["daily", "seasonal"])
def test_the_cycles_of_year_and_day_are_recovered(kind: str) -> None:
    times = days("2001-01-01", 4 * 365 * 4, 6 * HOUR)
    hour = (times - times.astype("datetime64[D]")) / HOUR
    phase = year_phase(times)
    cycle = 3 + 2 * np.cos(phase) - np.sin(2 * phase) + np.where(hour == 12, np.sin(phase), 0)
    fields = cycle[:, None, None] * np.ones((2, 3))
    climatology = Climatology.fit(times, fields, kind)
    np.testing.assert_allclose(climatology.at(times[::97]), fields[::97], atol=1e-9)
    assert climatology.at(times[:6].reshape(2, 3)).shape == (2, 3, 2, 3)
    with pytest.raises(InputError, match="no 03 UTC, only 00, 06, 12, 18"):
        climatology.at(np.array([np.datetime64("2003-01-01T03", "ns")]))


def test_the_window_lets_a_fast_cycle_pass_as_its_transform_says() -> None:
    """A wave of 73 / k pentads keeps Σ w cos(2 π k s / 73) / Σ w of its height."""
    times, k = days("2001-01-01", 8 * 365, DAY), 6
    wave = np.cos(k * year_phase(times))[:, None, None] * np.ones((1, 1))
    climatology = Climatology.fit(times, wave, "daily")
    shifts = np.arange(-5, 6)
    weights = 1 - np.abs(shifts) / 6
    kept = (weights * np.cos(2 * np.pi * k * shifts / 73)).sum() / weights.sum()
    found = climatology.at(times)[:, 0, 0]
    slope = (found * wave[:, 0, 0]).sum() / (wave**2).sum()
    assert slope == pytest.approx(kept, rel=0.1)  # pentads and their interpolation smooth as well
    assert kept < 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_make_the_same_climatology(kind: str) -> None:
    times = days("2001-01-01", 3000, 12 * HOUR)
    fields = np.random.default_rng(0).normal(1e5, 1e3, (3000, 2, 3)).astype(np.float32)
    whole, fit = Climatology.fit(times, fields, kind), ClimatologyFit(kind)
    for first in range(0, 3000, 131):
        fit.add(times[first : first + 131], fields[first : first + 131])
    np.testing.assert_allclose(fit.result().at(times[:50]), whole.at(times[:50]), rtol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_value_is_as_if_its_time_were_not_there(kind: str) -> None:
    """Of some times one cell is lost, of some another, of one the whole field, always one."""
    times = days("2001-01-01", 3000, 12 * HOUR)
    fields = np.random.default_rng(0).normal(1e5, 1e3, (3000, 2, 3)).astype(np.float32)
    lost = np.zeros(fields.shape, bool)
    lost[:900, 0, 0], lost[1000::7, 0, 1], lost[500], lost[:, 1, 2] = True, True, True, True
    lost[4:, 1, 1] = True
    fit, holed = ClimatologyFit(kind), np.where(lost, np.nan, fields)
    for first in range(0, 3000, 400):
        fit.add(times[first : first + 400], holed[first : first + 400])
    found, wanted = fit.result(), days("2003-02-05", 40, 60 * HOUR)
    for row, column in ((0, 0), (0, 1), (0, 2), (1, 0)):
        known = ~lost[:, row, column]
        alone = Climatology.fit(times[known], fields[known, row, column], kind)
        np.testing.assert_allclose(found.at(wanted)[:, row, column], alone.at(wanted), rtol=1e-9)
    assert np.isnan(found.at(wanted)[:, 1, 2]).all()  # never there
    assert np.isnan(found.at(wanted)[:, 1, 1]).all() == (kind != "mean")  # twice at each hour


def test_land_without_sea_temperature_takes_no_memory_of_its_own() -> None:
    gaps, terms, pentad = Gaps(1, 2, 3), np.ones((4, 1)), np.array([0, 0, 1, 1])
    so_far = np.zeros((1, 1)), np.zeros((2, 1))
    missing = np.array([[False, True, False]] * 4)
    gaps.add(missing, terms, pentad, so_far)
    assert gaps.never.tolist() == [False, True, False]
    assert not len(gaps.cells)
    so_far = np.full((1, 1), 4.0), np.full((2, 1), 2.0)
    gaps.add(missing & (np.arange(4) < 3)[:, None], terms, pentad, so_far)  # a lake that thaws
    assert gaps.cells.tolist() == [1]
    assert gaps.square.ravel().tolist() == [7]
    assert gaps.pentad_terms.ravel().tolist() == [4, 3]


@pytest.mark.parametrize("kind", KINDS)
def test_no_climatology_of_seasons_that_were_not_seen(kind: str) -> None:
    """Winters, over New Year, with three weeks lost in between: these are bridged."""
    times = days("2001-01-01", 8 * 365)
    day = np.round(year_phase(times) / (2 * np.pi) * 365)
    winter = (day <= 31) | ((day > 51) & (day <= 90)) | (day >= 335)
    fields = np.cos(year_phase(times))[:, None]
    climatology = Climatology.fit(times[winter], fields[winter], kind)
    wanted = days("2009-01-01", 365)
    known = climatology.covers(wanted)
    expected = np.ones(365, bool)
    expected[91:334] = kind == "mean"
    assert (known != expected).sum() <= 2  # leap days shift a day of the year
    found = climatology.at(wanted)[:, 0]
    np.testing.assert_array_equal(np.isfinite(found), known)
    if kind != "mean":
        np.testing.assert_allclose(found[known], np.cos(year_phase(wanted))[known], atol=1e-6)
        assert not climatology.covers(wanted + 3 * HOUR).any()
    assert Climatology.fit(times, fields, kind).covers(wanted).all()


def test_mean_climatology_is_the_mean() -> None:
    fields = np.random.default_rng(0).standard_normal((10, 2, 3))
    climatology = Climatology.fit(days("2001-01-01", 10), fields, "mean")
    expected = np.broadcast_to(fields.mean(0), (2, 2, 3))
    np.testing.assert_allclose(climatology.at(days("2009-05-05T07", 2)), expected, rtol=1e-12)


def test_levels_and_rows_are_parts_of_the_whole() -> None:
    fields = np.random.default_rng(0).standard_normal((2000, 3, 4, 5))
    times = days("2001-01-01", 2000)
    climatology, wanted = Climatology.fit(times, fields, "daily"), times[7:9]
    whole = climatology.at(wanted)
    np.testing.assert_array_equal(climatology.level(2).at(wanted), whole[:, 2])
    np.testing.assert_array_equal(climatology.rows(slice(1, 3)).at(wanted), whole[:, :, 1:3])


def test_the_kind_follows_the_length_of_the_record() -> None:
    assert suitable_kind(days("2000-01-01", 10 * 366)) == "daily"
    assert suitable_kind(days("2000-01-01", 366 + 365 + 365)) == "seasonal"
    assert suitable_kind(days("2000-01-01", 500)) == "mean"


def test_the_cycle_of_the_year_on_years_that_were_not_seen(shared_data: Path) -> None:
    """Temperature in Iberia needs no more than two harmonics; the window costs it nothing."""
    name = "ncep_r1_iberia_2p5deg_daily_1961-2000.nc"
    data = open_reanalysis(shared_data / "weather" / name)["t2m"]
    past, test = data.sel(time=slice("1961", "1990")), data.sel(time=slice("1991", "2000"))
    errors = {}
    for kind in KINDS:
        expected = Climatology.fit(past.time.values, past.values, kind).at(test.time.values)
        errors[kind] = float(((test.values - expected) ** 2).mean())
    assert errors["daily"] == pytest.approx(errors["seasonal"], rel=0.01)
    assert errors["daily"] < 0.3 * errors["mean"]
