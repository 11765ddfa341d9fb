"""Forecasts in files: what they hold, and that an interrupted run ends as an unbroken one."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.files.layout import FieldLayout, Layout
from weather.forecasting import job
from weather.forecasting.boundary import Boundary
from weather.forecasting.forecast_file import write_forecast
from weather.forecasting.planner import plan
from weather.grid import LatLonGrid

HOUR = 3600
START = [np.datetime64("2001-01-03T00"), np.datetime64("2001-01-05T12")]
SIX_HOURLY = plan([6 * HOUR], [6 * HOUR, 12 * HOUR, 18 * HOUR])
OWN = Layout(
    dims={"time": "time", "level": "plev", "lat": "lat", "lon": "lon"},
    lat=tuple(np.linspace(-78.75, 78.75, 8).tolist()),
    lon=tuple(((np.arange(16) * 22.5 + 180) % 360 - 180).tolist()),
    level=(85000.0, 50000.0),
    level_units="Pa",
    fields={"z": FieldLayout(name="hgt", dims=("time", "level", "lon", "lat"), units="m")},
)


class Stopped(Exception):
    """Raised in mid-run."""


def stop_after(steps):
    def on_step(done, of):
        if done == steps:
            raise Stopped

    return on_step


def opened(path):
    engine = "zarr" if path.suffix == ".zarr" else None
    with xr.open_dataset(path, engine=engine) as dataset:
        return dataset.load()


def in_order(dataset):
    """Dimensions of the fields, before history and hashes."""
    return {str(name): field.dims for name, field in dataset.data_vars.items()}


@pytest.fixture
def one_by_one(monkeypatch):
    """Batches of one initial time."""
    monkeypatch.setattr(job, "_MOST", 1)


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize("layout", ["cf", "wb2"])
def test_the_file_holds_the_forecast(suffix, layout, forecaster, analyses, tmp_path, one_by_one):
    steps, path = [], tmp_path / f"forecast{suffix}"
    write_forecast(
        forecaster, analyses, START, SIX_HOURLY, path, layout=layout,
        on_step=lambda done, of: steps.append((done, of)),
    )  # fmt: skip
    assert steps == [(done, 6) for done in range(7)]
    expected, written = forecaster.forecast(analyses, START, 3), opened(path)
    names = {
        "cf": ("msl", "z", "t"),
        "wb2": ("mean_sea_level_pressure", "geopotential", "temperature"),
    }
    for name, own in zip(names["cf"], names[layout], strict=True):
        np.testing.assert_allclose(written[own], expected[name], rtol=1e-6)
        assert written[own].attrs["units"] == expected[name].attrs["units"]
    initial, lead = written[names[layout][0]].dims[:2]
    np.testing.assert_array_equal(written[initial], expected["time"])
    np.testing.assert_array_equal(written[lead], expected["lead_time"])
    for name in ("level", "latitude", "longitude"):
        np.testing.assert_array_equal(written[name], expected[name])
    if layout == "cf":
        np.testing.assert_array_equal(written["valid_time"], expected["valid_time"])
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


def test_the_file_says_where_it_comes_from(make_forecaster, analyses, tmp_path):
    experts = [make_forecaster(6), make_forecaster(24)]
    experts[0].save(tmp_path / "6h.safetensors")
    spring, summer = ["2001-04-01T00:00", "2001-06-01T00:00"], ["1999-06-01", "1999-09-01"]
    experts[1].metadata |= {"periods": {"valid": spring}, "earlier": [summer, summer]}
    read = analyses.assign_attrs(history="waves.nc: z converted from m to m2 s-2")
    made = plan([6 * HOUR, 24 * HOUR], [6 * HOUR, 30 * HOUR])
    path = tmp_path / "forecast.nc"
    write_forecast(
        [type(experts[0]).load(tmp_path / "6h.safetensors", "cpu"), experts[1]],
        read, START, made, path, layout="cf", command="weather forecast ...",
    )  # fmt: skip
    written = opened(path)
    first, second = written.attrs["history"].splitlines()
    assert first == "waves.nc: z converted from m to m2 s-2"
    assert second.endswith("Z weather forecast ...")
    assert written.attrs["training_period"] == "2001-01-01T00:00..2001-01-02T00:00"
    assert written.attrs["validation_period"] == "2001-04-01T00:00..2001-06-01T00:00"
    assert written.attrs["earlier_period"] == "1999-06-01..1999-09-01"
    assert written.attrs["source"].startswith("weather forecast, time step 6 h and 24 h, trained")
    assert written.attrs["model"] == "6h.safetensors, the model"
    assert len(written.attrs["model_sha256"].split(", ")[0]) == 64
    assert written["model_calls"].values.tolist() == [1, 2]
    assert written["model_calls"].attrs["chain"] == "1x6 1x24+1x6"


def test_models_take_turns(make_forecaster, analyses, tmp_path):
    short, long = make_forecaster(6), make_forecaster(24)
    made = plan([6 * HOUR, 24 * HOUR], [24 * HOUR, 30 * HOUR])
    write_forecast([short, long], analyses, START[:1], made, tmp_path / "f.nc", layout="wb2")
    written = opened(tmp_path / "f.nc")["mean_sea_level_pressure"].values[0]
    state = long.initial(analyses, START[:1])
    (day,) = long.rollout(state, 1)
    (later,) = short.rollout(day, 1)
    np.testing.assert_array_equal(written[0], day.surface[0, 0, 0])
    np.testing.assert_array_equal(written[1], later.surface[0, 0, 0])


def test_models_that_do_not_go_together(make_forecaster, analyses, tmp_path):
    def write(*models, leads=(24, 30)):
        steps = [6 * HOUR, 24 * HOUR]
        made = plan(steps, [hours * HOUR for hours in leads])
        write_forecast(models, analyses, START, made, tmp_path / "f.nc", layout="cf")

    six, day = make_forecaster(6), make_forecaster(24)
    with pytest.raises(InputError, match="both step by 6 h; give one model"):
        write(six, make_forecaster(6))
    fewer = make_forecaster(24, dataset=analyses.drop_vars("t"))
    with pytest.raises(InputError, match="models that take turns need the same fields"):
        write(six, fewer)
    region = make_forecaster(24, dataset=analyses.isel(lat=slice(6)))
    with pytest.raises(InputError, match="models that take turns need the same grid"):
        write(six, region)
    with pytest.raises(InputError, match=r"sees 2 past states.*train with model.history 1"):
        write(make_forecaster(6, history=2), day)
    write(make_forecaster(6, history=2), day, leads=(24, 48))  # one model reaches these


@pytest.mark.parametrize("single", [True, False])
def test_the_own_layout_comes_back(single, forecaster, analyses, tmp_path):
    path, times = tmp_path / "f.nc", START[:1] if single else START
    write_forecast(forecaster, OWN.attach(analyses), times, SIX_HOURLY, path)
    written, expected = opened(path), forecaster.forecast(analyses, times, 3)
    leading = ("time",) if single else ("forecast_reference_time", "lead_time")
    assert written["hgt"].dims == (*leading, "plev", "lon", "lat")
    assert written["lat"].values.tolist() == list(OWN.lat)
    assert written["lon"].values.tolist() == list(OWN.lon)
    assert written["plev"].attrs["units"] == "Pa"
    there = {"level": 850, "latitude": -78.75, "longitude": 337.5}
    here = written["hgt"].sel(plev=85000, lat=-78.75, lon=-22.5)
    np.testing.assert_allclose(here * 9.80665, expected["z"].sel(there).squeeze(), rtol=1e-6)
    if single:
        np.testing.assert_array_equal(written["time"], expected["valid_time"][0])
        assert written["forecast_reference_time"].values == START[0]


def test_without_a_layout_of_its_own_the_file_follows_cf(forecaster, analyses, tmp_path):
    said = []
    bare = analyses.drop_attrs(deep=False)
    write_forecast(forecaster, bare, START, SIX_HOURLY, tmp_path / "f.nc", say=said.append)
    assert said == ["the data does not tell how its files were laid out: written in layout cf"]
    assert opened(tmp_path / "f.nc").attrs["Conventions"] == "CF-1.10"


def test_members_are_forecast_each(forecaster, analyses, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "_MOST", 4)  # batches across initial times
    other = analyses.assign(msl=analyses["msl"] + 50, z=analyses["z"] * 1.001)
    both = xr.concat([analyses, other], xr.Variable("member", [3, 7]), data_vars=["msl", "z"])
    path = tmp_path / "f.zarr"
    own = OWN.model_copy(update={"dims": OWN.dims | {"member": "number"}})
    write_forecast(forecaster, own.attach(both), START, SIX_HOURLY, path)
    written = opened(path)
    assert written["number"].values.tolist() == [3, 7]
    for number, alone in ((3, analyses), (7, other)):
        expected = forecaster.forecast(alone, START, 3)
        np.testing.assert_allclose(written["msl"].sel(number=number)[1, 2].max(),
                                   expected["msl"][1, 2].max(), rtol=1e-7)  # fmt: skip
    together = forecaster.forecast(both, START, 3)
    np.testing.assert_allclose(
        together["msl"].sel(member=7), forecaster.forecast(other, START, 3)["msl"], rtol=1e-6
    )


@pytest.mark.parametrize("steps", [1, 3, 4, 6])
@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_a_stopped_run_goes_on(steps, suffix, forecaster, analyses, tmp_path, one_by_one):
    """Stopped after the first step, at the end of a batch, within the next, at the end."""
    whole, broken = tmp_path / f"whole{suffix}", tmp_path / f"broken{suffix}"
    write_forecast(forecaster, analyses, START, SIX_HOURLY, whole, layout="cf")
    arguments = (forecaster, analyses, START, SIX_HOURLY, broken)
    with pytest.raises(Stopped):
        write_forecast(*arguments, layout="cf", on_step=stop_after(steps))
    assert not broken.exists()
    said, done = [], []
    write_forecast(
        *arguments, layout="cf", say=said.append, on_step=lambda step, of: done.append(step)
    )
    assert done == list(range(steps, 7))
    assert len(said) == 1
    assert said[0].startswith("continuing")
    xr.testing.assert_identical(
        opened(broken).drop_attrs(deep=False), opened(whole).drop_attrs(deep=False)
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [broken.name, whole.name]


def test_another_forecast_to_the_same_file_starts_afresh(forecaster, analyses, tmp_path):
    path, said = tmp_path / "f.nc", []

    def write(dataset=analyses, times=START, made=SIX_HOURLY, layout="cf", **options):
        write_forecast(
            forecaster, dataset, times, made, path, layout=layout, say=said.append, **options
        )

    changed = analyses.assign(msl=analyses["msl"] + 1)
    longer = plan([6 * HOUR], [6 * HOUR, 48 * HOUR])
    for options in (
        {"dataset": changed}, {"times": START[:1]}, {"made": longer}, {"layout": "wb2"}
    ):  # fmt: skip
        with pytest.raises(Stopped):
            write(on_step=stop_after(2))
        write(**options)
        path.unlink()
        assert len(said) == 1
        assert said.pop().startswith("starting afresh")


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_an_old_output_is_kept_until_the_new_one_is_whole(suffix, forecaster, analyses, tmp_path):
    path = tmp_path / f"f{suffix}"
    assert write_forecast(forecaster, analyses, START, SIX_HOURLY, path, layout="cf")
    old = opened(path)
    later = [time + np.timedelta64(6, "h") for time in START]
    arguments, options = (forecaster, analyses, later, SIX_HOURLY, path), {"layout": "cf"}
    with pytest.raises(InputError, match="a forecast with other initial times; give another"):
        write_forecast(*arguments, **options)
    with pytest.raises(Stopped):
        write_forecast(*arguments, **options, overwrite=True, on_step=stop_after(2))
    assert opened(path).identical(old)
    done = []
    write_forecast(
        *arguments, **options, overwrite=True, on_step=lambda step, of: done.append(step)
    )
    assert done[0] == 2  # the interrupted run went on
    np.testing.assert_array_equal(opened(path)["forecast_reference_time"], later)


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_the_same_forecast_is_not_made_again(suffix, forecaster, analyses, tmp_path):
    path, done = tmp_path / f"f{suffix}", []

    def write(**options):
        return write_forecast(forecaster, analyses, START, SIX_HOURLY, path, layout="cf",
                              on_step=lambda *step: done.append(step), **options)  # fmt: skip

    assert write()
    done.clear()
    left = tmp_path / f".{path.name}.partial"
    left.mkdir()  # of a run that was killed after its output was whole
    assert not write()
    assert done == []
    assert not left.exists()
    assert write(overwrite=True)
    assert done


def test_what_is_in_the_place_of_a_forecast_is_told(
    make_forecaster, forecaster, analyses, tmp_path
):
    path = tmp_path / "f.nc"

    def write(model=forecaster, dataset=analyses, made=SIX_HOURLY, layout="cf"):
        write_forecast(model, dataset, START, made, path, layout=layout)

    write()
    for options, words in (
        ({"dataset": analyses.assign(msl=analyses["msl"] + 1)}, "analyses"),
        ({"model": make_forecaster(history=1)}, "models"),
        ({"made": plan([6 * HOUR], [6 * HOUR, 48 * HOUR])}, "lead times"),
        ({"made": plan([6 * HOUR], [48 * HOUR]), "layout": "wb2"}, "lead times and layout"),
    ):
        with pytest.raises(InputError, match=f"a forecast with other {words}; give another --out"):
            write(**options)
    analyses.isel(time=[0])[["msl"]].drop_attrs().to_netcdf(path, mode="w")
    with pytest.raises(InputError, match=r"f.nc is there already, and does not say"):
        write()
    analyses.isel(time=[0])[["msl"]].drop_attrs().assign_attrs(
        model_sha256="1", calibration_sha256="2"
    ).to_netcdf(path, mode="w")
    with pytest.raises(InputError, match=r"there already, a forecast by an earlier version"):
        write()
    path.write_text("notes")
    with pytest.raises(InputError, match=r"f.nc is there already, and does not say"):
        write()
    assert path.read_text() == "notes"


def test_where_no_forecast_can_be_written(forecaster, analyses, tmp_path):
    (tmp_path / "folder.zarr").mkdir()
    (tmp_path / "folder.nc").mkdir()
    (tmp_path / "file.zarr").touch()
    for name, message in (
        ("f.grib", "ends in .nc or .zarr"),
        ("folder.zarr", "a folder that is no Zarr store"),
        ("folder.nc", "it is a folder"),
        ("file.zarr", "it is a file"),
    ):
        with pytest.raises(InputError, match=message):
            write_forecast(forecaster, analyses, START, SIX_HOURLY, tmp_path / name)


def test_batches_shrink_with_the_state(forecaster, analyses, monkeypatch):
    whole = job.Job(job.Experts.of(forecaster), analyses, np.repeat(START, 20), SIX_HOURLY, "cf")
    assert [len(batch) for batch in whole.batches()] == [16, 16, 8]
    monkeypatch.setattr(job, "_TOGETHER", 3 * 4 * 5 * 8 * 16)  # three states of five channels
    assert {len(batch) for batch in whole.batches()} == {3, 1}
    monkeypatch.setattr(job, "_TOGETHER", 1)
    assert len(whole.batches()) == 40


@pytest.mark.slow
def test_a_killed_process_goes_on(make_forecaster, waves_file, tmp_path):
    """The whole command, killed without warning."""
    make_forecaster(6).save(tmp_path / "model.safetensors")
    whole, broken = tmp_path / "whole.nc", tmp_path / "broken.nc"
    command = [
        sys.executable, "-m", "weather.cli", "forecast", str(tmp_path / "model.safetensors"),
        "--from", str(waves_file), "--time", "2001-01-03T00", "--time", "2001-01-04T00",
        "--hours", "600", "--out",
    ]  # fmt: skip
    subprocess.run([*command, str(whole)], check=True, capture_output=True)
    process = subprocess.Popen([*command, str(broken)], stderr=subprocess.DEVNULL)
    restart = tmp_path / ".broken.nc.partial" / "restart"
    while not restart.exists():
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not broken.exists()
    again = subprocess.run([*command, str(broken)], check=True, capture_output=True, text=True)
    assert "continuing at step" in again.stderr
    xr.testing.assert_identical(
        opened(broken).drop_attrs(deep=False), opened(whole).drop_attrs(deep=False)
    )


def test_later_analyses_that_were_corrected_make_another_forecast(
    forecaster, analyses, tmp_path, one_by_one
):
    path = tmp_path / "f.nc"
    assert write_forecast(forecaster, analyses, START, SIX_HOURLY, path, layout="cf")
    assert not write_forecast(forecaster, analyses, START, SIX_HOURLY, path, layout="cf")
    corrected = analyses.copy(deep=True)
    corrected["t"].loc[{"time": START[1]}] += 1
    with pytest.raises(InputError, match="a forecast with other analyses"):
        write_forecast(forecaster, corrected, START, SIX_HOURLY, path, layout="cf")


def test_boundary_data_at_each_end_are_part_of_what_a_forecast_is(forecaster, analyses):
    whole = LatLonGrid.from_dataset(analyses)
    area = LatLonGrid(lat=whole.lat[1:7], lon=whole.lon[:6])

    def identity(dataset):
        boundary = Boundary(dataset, area, forecaster.model.variables, width=2)
        made = job.Job(
            job.Experts.of(forecaster), analyses, np.array(START), SIX_HOURLY, "cf", boundary
        )
        return made.identity(made.initial(made.batches()[0]))["analyses"]

    digests = {identity(analyses)}
    for start in START:
        corrected = analyses.copy(deep=True)
        corrected["t"].loc[{"time": start + np.timedelta64(18, "h")}] += 1
        digests.add(identity(corrected))
    assert len(digests) == 3
