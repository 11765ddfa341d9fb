"""A made-up competition with a known winner: tables, marks, files and the page."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection

from sciml.errors import InputError
from weather.verification import error_maps, figures, output
from weather.verification.evaluation import Evaluation, Options, evaluate
from weather.verification.one_pass import FORECAST
from weather.verification.sample import named_files, training_period
from weather.verification.scorecard import matrix, whole

STEP = np.timedelta64(12, "h").astype("timedelta64[ns]")
LAT, LON = np.linspace(80, -80, 9), np.arange(0, 360, 22.5)
START, CASES, LEADS, MEMBERS = 700, 24, 3, 6
OPTIONS = Options(thresholds=["msl<100000", "t850>q0.8"], regions=["tropics", "land"])


def analyses() -> xr.Dataset:
    """Noise that lasts for some steps, on two levels and at the sea surface, and land."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((800, 3, len(LAT), len(LON)))
    for step in range(1, len(noise)):
        noise[step] = 0.8 * noise[step - 1] + 0.6 * noise[step]
    time = np.datetime64("2001-01-01", "ns") + np.arange(800) * STEP
    grid = ("lat", "lon")
    return xr.Dataset(
        {
            "msl": (("time", *grid), 1e5 + 800 * noise[:, 0], {"units": "Pa"}),
            "t": (("time", "level", *grid), 270 + 3 * noise[:, 1:], {"units": "K"}),
            "lsm": (grid, (rng.uniform(size=noise.shape[2:]) > 0.5).astype(float)),
        },
        {"time": time, "level": [500.0, 850.0], "lat": LAT, "lon": LON},
    )


def forecast(truth: xr.Dataset, error: float, members: int = 0, seed: int = 0) -> xr.Dataset:
    """Truth with noise that grows with lead time; members share no noise but their centre's."""
    rng = np.random.default_rng(seed)
    initial = truth["time"].values[START : START + 3 * CASES : 3]
    lead = np.arange(1, LEADS + 1) * STEP
    fields = {}
    for name, size in (("msl", 800.0), ("t", 3.0)):
        true = truth[name].sel(time=xr.DataArray(initial[:, None] + lead, dims=("i", "lead_time")))
        grown = (
            error * size * np.sqrt(np.arange(1, LEADS + 1)).reshape(1, -1, *[1] * (true.ndim - 2))
        )
        centre = true.values + grown * rng.standard_normal(true.shape)
        dims = ["time", "lead_time", *true.dims[2:]]
        if members:
            drawn = rng.standard_normal((members, *true.shape))
            centre = np.moveaxis(centre + grown * drawn, 0, 2)
            dims.insert(2, "member")
        fields[name] = (dims, centre.astype(np.float32))
    coordinates = {
        "time": initial,
        "lead_time": lead,
        "level": [500.0, 850.0],
        "lat": LAT,
        "lon": LON,
    }
    made = xr.Dataset(fields, coordinates)
    made.attrs["training_period"] = "1990-01-01T00:00..1991-01-01T00:00"
    return made.assign_coords(valid_time=made["time"] + made["lead_time"])


@pytest.fixture(scope="module")
def truth() -> xr.Dataset:
    return analyses()


@pytest.fixture(scope="module")
def models(truth: xr.Dataset) -> dict[str, xr.Dataset]:
    other = forecast(truth, 0.3, seed=1)
    return {
        FORECAST: forecast(truth, 0.2, MEMBERS),
        "worse": other,
        "short": other.isel(lead_time=[1]),  # one lead time only
    }


def run(truth: xr.Dataset, models: dict[str, xr.Dataset], options: Options = OPTIONS) -> Evaluation:
    own = models[FORECAST]
    others = {name: model for name, model in models.items() if name != FORECAST}
    return evaluate(own, truth, training_period(truth, own), options, others)


@pytest.fixture(scope="module")
def evaluation(truth: xr.Dataset, models: dict[str, xr.Dataset]) -> Evaluation:
    return run(truth, models)


def test_a_reliable_ensemble_is_called_reliable(evaluation: Evaluation) -> None:
    own = whole(evaluation.scores).query("system == 'forecast'")
    ratio = own[own["metric"] == "spread_skill"]
    assert len(ratio) == 3 * LEADS
    # the mean of M members errs as much as a member spreads, in the limit of many
    np.testing.assert_allclose(ratio["value"], 1, atol=0.05)
    assert (ratio["lower"] < 1.03).all()
    assert (ratio["upper"] > 0.97).all()
    ranks = evaluation.fields["rank_frequency"] * (MEMBERS + 1)
    np.testing.assert_allclose(ranks, 1, atol=0.2)
    np.testing.assert_allclose(ranks.mean("channel"), 1, atol=0.12)


