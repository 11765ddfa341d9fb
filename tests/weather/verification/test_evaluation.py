"""Forecasts with known errors get known scores; bad input gets one clear line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.cli import app
from weather.files.forecasts import open_forecast
from weather.files.reanalysis import open_reanalysis
from weather.verification import output
from weather.verification.evaluation import Evaluation, Options, evaluate
from weather.verification.one_pass import FORECAST, PERSISTENCE
from weather.verification.output import FILES
from weather.verification.sample import training_period
from weather.verification.scorecard import console_table, skill_table, whole

LAT, LON = np.linspace(75, -75, 6), np.arange(0.0, 360.0, 45.0)
START = np.datetime64("2001-01-01", "ns")
STEP = np.timedelta64(6, "h")
BIAS = 3.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Analyses of 100 days, and 10-day forecasts that are too high by `BIAS` everywhere."""
    rng = np.random.default_rng(0)
    where = {"latitude": LAT, "longitude": LON}
    times = START + np.arange(400) * STEP
    mean = np.array([5e4, 1.4e4])[:, None, None]  # of z by level
    analyses = xr.Dataset(
        {
            "z": (("time", "level", *where), rng.normal(mean, 500, (400, 2, 6, 8))),
            "msl": (("time", *where), rng.normal(1e5, 800, (400, 6, 8))),
            "lsm": (tuple(where), np.ones((6, 8))),
        },
        {"time": times, "level": [500, 850], **where},
    )
    analyses["z"].attrs["units"] = "m2 s-2"
    folder = tmp_path_factory.mktemp("evaluation")
    analyses.to_netcdf(folder / "truth.nc")
    initial, lead = times[300:380:20], np.arange(1, 41) * STEP
    index = np.minimum(300 + 20 * np.arange(4)[:, None] + np.arange(1, 41), 399)
    fields = {
        name: (
            ("time", "lead_time", *analyses[name].dims[1:]),
            (analyses[name].values[index] + BIAS).astype(np.float32),
        )
        for name in ("z", "msl")
    }
    forecast = xr.Dataset(
        fields, {"time": initial, "lead_time": lead, "level": [500, 850], **where}
    )
    forecast.to_netcdf(folder / "forecast.nc")
    for number in range(2):
        part = forecast.isel(time=slice(2 * number, 2 * number + 2))
        part.to_netcdf(folder / f"part{number}.nc")
    return folder


@pytest.fixture(scope="module")
def evaluation(folder: Path) -> Evaluation:
    forecast, truth = open_forecast(folder / "forecast.nc"), open_reanalysis(folder / "truth.nc")
    return evaluate(forecast, truth, training_period(truth, forecast))


@pytest.fixture(scope="module")
def scores(evaluation: Evaluation) -> pd.DataFrame:
    return whole(evaluation.scores)


def pick(scores: pd.DataFrame, **where: object) -> pd.DataFrame:
    for column, value in where.items():
        scores = scores[scores[column] == value]
    return scores


def test_known_errors_of_the_forecast(scores: pd.DataFrame) -> None:
    own = pick(scores, system=FORECAST, channel="z500")
    assert len(own) == 40 * 8
    for metric in ("rmse", "rmse_by_case", "bias"):
        np.testing.assert_allclose(pick(own, metric=metric)["value"], BIAS, rtol=1e-3)
    assert (pick(own, metric="acc")["value"] > 0.999).all()
    assert set(own["unit"]) == {"m2 s-2", "1", "km"}


def test_white_noise_makes_persistence_worse_than_climatology(scores: pd.DataFrame) -> None:
    rmse = pick(scores, channel="msl", metric="rmse").groupby("system")["value"].mean()
    assert rmse["climatology"] == pytest.approx(800, rel=0.02)
    assert rmse[PERSISTENCE] == pytest.approx(800 * 2**0.5, rel=0.1)  # four initial states
    assert rmse["damped persistence"] == pytest.approx(800, rel=0.02)


