"""Boundary data at any time they cover, from analyses and from driving forecasts."""

import numpy as np
import pytest
import torch
import xarray as xr

from sciml.errors import InputError
from weather.files.forecasts import open_either, open_forecast
from weather.files.reanalysis import open_reanalysis, to_state
from weather.forecasting.boundary import Boundary
from weather.grid import LatLonGrid
from weather.state import seconds
from weather.variables import Variables

VARIABLES = Variables(surface=("msl",), upper=("z",), levels=(850,))
START = np.datetime64("2001-01-01T00", "ns")
HOUR = np.timedelta64(1, "h")
AREA = LatLonGrid(lat=tuple(np.linspace(78.75, -78.75, 8)[1:7]), lon=tuple(22.5 * np.arange(-4, 3)))


def times(*hours):
    return np.array([START + hour * HOUR for hour in hours])


@pytest.fixture(scope="module")
def forecasts_file(waves, tmp_path_factory):
    """Two runs, 24 h apart, of a model that is 1000 Pa too high after the first."""
    lead = np.arange(6, 49, 6)
    runs = []
    for first in (0, 24):
        run = waves.sel(time=times(*(first + lead))).assign_coords(time=lead * HOUR)
        run = run.drop_vars("z_surface").rename(time="lead_time")
        runs.append(run.assign(msl=run.msl + (1000 if first else 0)))
    path = tmp_path_factory.mktemp("driving") / "forecasts.nc"
    xr.concat(runs, "time").assign_coords(time=times(0, 24)).to_netcdf(path)
    return path


def boundary(dataset, width=2, **options):
    return Boundary(dataset, AREA, VARIABLES, width, **options)


def test_a_globe_gives_an_area_its_own_cells_across_the_meridian(waves_file):
    globe = open_reanalysis(waves_file)
    given = boundary(globe).at(seconds(times(6, 30)), seconds(times(0, 0)))
    assert given.grid == AREA
    assert np.array_equal(given.datetimes()[:, 0], times(6, 30))
    whole = to_state(globe, VARIABLES)
    columns = [*range(12, 16), *range(3)]
    assert torch.equal(given.surface[:, 0], whole.surface[0, [1, 5], :, 1:7][..., columns])
    assert torch.equal(given.upper[:, 0], whole.upper[0, [1, 5], :, :, 1:7][..., columns])


def test_times_between_are_interpolated_linearly(waves_file):
    data = boundary(open_reanalysis(waves_file))
    start = seconds(times(0))
    before, between, after = (data.at(seconds(times(hour)), start) for hour in (6, 8, 12))
    torch.testing.assert_close(between.surface, before.surface * 2 / 3 + after.surface / 3)
    torch.testing.assert_close(between.upper, before.upper * 2 / 3 + after.upper / 3)


def test_a_gap_is_named_before_anything_is_computed(waves, tmp_path):
    waves.isel(time=[0, 1, 2, 4, 5]).to_netcdf(tmp_path / "gap.nc")
    data = boundary(open_reanalysis(tmp_path / "gap.nc"))
    data.require(times(0), np.arange(1, 13) * HOUR)
    with pytest.raises(InputError, match="no boundary data for 2001-01-01T18:00"):
        data.require(times(0), np.arange(6, 25, 6) * HOUR)
    with pytest.raises(InputError, match="no boundary data for 2001-01-02T12:00"):
        data.require(times(30), np.array([6]) * HOUR)


def test_each_forecast_takes_the_latest_run_that_began_by_then(forecasts_file, waves_file):
    data = boundary(open_either([forecasts_file]))
    truth = boundary(open_either([waves_file]))
    given = data.at(seconds(times(36, 36, 36)), seconds(times(18, 24, 30)))
    true = truth.at(seconds(times(36, 36, 36)), seconds(times(18, 24, 30)))
    excess = (given.surface - true.surface).mean(dim=(1, 2, 3, 4))
    torch.testing.assert_close(excess, torch.tensor([0.0, 1000.0, 1000.0]), atol=0.1, rtol=0)
    assert torch.equal(given.upper, true.upper)
    data.require(times(0, 24), np.array([6, 48]) * HOUR)
    with pytest.raises(InputError, match="no boundary data for 2001-01-03T06:00"):
        data.require(times(6), np.array([48]) * HOUR)
    with pytest.raises(InputError, match="no boundary forecast begins by 2000-12-31T12:00"):
        data.require(times(-12), np.array([24]) * HOUR)
    assert open_forecast(forecasts_file).sizes["time"] == 2


def test_only_the_frame_must_have_values_but_for_masks(waves, tmp_path):
    inner = {"lat": AREA.lat[2:4], "lon": np.array(AREA.lon[2:5]) % 360}
    hollow = ~(waves.latitude.isin(inner["lat"]) & waves.longitude.isin(inner["lon"]))
    ring = waves.assign(msl=waves.msl.where(hollow).assign_attrs(units="Pa"))
    ring.to_netcdf(tmp_path / "ring.nc")
    dataset = open_reanalysis(tmp_path / "ring.nc")
    now = seconds(times(6)), seconds(times(0))
    assert boundary(dataset).at(*now).surface.isnan().sum() == 6
    north = dataset.assign(msl=dataset.msl.where(dataset.lat < 50))
    with pytest.raises(InputError, match="boundary data: msl is NaN"):
        boundary(north).at(*now)
    mask = torch.zeros(AREA.shape, dtype=torch.bool)
    mask[0] = True
    assert boundary(north, masks={"msl": mask}).at(*now).surface.isnan().sum() == 6 + 7


def test_data_that_do_not_hold_the_area(waves, tmp_path):
    waves.isel(longitude=slice(1, None, 2)).to_netcdf(tmp_path / "coarse.nc")
    with pytest.raises(InputError, match="do not hold the model's cells"):
        boundary(open_reanalysis(tmp_path / "coarse.nc"))
    waves.drop_vars("z").to_netcdf(tmp_path / "dry.nc")
    with pytest.raises(InputError, match="no variable 'z'"):
        boundary(open_reanalysis(tmp_path / "dry.nc"))
