"""Calibration of the spread: what it is fitted on becomes reliable, and it fits nothing else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from sciml.errors import InputError
from weather.files.forecasts import open_forecast
from weather.files.layout import FieldLayout, Layout
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.calibration import SpreadCalibration, about_mean
from weather.forecasting.forecast_file import write_forecast
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.forecasting.perturbations import EnsembleConfig
from weather.forecasting.planner import Plan, plan
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables, open_fields, samples
from weather.training.measure import measure
from weather.verification.calibrate import few_cases, fit_calibration, remark

HOUR = 3600
TIMES = np.array(["2001-01-04T00", "2001-01-06T00", "2001-01-09T00"], "datetime64[ns]")
ENSEMBLE = EnsembleConfig(members=4, amplitude=0.5)
PASCAL = Layout(  # levels from the ground up, in Pa; another order of axes and another unit
    dims={"time": "time", "level": "plev", "lat": "lat", "lon": "lon", "member": "ens"},
    lat=tuple(np.linspace(-78.75, 78.75, 8).tolist()),
    lon=tuple((np.arange(16) * 22.5).tolist()),
    level=(85000.0, 50000.0),
    level_units="Pa",
    fields={
        "z": FieldLayout(name="hgt", dims=("time", "lon", "level", "member", "lat"), units="m")
    },
)


@pytest.fixture(scope="module")
def analyses(waves_file: Path) -> xr.Dataset:
    return open_reanalysis(waves_file)


@pytest.fixture(scope="module")
def forecaster(analyses: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Forecaster:
    """With fresh weights, in a file."""
    variables = all_variables(analyses, ())
    config = ForecasterConfig(
        model=ModelConfig(
            history=1, backbone=TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4))
        ),
        variables=variables,
        grid=LatLonGrid.from_dataset(analyses),
        step_hours=6,
    )
    torch.manual_seed(0)
    model = config.build()
    fields = open_fields(analyses, variables, memory=1)
    period = (fields.times[0], fields.times[8])
    model.statistics.set(measure(samples(fields, period, 6 * HOUR, 2)))
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    Forecaster(model, config, {"period": "2001-01-01T00:00..2001-01-03T00:00"}).save(path)
    return Forecaster.load(path, "cpu")


Write = Callable[..., xr.Dataset]


@pytest.fixture
def write(forecaster: Forecaster, analyses: xr.Dataset, tmp_path: Path) -> Write:
    """Forecasts to a file, and reads it."""

    def write(name: str = "past.nc", hours: tuple[int, ...] = (6, 12, 24), **options) -> xr.Dataset:
        given = {"ensemble": ENSEMBLE, "layout": "cf", "times": TIMES} | options
        data, times = given.pop("data", analyses), given.pop("times")
        write_forecast(forecaster, data, times, leads(*hours), tmp_path / name, **given)
        return open_forecast(tmp_path / name).load()

    return write


def leads(*hours: int) -> Plan:
    return plan([6 * HOUR], [hour * HOUR for hour in hours])


def reliability(forecast: xr.Dataset, analyses: xr.Dataset, name: str) -> xr.DataArray:
    """Spread over error, by lead time and level, with xarray alone."""
    members, number = forecast[name].astype("float64"), forecast.sizes["member"]
    each = [members.isel(member=at, drop=True) for at in range(number)]
    truth = analyses[name].sel(time=forecast["valid_time"]).astype("float64")
    error = (members.mean("member") - truth) ** 2
    twos = [(a, b) for a in range(number) for b in range(a) if a // 2 != b // 2]  # of other pairs
    variance = sum((each[a] - each[b]) ** 2 for a, b in twos) / (2 * len(twos))
    shared = sum(variance - (each[a] - each[a + 1]) ** 2 / 2 for a in range(0, number, 2))
    variance = variance + (number * variance + 2 * shared) / number**2
    edges = np.linspace(90, -90, 9)
    area = xr.DataArray(-np.diff(np.sin(np.radians(edges))), {"lat": forecast["lat"]}, ["lat"])
    means = [field.weighted(area).mean(["lat", "lon", "time"]) for field in (variance, error)]
    return np.sqrt(means[0] / means[1])


@pytest.mark.parametrize("name", ["calibrated.nc", "calibrated.zarr"])
@pytest.mark.parametrize("layout", ["cf", "input"])
def test_what_it_is_fitted_on_becomes_reliable(write, analyses, layout, name):
    data = PASCAL.attach(analyses) if layout == "input" else analyses
    past = write(layout=layout, data=data)
    calibration = fit_calibration(past, analyses)
    assert calibration.lead_hours == (6, 12, 24)
    after = write(name, layout=layout, data=data, calibration=calibration)
    for field in ("z", "t", "msl"):
        assert abs(reliability(past, analyses, field) - 1).min() > 0.1
        np.testing.assert_allclose(reliability(after, analyses, field), 1, rtol=2e-4)
        mean = after[field].mean("member", dtype="float64")
        np.testing.assert_allclose(mean, past[field].mean("member", dtype="float64"), rtol=1e-6)


def test_factors_are_linear_between_lead_times_and_any_number_of_members_takes_them(
    write, analyses
):
    calibration = fit_calibration(write(hours=(6, 18)), analyses)
    between = calibration.at("z500", [12])
    assert between == pytest.approx(np.mean(calibration.factors["z500"]))
    two = EnsembleConfig(members=2, amplitude=0.5, seed=3)
    one = {"times": TIMES[:1], "ensemble": two, "hours": (12,)}
    plain, scaled = write("two.nc", **one), write("scaled.nc", calibration=calibration, **one)
    apart = [forecast["z"].diff("member").sel(level=500) for forecast in (plain, scaled)]
    np.testing.assert_allclose(apart[1], between * apart[0], atol=1e-2)


def test_a_run_that_was_stopped_ends_the_same(write, analyses):
    class Stopped(Exception):
        pass

    def stop(done: int, of: int) -> None:
        if done == 2:
            raise Stopped

    calibration = fit_calibration(write(), analyses)
    whole = write("whole.nc", calibration=calibration)
    with pytest.raises(Stopped):
        write("part.nc", calibration=calibration, on_step=stop)
    part = write("part.nc", calibration=calibration)
    xr.testing.assert_equal(part, whole)
    assert part.attrs["calibration_period"] == "2001-01-04T00:00:00..2001-01-10T00:00:01"


def test_members_about_their_mean():
    members = np.array([[1.0, 2.0], [3.0, 6.0]])
    moved = about_mean(members, np.array([2.0, 0.5]), axis=0)
    np.testing.assert_allclose(moved, [[0, 3], [4, 5]])


def test_members_far_from_reliable_are_told(write, analyses):
    calibration = fit_calibration(write(hours=(6,)), analyses)
    for factor, words in {1.2: "", 3.0: "a greater --amplitude", 0.1: "a smaller"}.items():
        factors = {"z500": (factor,), "msl": (factor,)}
        said = remark(calibration.model_copy(update={"factors": factors}))
        assert words in said
        assert bool(words) == bool(said)


def test_it_is_for_one_model_and_its_perturbations(write, analyses, tmp_path):
    calibration = fit_calibration(write(), analyses)
    calibration.save(tmp_path / "spread.json")
    assert SpreadCalibration.read(tmp_path / "spread.json") == calibration
    other = EnsembleConfig(members=4, amplitude=0.7)
    with pytest.raises(InputError, match=r"members with .*amplitude 0.5.*, these have .*0.7"):
        write("x.nc", calibration=calibration, ensemble=other)
    with pytest.raises(InputError, match="covers lead times from 6 to 24 h, not 30 h"):
        write("x.nc", hours=(12, 30), calibration=calibration)
    with pytest.raises(InputError, match="needs an ensemble"):
        write("x.nc", calibration=calibration, ensemble=None)
    with pytest.raises(InputError, match="another model"):
        write("x.nc", calibration=calibration.model_copy(update={"model_sha256": "1"}))
    fewer = {field: found for field, found in calibration.factors.items() if field != "msl"}
    with pytest.raises(InputError, match="no factors for msl"):
        write("x.nc", calibration=calibration.model_copy(update={"factors": fewer}))
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(InputError, match="as a calibration"):
        SpreadCalibration.read(tmp_path / "other.json")


def test_past_forecasts_that_cannot_serve(write, analyses):
    past = write()
    with pytest.raises(InputError, match="no members"):
        fit_calibration(past.isel(member=0, drop=True), analyses)
    alike = past.assign(msl=past["msl"].mean("member").expand_dims(member=past["member"]))
    with pytest.raises(InputError, match="msl at 6 h: all members are alike"):
        fit_calibration(alike.drop_vars(["z", "t"]), analyses)
    early = analyses.sel(time=slice(None, "2001-01-04T12"))
    with pytest.raises(InputError, match="at 24 h: no analysis"):
        fit_calibration(past, early)
    seen = past.assign_attrs(training_period="2001-01-01T00:00..2001-01-05T00:00")
    with pytest.raises(InputError, match=r"1 of 3 forecasts start.*smaller there"):
        fit_calibration(seen, analyses)


@pytest.mark.parametrize("order", [("past.nc", "after.nc"), ("after.nc", "past.nc")])
def test_calibrated_forecasts_are_refused(write, analyses, tmp_path, order):
    """Also where only one of several files is calibrated."""
    calibration = fit_calibration(write(hours=(6,), times=TIMES[:1]), analyses)
    write("after.nc", hours=(6,), times=TIMES[1:], calibration=calibration)
    both = open_forecast([tmp_path / name for name in order])
    assert both.attrs["calibration_period"] == calibration.period
    for forecast in (open_forecast(tmp_path / "after.nc"), both):
        with pytest.raises(InputError, match=r"calibrated already.*without --calibration"):
            fit_calibration(forecast, analyses)


def test_by_command(call, one_line, forecaster, waves_file, tmp_path, capsys):
    past, spread = tmp_path / "past.nc", tmp_path / "spread.json"
    members = ["--members", 4, "--leads", "6h", "12h"]
    begin = ["forecast", forecaster.file, "--from", waves_file, *members]
    dates = [part for time in TIMES for part in ("--time", str(time)[:13])]
    assert call(*begin, *dates, "--out", past) == 0
    assert call("calibrate", past, "--truth", waves_file, "--out", spread) == 0
    assert "from 3 forecasts of 4 members" in capsys.readouterr().out
    begin += ["--time", "2001-01-12T00", "--calibration", spread]
    assert call(*begin, "--out", tmp_path / "new.nc") == 0
    assert "3 past forecasts" in open_forecast(tmp_path / "new.nc").attrs["calibration"]
    assert call(*begin, "--amplitude", 1, "--out", tmp_path / "other.nc") == 2
    assert "amplitude 0.3" in one_line()
    assert call("calibrate", past, "--truth", waves_file, "--out", tmp_path / "s.csv") == 2
    assert "ends in .json" in one_line()


@pytest.mark.parametrize(("before", "after"), [(2, 50), (20, 3)])
def test_another_number_of_members_is_as_reliable(before, after):
    """Members of half the right spread: the error of their mean follows from its number."""
    made = SpreadCalibration(
        model_sha256="", settings={"method": "none"}, period="", cases=20, members=before,
        lead_hours=(6.0,), factors={"msl": (np.sqrt((4 + 1 / before) / (1 + 1 / before)),)},
    )  # fmt: skip
    found = made.of_members(after)
    assert found.members == after
    assert found.at("msl", [6]) == pytest.approx(np.sqrt((4 + 1 / after) / (1 + 1 / after)))
    pairs = made.model_copy(update={"settings": {"method": "noise"}, "members": 4})
    assert pairs.of_members(20).at("msl", [6]) == pytest.approx(pairs.at("msl", [6]))
    assert made.model_copy(update={"members": None}).of_members(2).members is None


def test_two_members_do_not_tell_their_spread(write, analyses):
    pair = write(ensemble=EnsembleConfig(members=2, amplitude=0.5))
    with pytest.raises(InputError, match="plus and minus the same perturbation"):
        fit_calibration(pair, analyses)


@pytest.mark.parametrize(("cases", "told"), [(1, "1 forecast"), (7, "7 forecasts"), (8, "")])
def test_few_forecasts_are_told(cases, told):
    few = SpreadCalibration(
        model_sha256="", settings={}, period="", cases=cases, lead_hours=(6.0,), factors={}
    )
    assert told in few_cases(few)
    assert bool(told) == bool(few_cases(few))