def test_missing_truth_is_counted(evaluation: Evaluation, scores: pd.DataFrame) -> None:
    """Analyses end at step 399: the last forecast, from step 360, loses its last lead."""
    counts = pick(scores, system=FORECAST, channel="msl", metric="rmse")
    assert counts["missing"].tolist() == [0] * 39 + [1]
    assert counts["cases"].tolist() == [4] * 39 + [3]
    assert evaluation.facts["missing truth"].startswith("1 of 100 valid times")
    assert "fitted on 300 analyses, 2001-01-01 to 2001-03-16" in evaluation.facts["climatology"]
    assert evaluation.facts["intervals"] == "none: 4 initial times, fewer than 8"


def test_seen_dates_are_refused_or_stamped(folder: Path) -> None:
    forecast, truth = (
        open_forecast(folder / "forecast.nc")[["msl"]],
        open_reanalysis(folder / "truth.nc"),
    )
    past = training_period(truth, forecast)
    forecast.attrs["training_period"] = "2001-01-01T00:00..2001-03-01T00:00"
    assert set(evaluate(forecast, truth, past).scores["leakage"]) == {"none"}
    forecast.attrs["training_period"] = "2001-01-01T00:00..2001-03-20T00:00"
    counts: list[tuple[int, int]] = []

    def on_field(done: int, of: int) -> None:
        counts.append((done, of))

    with pytest.raises(InputError, match="1 of 4 forecasts start"):
        evaluate(forecast, truth, past, on_field=on_field)
    assert not counts
    stamped = evaluate(forecast, truth, past, Options(allow_leakage=True), on_field=on_field)
    assert counts == [(0, 1), (1, 1)]
    for table in (stamped.scores, stamped.differences):
        assert set(table["leakage"]) == {"LEAKAGE: forecast training and statistics"}


def test_an_unknown_region_is_refused_before_anything_is_fitted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weather.verification.evaluation.linear_forecast", pytest.fail)
    forecast, truth = open_forecast(folder / "forecast.nc"), open_reanalysis(folder / "truth.nc")
    options = Options(linear=True, regions=["europa"])
    with pytest.raises(InputError, match="no region 'europa'"):
        evaluate(forecast, truth, training_period(truth, forecast), options)


def test_several_files_are_one_set_of_forecasts(folder: Path, scores: pd.DataFrame) -> None:
    forecast = open_forecast([folder / "part1.nc", folder / "part0.nc"])
    truth = open_reanalysis(folder / "truth.nc")
    again = evaluate(forecast, truth, training_period(truth, forecast))
    pd.testing.assert_frame_equal(whole(again.scores), scores)


def summers(first: int, last: int) -> xr.Dataset:
    """Analyses of June to August of some years, daily at 12 UTC, with a cycle of the year."""
    time = np.arange(f"{first}-06-01", f"{last}-09-30", dtype="datetime64[D]")
    time = time.astype("datetime64[ns]") + 2 * STEP
    month = time.astype("datetime64[M]").astype(int) % 12
    time = time[(month >= 5) & (month <= 7)]
    phase = (time - time.astype("datetime64[Y]")) / np.timedelta64(365, "D")
    noise = np.random.default_rng(0).standard_normal((len(time), 6, 8))
    msl = 1e5 + 2000 * np.cos(2 * np.pi * phase)[:, None, None] + 500 * noise
    grid = {"lat": LAT, "lon": LON}
    return xr.Dataset({"msl": (("time", "lat", "lon"), msl)}, {"time": time, **grid})


def of_ten_days(start: str) -> tuple[xr.Dataset, xr.Dataset]:
    """Forecasts of 1 and 10 days that are too high by `BIAS`, and analyses of these times."""
    time = np.datetime64(start, "ns") + np.arange(21) * 4 * STEP
    fields = 1e5 + 500 * np.random.default_rng(1).standard_normal((21, 6, 8))
    grid = {"lat": LAT, "lon": LON}
    truth = xr.Dataset({"msl": (("time", "lat", "lon"), fields)}, {"time": time, **grid})
    lead = (np.array([1, 10]) * 4 * STEP).astype("timedelta64[ns]")
    shown = fields[np.arange(10)[:, None] + [1, 10]] + BIAS
    forecast = xr.Dataset(
        {"msl": (("time", "lead_time", "lat", "lon"), shown)},
        {"time": time[:10], "lead_time": lead, **grid},
    )
    return forecast.assign_coords(valid_time=forecast["time"] + forecast["lead_time"]), truth