def test_the_better_model_is_marked_and_the_same_model_is_not(
    truth: xr.Dataset, models: dict[str, xr.Dataset]
) -> None:
    one, twin = (forecast(truth, 0.3, seed=seed) for seed in (1, 2))
    result = run(truth, {FORECAST: one, "twin": twin, "better": forecast(truth, 0.2)})
    rows = whole(result.differences).query("metric == 'rmse'").set_index("reference")
    assert rows.loc["better", "significant"].all()
    assert (rows.loc["better", "difference"] > 0).all()
    assert (rows.loc["better", "skill_upper"] < 0).all()
    assert not rows.loc["twin", "significant"].any()
    assert rows.loc["persistence", "significant"].all()
    assert (rows.loc["persistence", "skill"] > 0).all()


def test_differences_are_those_of_the_scores(evaluation: Evaluation) -> None:
    keys = ["channel", "lead_hours", "region", "season", "metric"]
    scores = evaluation.scores[evaluation.scores["event"].isna()]
    values = scores.set_index(["system", *keys])["value"].sort_index()
    differences = evaluation.differences
    for row in differences[differences["event"].isna()].sample(40, random_state=0).itertuples():
        place = tuple(getattr(row, key) for key in keys)
        expected = values[(FORECAST, *place)] - values[(row.reference, *place)]
        assert row.difference == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert row.difference_lower <= row.difference <= row.difference_upper


def test_a_model_is_scored_where_it_has_forecasts(evaluation: Evaluation) -> None:
    rows = whole(evaluation.scores).query("metric == 'rmse'")
    assert set(rows[rows["system"] == "short"]["lead_hours"]) == {24.0}
    both = rows[rows["lead_hours"] == 24].pivot(index="channel", columns="system", values="value")
    np.testing.assert_array_equal(both["short"], both["worse"])


def test_events_have_a_base_rate_and_a_skill(evaluation: Evaluation) -> None:
    rows = whole(evaluation.scores).query("metric == 'brier' and lead_hours == 12")
    brier = rows.pivot(index="event", columns="system", values="value")
    assert brier.loc["msl<100000", "climatology"] == pytest.approx(0.25, rel=0.02)
    assert brier.loc["t850>q0.8", "climatology"] == pytest.approx(0.16, rel=0.1)
    assert (brier["forecast"] < brier["worse"]).all()
    assert (brier["worse"] < brier["climatology"]).all()
    share = evaluation.fields["share"].sum("bin")
    np.testing.assert_allclose(share, 1)
    known = evaluation.fields.stack(all=("event", "lead_time", "bin")).dropna("all")
    sure = known.where(known["share"] > 0.05, drop=True)
    np.testing.assert_allclose(sure["observed_frequency"], sure["forecast_probability"], atol=0.1)


@pytest.mark.parametrize(
    ("memory", "cases"), [(3e-6, 3), pytest.param(1e-4, 9, marks=pytest.mark.slow)]
)
def test_scores_do_not_depend_on_how_the_data_is_cut(
    truth: xr.Dataset, models: dict[str, xr.Dataset], memory: float, cases: int
) -> None:
    """Blocks of one case or some, dask chunks that fit nothing."""
    few = {name: model.isel(time=slice(0, cases)) for name, model in models.items()}
    pieces = {name: model.chunk(time=5, lead_time=2, lat=4) for name, model in few.items()}
    past = truth.isel(time=slice(660, None))
    whole_at_once = run(past, few)
    again = run(past.chunk(time=17, lon=9), pieces, replace(OPTIONS, memory=memory))
    for name in ("scores", "differences"):
        one, other = (getattr(result, name) for result in (again, whole_at_once))
        pd.testing.assert_frame_equal(one, other, rtol=1e-9, atol=1e-9)
    xr.testing.assert_allclose(again.fields, whole_at_once.fields, rtol=1e-9, atol=1e-9)


def test_only_common_initial_times_are_scored(
    truth: xr.Dataset, models: dict[str, xr.Dataset]
) -> None:
    own = {FORECAST: models["worse"], "other": models["worse"].isel(time=slice(4, None, 2))}
    result = run(truth, own)
    assert result.facts["not scored"].startswith("14 of 24 forecasts: ")
    assert result.scores["cases"].max() == 10
    own["other"] = own["other"].assign_coords(time=own["other"].time + np.timedelta64(1, "h"))
    with pytest.raises(InputError, match="other has no initial time in common"):
        run(truth, own)


def test_seasons_are_parts_of_the_whole(truth: xr.Dataset, models: dict[str, xr.Dataset]) -> None:
    later = truth.assign_coords(time=truth.time - np.timedelta64(24 * 30, "h"))
    moved = models["worse"].assign_coords(
        {n: models["worse"][n] - np.timedelta64(24 * 30, "h") for n in ("time", "valid_time")}
    )
    result = run(later, {FORECAST: moved}, Options(seasons=True))
    rows = result.scores.query("system == 'forecast' and metric == 'mae' and region == 'global'")
    table = rows.pivot(index=["channel", "lead_hours"], columns="season", values=["value", "cases"])
    cases, value = table["cases"], table["value"]
    assert set(cases.columns) == {"all", "DJF", "SON"}
    np.testing.assert_allclose(
        value["all"], (value * cases)[["DJF", "SON"]].sum(axis=1) / cases["all"], rtol=1e-12
    )


