"""What goes in comes back: files of many layouts, a model that changes nothing."""

import numpy as np
import pytest
import torch
import xarray as xr

from weather.files.forecasts import open_forecast
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecast_file import write_forecast
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.forecasting.planner import plan
from weather.grid import LatLonGrid
from weather.models.graph import GraphConfig
from weather.models.model import ModelConfig
from weather.training.data import all_variables

START = [np.datetime64("2001-01-03T00"), np.datetime64("2001-01-05T12")]
SIX_HOURLY = plan([21600], [21600, 43200])


def climate_data_store(waves):
    """The new NetCDF layout of the CDS."""
    return (
        waves.astype("float32")
        .rename(time="valid_time", level="pressure_level")
        .isel(pressure_level=slice(None, None, -1))
        .assign_coords(number=0)
    )


def weatherbench(waves):
    """South to north, (longitude, latitude), long names."""
    flipped = waves.astype("float32").isel(latitude=slice(None, None, -1))
    names = {"z": "geopotential", "t": "temperature", "msl": "mean_sea_level_pressure"}
    return flipped.rename(names).transpose(..., "longitude", "latitude")


def reanalysis_1(waves):
    """NCEP/NCAR: heights in metres, degC, hPa, -180..180, levels in Pa."""
    data = waves.rename(level="lev", latitude="lat", longitude="lon", z="hgt", t="air", msl="slp")
    data["hgt"] = (data["hgt"] / 9.80665).assign_attrs(units="m", long_name="Height")
    data["air"] = (data["air"] - 273.15).assign_attrs(units="degC")
    data["slp"] = (data["slp"] / 100).assign_attrs(units="millibars")
    data["lev"] = ("lev", (data["lev"].values * 100).astype("int32"), {"units": "Pa"})
    lon = data["lon"].assign_attrs(units="degrees_east")
    data = data.assign_coords(lon=((lon + 180) % 360 - 180).assign_attrs(lon.attrs)).sortby("lon")
    return data.isel(lev=[1, 0])


def as_it_was(waves):
    """ERA5 short names, double precision."""
    return waves


def ensemble(waves):
    """Three members, numbered."""
    members = [(waves[["z", "t", "msl"]] * (1 + 1e-4 * n)).astype("float32") for n in range(3)]
    both = xr.concat(members, xr.Variable("number", [0, 5, 9]))
    for name in both.data_vars:
        both[name].attrs["units"] = waves[name].attrs["units"]
    return both.transpose("time", "number", ...)


LAYOUTS = (as_it_was, climate_data_store, weatherbench, reanalysis_1, ensemble)


@pytest.fixture(params=LAYOUTS, ids=lambda layout: layout.__name__)
def source(request, waves, tmp_path):
    """A file of analyses in some layout."""
    path = tmp_path / "analyses.nc"
    request.param(waves).to_netcdf(path)
    return path


@pytest.fixture
def persistence(make_forecaster):
    """A model under which nothing changes."""
    forecaster = make_forecaster(6)
    for statistics in forecaster.model.statistics.values():
        statistics.change.zero_()
    return forecaster


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_a_forecast_of_persistence_is_the_file_it_came_from(source, persistence, suffix, tmp_path):
    path = tmp_path / f"forecast{suffix}"
    write_forecast(persistence, open_reanalysis(source), START[:1], SIX_HOURLY, path)
    engine = "zarr" if suffix == ".zarr" else None
    with xr.open_dataset(source) as analyses, xr.open_dataset(path, engine=engine) as forecast:
        times = [name for name in analyses.dims if analyses[name].dtype.kind == "M"]
        (time,) = times
        valid = START[0] + np.array([6, 12]).astype("timedelta64[h]")
        np.testing.assert_array_equal(forecast[time], valid)
        for name in analyses.coords.keys() - {time, "number"}:
            np.testing.assert_array_equal(forecast[name], analyses[name])
            assert forecast[name].dtype == analyses[name].dtype
        if "number" in analyses.dims:
            np.testing.assert_array_equal(forecast["number"], analyses["number"])
        on_time = [name for name in analyses.data_vars if time in analyses[name].dims]
        for name in on_time:
            ours, theirs = forecast[name], analyses[name].sel({time: START[0]})
            assert ours.dims == analyses[name].dims
            assert ours.dtype == theirs.dtype
            assert ours.attrs == analyses[name].attrs
            exact = theirs.dtype == np.float32
            rounding = 2e-5 if theirs.attrs["units"] == "degC" else 0  # of kelvin in float32
            for lead in range(2):
                values = ours.isel({time: lead}).values
                np.testing.assert_allclose(
                    values, theirs.values, rtol=0 if exact else 2e-7, atol=rounding
                )