@pytest.mark.parametrize("start", ["2009-08-20T12", "2009-09-05T12"])
def test_seasons_without_climatology_cost_the_forecast_no_case(start: str) -> None:
    """Some of the forecasts, or all, are valid in September."""
    forecast, truth = of_ten_days(start)
    options = Options(thresholds=["msl<100000", "msl>q0.9"])
    result = evaluate(forecast, truth, summers(2001, 2008), options)
    own = whole(pick(result.scores, system=FORECAST))
    rmse, brier = pick(own, metric="rmse"), pick(own, metric="brier", event="msl<100000")
    np.testing.assert_allclose(rmse["value"], BIAS)
    assert [*rmse["cases"], *brier["cases"]] == [10, 10, 10, 10]
    august = start < "2009-09"
    normal = pick(whole(result.scores), metric="rmse", system="climatology")
    cases = normal.set_index("lead_hours")["cases"].to_dict()
    assert cases == ({24: 10, 240: 2} if august else {})
    ratios = skill_table(result.scores).set_index("lead_hours").get("climatology", pd.Series())
    assert ratios.notna().to_dict() == ({24: True, 240: False} if august else {})
    lost = "8 of 19" if august else "all 19"
    assert f"; {lost} valid times lie in seasons without one" in result.facts["climatology"]


def test_a_forecast_that_nothing_can_be_compared_with_is_scored(tmp_path: Path) -> None:
    """Neither climatology nor analyses of the initial times."""
    forecast, truth = of_ten_days("2009-09-05T12")
    ten, later = forecast.isel(lead_time=[1]), truth.isel(time=slice(10, None))
    result = evaluate(ten, later, summers(2001, 2008), Options(seasons=True))
    assert set(result.scores["system"]) == {FORECAST}
    assert result.differences.empty
    assert console_table(result.scores).row_count == 1
    output.write(result, tmp_path)


def test_the_table_of_ratios(scores: pd.DataFrame) -> None:
    skill = skill_table(scores)
    assert list(skill["channel"].unique()) == ["z500", "msl", "z850"]
    assert (skill["persistence"] < 0.1).all()
    assert console_table(scores).row_count == len(skill) == 15


def test_the_command_writes_csv_and_plot(folder: Path, tmp_path: Path) -> None:
    app(
        [
            *("evaluate", str(folder / "forecast.nc"), "--truth", str(folder / "truth.nc")),
            *("--out", str(tmp_path / "scores"), "--climatology", "mean", "--linear"),
            *("--threshold", "msl<100000", "z500>q0.9", "--region", "tropics", "arctic"),
            *("--against", f"parts={folder}/part*.nc", str(folder / "part1.nc")),
        ],
        result_action="return_value",
    )
    table = pd.read_csv(tmp_path / "scores" / "scores.csv")
    assert {"linear", "parts", "part1"} < set(table["system"])
    assert set(table["region"]) == {"global", "tropics", "arctic"}
    assert set(table["event"].dropna()) == {"msl<100000", "z500>q0.9"}
    assert table["cases"].max() == 2  # the initial times of part1
    for name in FILES:
        assert (tmp_path / "scores" / name).stat().st_size > 5_000


def run(folder: Path, **changes: str) -> None:
    options = {"truth": str(folder / "truth.nc"), "out": str(folder / "never"), **changes}
    forecast = options.pop("forecast", str(folder / "forecast.nc"))
    tokens = [part for name, value in options.items() for part in (f"--{name}", value)]
    app(["evaluate", forecast, *tokens], result_action="return_value")


