"""Rain is the rain of as many hours wherever it goes: joined, learned from, forecast, scored."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.checking.origin import origin_of
from weather.commands.evaluate import evaluate
from weather.commands.forecast import forecast
from weather.commands.prepare import prepare
from weather.commands.train import train
from weather.downscaling.downscaler import Downscaler
from weather.files.accumulations import HOURS, known_hours, of_hours
from weather.files.forecasts import open_forecast
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.experts import Experts
from weather.forecasting.forecaster import Forecaster
from weather.verification.checked import checked, found, of_equal_hours


@pytest.fixture(scope="module")
def moments(waves) -> xr.Dataset:
    """Pressure every 6 h, for fifteen days."""
    return waves[["msl"]].isel(time=slice(60))


@pytest.fixture(scope="module")
def rain(moments) -> xr.Dataset:
    """ERA5's: of the hour before each time."""
    start, end = moments["time"].values[[0, -1]]
    times = np.arange(start, end + np.timedelta64(1, "h"), np.timedelta64(1, "h"))
    grid = moments.isel(time=0, drop=True).coords
    values = np.random.default_rng(0).gamma(0.5, 1e-3, (len(times), *moments["msl"].shape[1:]))
    field = (("time", *moments["msl"].dims[1:]), values.astype(np.float32), {"units": "m"})
    return xr.Dataset({"tp": field}, grid.merge({"time": times}).coords)


@pytest.fixture(scope="module")
def hourly(moments, rain) -> xr.Dataset:
    """Both every hour."""
    between = moments.interp(time=rain["time"]).astype(np.float32)
    return between.assign(msl=between["msl"].assign_attrs(moments["msl"].attrs), tp=rain["tp"])


@pytest.fixture(scope="module")
def trained(hourly, tiny_config, tmp_path_factory) -> Forecaster:
    """A model of 6 h that learned from sums which `weather prepare` made of the hours."""
    folder = tmp_path_factory.mktemp("rain")
    hourly.to_netcdf(folder / "hourly.nc")
    prepare([str(folder / "hourly.nc")], out=folder / "six.zarr", every="6h")
    run = folder / "run"
    train([str(folder / "six.zarr")], config=str(tiny_config["transformer"]), run=run)
    return Forecaster.load(run / "model.safetensors")


def _sums(rain, hours):
    """Of so many hours up to each time, by themselves."""
    return rain["tp"].rolling(time=hours).sum().astype(np.float32)


@pytest.mark.parametrize("hours", [2, 6, 24])
def test_sums_are_those_of_the_hours_before(rain, hours):
    summed, (line,) = of_hours(open_reanalysis(rain), {"tp": hours, "absent": 6})
    np.testing.assert_allclose(summed["tp"], _sums(rain, hours), rtol=1e-5)
    assert line == f"tp: sums over the {hours} h up to each time"
    assert known_hours(summed) == {"tp": hours}
    again, nothing = of_hours(summed, {"tp": hours})
    assert again.identical(summed)
    assert not nothing


def test_sums_of_sums_are_sums(rain):
    """Six-hour sums at every hour, as WeatherBench 2 has them, are taken six hours apart."""
    name = "total_precipitation_6hr"
    six = _sums(rain, 6).assign_attrs(units="m").to_dataset(name=name)
    day, _ = of_hours(open_reanalysis(six), {name: 24})
    np.testing.assert_allclose(day[name], _sums(rain, 24), rtol=1e-5)
    with pytest.raises(InputError, match=r"is of the 6 h up to each time; expected of 3 h"):
        of_hours(open_reanalysis(six), {name: 3})


def test_a_gap_leaves_out_what_it_touches_and_no_more(rain):
    torn = open_reanalysis(rain.drop_isel(time=20))
    summed, _ = of_hours(torn, {"tp": 6})
    touched = rain["time"].isin(rain["time"][20:26])
    wanted = _sums(rain, 6).where(~touched).drop_isel(time=20)
    np.testing.assert_allclose(summed["tp"], wanted, rtol=1e-5)
    with pytest.raises(InputError, match=r"tp: not all of the 6 h up to 2001-01-01T23:00"):
        of_hours(torn, {"tp": 6}, rain["time"].values[[23]], "refuse")