@pytest.mark.parametrize("layout", ["input", "cf", "wb2"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_forecast_is_read_as_it_was_made(layout, number, source, make_forecaster, tmp_path):
    """`open_forecast` gives the fields of every layout back, in SI units and one order."""
    analyses, path = open_reanalysis(source), tmp_path / "forecast.nc"
    forecaster = make_forecaster(6)
    write_forecast(forecaster, analyses, START[:number], SIX_HOURLY, path, layout=layout)
    expected = forecaster.forecast(analyses, START[:number], 2)
    expected = expected.rename(latitude="lat", longitude="lon")
    read = open_forecast(path)
    for name in ("time", "lead_time", "valid_time", "level"):
        np.testing.assert_array_equal(read[name], expected[name])
    for name in ("lat", "lon"):
        np.testing.assert_allclose(read[name], expected[name], atol=1e-9)
    for name in ("msl", "z", "t"):
        ours = read[name].transpose(*expected[name].dims)
        np.testing.assert_allclose(ours.values, expected[name].values, rtol=3e-7)
        assert read[name].attrs["units"] == expected[name].attrs["units"]
        members = ("member",) if "member" in expected.dims else ()
        level = ("level",) if name != "msl" else ()
        assert read[name].dims == ("time", "lead_time", *members, *level, "lat", "lon")


@pytest.mark.parametrize("layout", ["input", "cf", "wb2"])
def test_one_lead_time_is_read_as_analyses(layout, source, make_forecaster, tmp_path):
    analyses, path = open_reanalysis(source), tmp_path / "forecast.nc"
    forecaster = make_forecaster(6)
    write_forecast(forecaster, analyses, START, SIX_HOURLY, path, layout=layout)
    with xr.open_dataset(path) as written:
        lead = "prediction_timedelta" if layout == "wb2" else "lead_time"
        written.isel({lead: 1}).to_netcdf(tmp_path / "later.nc")
    read = open_reanalysis(tmp_path / "later.nc")
    expected = forecaster.forecast(analyses, START, 2).isel(lead_time=1)
    expected = expected.rename(latitude="lat", longitude="lon")
    np.testing.assert_array_equal(read["time"], expected["valid_time"])
    for name in ("msl", "z", "t"):
        ours = read[name].transpose(*expected[name].dims)
        np.testing.assert_allclose(ours, expected[name], rtol=3e-7)


def test_plots_and_scores_of_members_are_those_of_the_mean(waves, make_forecaster, tmp_path):
    ensemble(waves).to_netcdf(tmp_path / "analyses.nc")
    analyses, forecaster = open_reanalysis(tmp_path / "analyses.nc"), make_forecaster(6)
    write_forecast(forecaster, analyses, START, SIX_HOURLY, tmp_path / "f.zarr")
    mean = open_forecast(tmp_path / "f.zarr").mean("member", keep_attrs=True)
    one = forecaster.forecast(analyses, START, 2).mean("member")
    np.testing.assert_allclose(mean["msl"], one["msl"], rtol=1e-6)
    assert mean["msl"].attrs["units"] == "Pa"


@pytest.mark.parametrize(
    "name",
    [
        "era5_tl31_37levels_19590102T00.nc",  # (level, longitude, latitude), south to north
        "ncep_r1_2p5deg_hgt_1960.nc",  # heights in metres
        "merra2_h_500_1000_19870909.nc4",  # a region, -180..180
    ],
)
def test_real_files_come_back(name, shared_data, tmp_path):
    source, path = shared_data / "weather" / "snapshots" / name, tmp_path / "forecast.nc"
    analyses = open_reanalysis(source)
    variables = all_variables(analyses, ())
    backbone = GraphConfig(dim=4, steps=1, refinements=1)
    config = ForecasterConfig(
        model=ModelConfig(backbone=backbone),
        variables=variables.model_copy(update={"static": ()}),
        grid=LatLonGrid.from_dataset(analyses),
        step_hours=6,
    )
    model = config.build()
    for key, statistics in model.statistics.items():
        statistics.mean.copy_(torch.as_tensor(float(analyses[key].mean())))
        statistics.std.fill_(float(np.abs(analyses[key]).max()))
        statistics.change.zero_()
    write_forecast(Forecaster(model, config, {}), analyses, analyses.time.values[:1],
                   plan([21600], [21600]), path)  # fmt: skip
    with xr.open_dataset(source) as before, xr.open_dataset(path) as after:
        fields = [key for key in after.data_vars if key in before]
        assert len(fields) == len(variables.surface) + len(variables.upper)
        for key in fields:
            ours, theirs = after[key], before[key]
            assert ours.dims == (theirs.dims if "time" in theirs.dims else ("time", *theirs.dims))
            assert ours.dtype == theirs.dtype
            first = theirs.isel(time=0) if "time" in theirs.dims else theirs
            np.testing.assert_allclose(ours.isel(time=0).values, first.values, rtol=2e-7)
            for dim in first.dims:
                np.testing.assert_array_equal(after[dim], before[dim])