def test_bad_input_is_one_clear_line(folder: Path) -> None:
    for changes, message in (
        ({"forecast": str(folder / "none.nc")}, "no such file"),
        ({"forecast": str(folder / "truth.nc")}, "holds no forecast: no lead time"),
        ({"truth": str(folder / "forecast.nc")}, "holds forecasts"),
        ({"climatology-period": "2001"}, "cannot read the period"),
        ({"climatology-period": "20010201/200104"}, "cannot read 20010201 to 200104; give dates"),
        ({"climatology-period": "2001-02-01/2001-04-01"}, "overlaps the forecasts"),
        ({"climatology-period": "1999-02-01/1999-04-01"}, "0 analyses to fit"),
    ):
        with pytest.raises(InputError, match=message):
            run(folder, **changes)
    assert not (folder / "never").exists()


@pytest.mark.parametrize(
    ("period", "last"),
    [("2001-01/2001-02", "2001-02-28T18"), ("20010101/20010228", "2001-02-28T18"),
     ("2000/2001", "2001-04-10T18")],
)  # fmt: skip
def test_a_period_has_all_of_its_last_day_month_or_year(
    folder: Path, period: str, last: str
) -> None:
    forecast, truth = open_forecast(folder / "forecast.nc"), open_reanalysis(folder / "truth.nc")
    chosen = training_period(truth, forecast, period)["time"].values
    assert chosen[0] == START
    assert chosen[-1] == np.datetime64(last)


def test_other_grid_other_time_other_variables(folder: Path) -> None:
    forecast, truth = open_forecast(folder / "forecast.nc"), open_reanalysis(folder / "truth.nc")
    past = training_period(truth, forecast)
    with pytest.raises(InputError, match="regrid"):
        evaluate(forecast, truth.isel(lat=slice(0, 4)), past)
    with pytest.raises(InputError, match="none of the forecasts' valid times"):
        evaluate(forecast, past, past)
    with pytest.raises(InputError, match="no variable in common"):
        evaluate(forecast[["z"]], truth[["msl"]], past)
    with pytest.raises(InputError, match="comes twice"):
        open_forecast([folder / "part0.nc", folder / "part0.nc"])


def test_a_truth_of_another_time_is_named_before_its_climatology(
    folder: Path, call: Callable[..., int], one_line: Callable[[], str], tmp_path: Path
) -> None:
    with xr.open_dataset(folder / "truth.nc") as truth:
        late = truth.isel(time=slice(0, 8)).assign_coords(
            time=truth["time"].values[:8] + np.timedelta64(7000, "D")
        )
        late.to_netcdf(tmp_path / "late.nc")
    options = ["--truth", tmp_path / "late.nc", "--out", tmp_path / "never"]
    assert call("evaluate", folder / "forecast.nc", *options) == 2
    assert "has none of the forecasts' valid times" in one_line()


def test_the_operational_forecast_is_far_better_than_persistence(shared_data: Path) -> None:
    """GFS, 12 h ahead, against its analyses: a file of valid times with their initial times."""
    forecast = open_forecast(
        shared_data / "weather" / "gfs_global_1deg_wind10m_forecast_f012_20260729-20260805.nc"
    )
    truth = open_reanalysis(
        shared_data / "weather" / "gfs_global_1deg_6h_wind10m_20260706-20260805.nc"
    )
    assert forecast["lead_time"].values == [np.timedelta64(12, "h")]
    result = evaluate(forecast[["u10"]], truth, training_period(truth, forecast))
    rmse = whole(result.scores).query("metric == 'rmse'").set_index("system")["value"]
    assert rmse[FORECAST] == pytest.approx(0.75, abs=0.02)
    assert rmse[PERSISTENCE] == pytest.approx(3.4, abs=0.1)
    marks = whole(result.differences).query("metric == 'rmse'").set_index("reference")
    assert marks["significant"].all()
    assert result.leakage.unknown == (FORECAST,)