def test_hourly_rain_beside_six_hourly_pressure_keeps_its_hours(moments, rain, tmp_path):
    moments.to_netcdf(tmp_path / "msl.nc")
    rain.to_netcdf(tmp_path / "tp.nc")
    joined = open_reanalysis([str(tmp_path / "msl.nc"), str(tmp_path / "tp.nc")])
    assert known_hours(joined) == {"tp": 6}
    assert joined.sizes["time"] == moments.sizes["time"] - 1  # nothing is known before the first
    every = _sums(rain, 6)[6::6]
    np.testing.assert_allclose(joined["tp"], every, rtol=1e-5)
    np.testing.assert_array_equal(joined["msl"], moments["msl"][1:])
    told = [finding.text for finding in origin_of(joined)]
    assert any("tp: sums over the 6 h up to each time" in text for text in told)


def test_rain_of_the_same_times_stays_as_it_is(hourly, tmp_path):
    for name in ("msl", "tp"):
        hourly[[name]].to_netcdf(tmp_path / f"{name}.nc")
    joined = open_reanalysis([str(tmp_path / "msl.nc"), str(tmp_path / "tp.nc")])
    np.testing.assert_array_equal(joined["tp"], hourly["tp"])


def test_a_forecast_from_hours_is_that_from_their_sums(trained, hourly, rain):
    start = hourly["time"].values[48]
    six = hourly.isel(time=slice(0, None, 6)).copy()
    six["tp"] = _sums(rain, 6)[::6].assign_attrs(units="m")  # as they come from elsewhere, unnamed
    assert trained.accumulation_hours == {"tp": 6}
    one, other = (trained.forecast(open_reanalysis(data), start, 2) for data in (hourly, six))
    xr.testing.assert_allclose(one, other, rtol=1e-5)
    assert one["tp"].attrs[HOURS] == "6"
    first = hourly["time"].values[3]
    with pytest.raises(InputError, match=r"tp: not all of the 6 h up to .*T03:00"):
        trained.initial(open_reanalysis(hourly), [first])


@pytest.mark.parametrize("layout", ["input", "cf", "wb2"])
def test_a_forecast_says_its_hours_and_is_scored_by_them(trained, hourly, layout, tmp_path):
    truth, out = tmp_path / "hourly.nc", tmp_path / "forecast.nc"
    hourly.to_netcdf(truth)
    times = [str(hourly["time"].values[48])]
    forecast([trained.file], from_=[str(truth)], time=times, hours=12, out=out, layout=layout)
    made = open_forecast(out)
    assert made["tp"].attrs[HOURS] == "6"
    analyses = checked("truth", open_reanalysis(truth), made)
    np.testing.assert_allclose(analyses["tp"][6:], _sums(hourly, 6)[6:], rtol=1e-5)


def test_a_perfect_forecast_of_sums_has_no_error_against_hours(trained, hourly, tmp_path):
    truth, out = tmp_path / "hourly.nc", tmp_path / "forecast.nc"
    hourly.to_netcdf(truth)
    times = [str(hourly["time"].values[i]) for i in (300, 306)]
    forecast([trained.file], from_=[str(truth)], time=times, hours=6, out=out)
    with xr.open_dataset(out, decode_timedelta=True) as file:
        perfect = file.load()
    valid = perfect["forecast_reference_time"] + perfect["lead_time"]
    for name, field in (("msl", hourly["msl"]), ("tp", _sums(hourly, 6))):
        perfect[name] = perfect[name].copy(data=field.sel(time=valid).values)
    perfect.to_netcdf(tmp_path / "perfect.nc")
    card = tmp_path / "card"
    evaluate([tmp_path / "perfect.nc"], truth=[str(truth)], out=card, allow_leakage=True)
    scores = pd.read_csv(card / "scores.csv").query("metric == 'rmse'")
    errors = scores.query("system == 'forecast'").groupby("channel")["value"].max()
    assert errors["tp"] < 1e-7
    assert errors["msl"] < 0.1
    assert "tp: sums over the 6 h up to each time" in (card / "scorecard.html").read_text()


def test_truth_of_more_hours_is_left_out_and_said(trained, hourly, rain):
    made = trained.forecast(open_reanalysis(hourly), hourly["time"].values[48], 2)
    day = hourly.assign(tp=_sums(rain, 24).assign_attrs({"units": "m", HOURS: "24"}))
    lines = []
    analyses = checked("truth", open_reanalysis(day), made, lines.append)
    assert "tp" not in analyses
    assert lines == ["truth: tp left out: it is of 24 h up to each time, the forecast's of 6 h"]