@pytest.fixture(scope="module")
def written(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scores")
    output.write(evaluation, folder)
    return folder


def test_files_hold_the_same_numbers(written: Path) -> None:
    csv = pd.read_csv(written / "scores.csv")
    parquet = pd.read_parquet(written / "scores.parquet")
    np.testing.assert_allclose(csv["value"], parquet["value"])
    assert set(csv["leakage"]) == {"none"}
    with xr.open_dataset(written / "scores.nc", decode_timedelta=True) as stored:
        place = {"system": "worse", "channel": "t850", "region": "tropics", "season": "all"}
        rows = csv.query("system == 'worse' and channel == 't850' and region == 'tropics'")
        rmse = rows[rows["metric"] == "rmse"]["value"]
        np.testing.assert_allclose(stored["rmse"].sel(place), rmse)
        assert stored.attrs["leakage"] == "none"
        by_case = stored["mse_by_case"].sel(channel="t850", system="worse").mean("time") ** 0.5
        place["region"] = "global"
        np.testing.assert_allclose(stored["rmse"].sel(place), by_case)
        bias = stored["bias_map"].sel(map_channel="t850", model="worse")
        weights = np.cos(np.radians(stored["lat"]))
        error = stored["bias"].sel(place).sel(lead_time=bias["map_lead"])
        np.testing.assert_allclose(bias.weighted(weights).mean(("lat", "lon")), error, atol=2e-3)


def test_the_page_needs_nothing_else_and_hides_nothing(
    written: Path, truth: xr.Dataset, models: dict[str, xr.Dataset]
) -> None:
    page = (written / "scorecard.html").read_text(encoding="utf-8")
    outside = re.findall(r"""(?:src|href)=["'](?!data:|#)([^"']+)""", page)
    assert not outside
    assert not re.findall(r"url\((?!#)", page)
    assert "@import" not in page
    assert page.count("<svg") == 5
    assert page.count("<img") == 1
    for text in ("24 initial times", "against worse", "against persistence", "msl&lt;100000"):
        assert text in page
    assert "No scored date lies" in page
    seen = models["worse"].assign_attrs(training_period="2001-01-01T00:00..2010-01-01T00:00")
    stamped = output.page(run(truth, {FORECAST: seen[["msl"]]}, Options(allow_leakage=True)))
    assert re.search(r'class="stamp seen">LEAKAGE: forecast training and statistics', stamped)


@pytest.mark.parametrize(("channels", "many"), [(1, 20), (1, 21), (3, 20)])
def test_a_matrix_shows_or_names_every_lead_time(channels: int, many: int) -> None:
    hours = [6.0 * number for number in range(1, many + 1)]
    row = {"reference": "persistence", "metric": "rmse", "region": "global", "season": "all"}
    row |= {"difference": -1.0, "skill": 0.1, "unit": "Pa", "cases": 9, "significant": False}
    names = [f"x{number}" for number in range(channels)]
    table = pd.DataFrame([row | {"channel": c, "lead_hours": h} for c in names for h in hours])
    for group in ("", "channel"):
        made = matrix(table, "persistence", "region" if group else "channel", group)
        for shown in made.columns.values():
            assert sorted((*shown, *made.left_out)) == hours
            assert len(shown) * len(made.columns) <= 20
        assert bool(made.left_out) == (many > 20 or (bool(group) and channels > 1))


def test_legends_lie_on_the_paper(evaluation: Evaluation) -> None:
    one = evaluation.scores.query("channel == 'msl'")
    for figure in (
        figures.curves(one, {"rmse": "RMSE"}),
        figures.spectra(evaluation.fields, ["msl"]),
    ):
        FigureCanvasAgg(figure).draw()
        (legend,) = figure.legends
        inside = legend.get_window_extent()
        assert figure.bbox.x0 <= inside.x0 < inside.x1 <= figure.bbox.x1


def test_maps_of_errors_say_where_on_the_earth(evaluation: Evaluation) -> None:
    land = xr.zeros_like(evaluation.fields["bias_map"][0, 0, 0]).drop_vars("unit", errors="ignore")
    for earth in (True, False):
        figure = error_maps.maps(evaluation.fields, ["msl"], land, earth)
        first = figure.axes[0]
        coasts = [c for c in first.collections if isinstance(c, LineCollection)]
        assert len(coasts) == earth
        FigureCanvasAgg(figure).draw()
        labels = {label.get_text() for label in first.get_xticklabels() + first.get_yticklabels()}
        assert {"60°W", "0°", "120°E", "60°N", "30°S"} <= labels


def test_names_of_other_forecasts(tmp_path: Path) -> None:
    for name in ("b_1.nc", "b_2.nc"):
        (tmp_path / name).touch()
    given = [f"gfs={tmp_path}/b_*.nc", str(tmp_path / "ifs.nc")]
    found = named_files(given)
    assert found == {
        "gfs": [tmp_path / "b_1.nc", tmp_path / "b_2.nc"],
        "ifs": [tmp_path / "ifs.nc"],
    }
    with pytest.raises(InputError, match="cannot be named 'persistence'"):
        named_files(["persistence=a.nc"])