@pytest.mark.parametrize(
    ("truth", "forecast", "said"),
    [
        ({HOURS: "1"}, {}, "of 1 h up to each time, the forecast's of unknown hours"),
        ({}, {HOURS: "6"}, "of unknown hours up to each time, the forecast's of 6 h"),
        ({}, {}, None),
    ],
)
def test_rain_of_known_hours_is_not_scored_by_that_of_unknown(rain, truth, forecast, said):
    few = rain["tp"][::6]
    analyses, made = (
        open_reanalysis(few.assign_attrs(hours).to_dataset()) for hours in (truth, forecast)
    )
    lines: list[str] = []
    analyses = checked("truth", analyses, made, lines.append)
    assert ("tp" in analyses) == (said is None)
    advice = "state them by the attribute accumulation_hours"
    assert lines == ([f"truth: tp left out: it is {said}: {advice}"] if said else [])


def test_another_forecast_s_rain_of_other_hours_is_left_out_and_said(rain):
    one, six, unknown = (
        open_reanalysis(rain["tp"][::6].assign_attrs(hours).to_dataset())
        for hours in ({HOURS: "1"}, {HOURS: "6"}, {})
    )
    for same in (six, unknown):
        assert of_equal_hours("other", same, same).identical(same)
    for other, own in ((one, "1 h"), (unknown, "unknown hours")):
        lines: list[str] = []
        kept = of_equal_hours("other", other, six, lines.append)
        assert "tp" not in kept
        assert found(kept) == lines
        said = f"tp left out: it is of {own} up to each time, the forecast's of 6 h"
        assert lines[0].startswith(f"other: {said}")


def test_downscaled_rain_keeps_and_says_its_hours(call, hourly, tiny_config, tmp_path, capsys):
    """From hours as from their sums, where all hours of a sum are there."""
    fine, six, run = (tmp_path / name for name in ("hourly.nc", "six.zarr", "run"))
    hourly.to_netcdf(fine)
    assert call("prepare", fine, "--out", six, "--every", "6h") == 0
    kind = ("--config", tiny_config["transformer"], "--objective.kind", "downscaling")
    assert call("train", six, *kind, "--run", run) == 0
    made = {}
    for name, source in (("hours", fine), ("sums", six)):
        coarse, out = tmp_path / f"{name}.zarr", tmp_path / f"{name}.nc"
        assert call("prepare", source, "--out", coarse, "--grid", "half") == 0
        assert call("downscale", run / "model.safetensors", coarse, "--out", out) == 0
        made[name] = open_reanalysis(out)
        assert made[name]["tp"].attrs[HOURS] == "6"
    np.testing.assert_array_equal(made["hours"]["time"], hourly["time"][5:])
    both = made["hours"]["tp"].sel(time=made["sums"]["time"])
    np.testing.assert_allclose(both, made["sums"]["tp"], atol=1e-6)
    said = " ".join("".join(capsys.readouterr()).split())
    assert "tp: sums over the 6 h up to each time" in said
    assert "5 of 355 times left out: not all of the hours up to them are in the data" in said
    day = open_reanalysis(tmp_path / "sums.zarr")
    day["tp"].attrs[HOURS] = "24"
    with pytest.raises(InputError, match="tp is of the 24 h up to each time; expected of 6 h"):
        Downscaler.load(run / "model.safetensors").checked(day)


def test_models_of_other_hours_do_not_take_turns(trained):
    config = trained.config.model_copy(update={"step_hours": 24})
    other = Forecaster(config.build(), config, {"accumulation_hours": {"tp": 24}})
    with pytest.raises(InputError, match=r"forecasts tp of 24 h up to each time, .* of 6 h"):
        Experts.of([trained, other])


def test_a_training_says_that_hours_are_not_its_steps(hourly, tiny_config, tmp_path, capsys):
    hourly.to_netcdf(tmp_path / "hourly.nc")
    config = tmp_path / "six.yaml"
    text = tiny_config["transformer"].read_text()
    config.write_text(text.replace("data: {", "data: {step_hours: 6, "))
    train([str(tmp_path / "hourly.nc")], config=str(config), run=tmp_path / "run")
    printed = "".join(capsys.readouterr())
    assert "tp is of the 1 h up to each time, the model steps by 6 h" in " ".join(printed.split())
    made = Forecaster.load(tmp_path / "run" / "model.safetensors")
    assert made.accumulation_hours == {"tp": 1}
