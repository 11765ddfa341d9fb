"""All systems of one table are scored on the same cases, however the data is cut."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from weather.verification.evaluation import Evaluation, Options, evaluate
from weather.verification.one_pass import FORECAST, PERSISTENCE
from weather.verification.scorecard import whole

STEP = np.timedelta64(6, "h").astype("timedelta64[ns]")
TIMES = np.datetime64("2001-01-01", "ns") + np.arange(60) * STEP
CASES, LEADS = 10, 4
GRID = {"lat": np.linspace(75, -75, 6), "lon": np.arange(0.0, 360.0, 45.0)}
RNG = np.random.default_rng(0)

Score = Callable[..., Evaluation]


@pytest.fixture(scope="module")
def truth() -> xr.Dataset:
    fields = 1e5 + 800 * RNG.standard_normal((60, 6, 8))
    return xr.Dataset({"msl": (("time", "lat", "lon"), fields)}, {"time": TIMES, **GRID})


@pytest.fixture(scope="module")
def forecast(truth: xr.Dataset) -> xr.Dataset:
    """Ten forecasts of four lead times and three members."""
    index = np.arange(40, 40 + CASES)[:, None] + np.arange(1, LEADS + 1)
    fields = truth["msl"].values[index][:, :, None]
    fields = fields + 100 * RNG.standard_normal((CASES, LEADS, 3, 6, 8))
    made = xr.Dataset(
        {"msl": (("time", "lead_time", "member", "lat", "lon"), fields)},
        {"time": TIMES[40 : 40 + CASES], "lead_time": np.arange(1, LEADS + 1) * STEP, **GRID},
    )
    return made.assign_coords(valid_time=made["time"] + made["lead_time"])


@pytest.fixture(scope="module")
def score(truth: xr.Dataset, forecast: xr.Dataset) -> Score:
    def score(other: xr.Dataset, memory: float) -> Evaluation:
        options = Options(climatology="mean", memory=memory, thresholds=["msl<100000"])
        past = truth.isel(time=slice(0, 30))
        return evaluate(forecast, truth, past, options, {"other": other})

    return score


def without(forecast: xr.Dataset, cases: slice, leads: slice, rows: slice) -> xr.Dataset:
    msl = forecast["msl"].copy()
    msl[cases, leads, :, rows] = np.nan
    return forecast.assign(msl=msl)


@pytest.mark.parametrize(
    "lost",
    [
        (slice(3, 4), slice(1, 2), slice(None)),  # one case
        (slice(3, 4), slice(1, 2), slice(0, 2)),  # a part of it
        (slice(None), slice(1, 2), slice(None)),  # all of a lead time
        (slice(2, None), slice(0, 3), slice(None)),
    ],
)
def test_scores_do_not_depend_on_memory(score: Score, forecast: xr.Dataset, lost) -> None:
    large, small = (score(without(forecast, *lost), memory) for memory in (1.0, 1e-6))
    for table in ("scores", "differences"):
        pd.testing.assert_frame_equal(getattr(large, table), getattr(small, table))
    xr.testing.assert_allclose(large.fields, small.fields)


@pytest.mark.parametrize("memory", [1.0, 1e-6])
def test_a_case_that_one_lacks_counts_for_none(
    score: Score, forecast: xr.Dataset, memory: float
) -> None:
    gap = without(forecast, slice(3, 4), slice(1, 2), slice(None))
    result = score(gap, memory)
    cases = whole(result.scores).set_index("lead_hours")[["cases", "missing"]]
    assert set(cases.loc[12].itertuples(index=False, name=None)) == {(CASES - 1, 1)}
    assert set(cases.loc[6].itertuples(index=False, name=None)) == {(CASES, 0)}
    assert result.fields["rank_frequency"].sum("rank").values == pytest.approx(1)


def test_a_lead_time_that_one_lacks_counts_for_the_others(
    score: Score, forecast: xr.Dataset
) -> None:
    """Whether the file has the lead time and only NaN there, or does not have it."""
    empty = without(forecast, slice(None), slice(1, 2), slice(None))
    shorter = forecast.isel(lead_time=[0, 2, 3])
    tables = [score(other, 1e-6).scores for other in (empty, shorter)]
    pd.testing.assert_frame_equal(*tables)
    at_12 = whole(tables[0]).query("lead_hours == 12 and metric == 'rmse'")
    assert FORECAST in set(at_12["system"])
    assert "other" not in set(at_12["system"])
    assert (at_12["cases"] == CASES).all()


def test_the_order_of_lead_times_changes_nothing(score: Score, forecast: xr.Dataset) -> None:
    tables = [
        score(other, 1e-6).scores for other in (forecast, forecast.isel(lead_time=[2, 3, 0, 1]))
    ]
    pd.testing.assert_frame_equal(*tables)


def test_longitudes_of_a_region_may_count_from_elsewhere(
    truth: xr.Dataset, forecast: xr.Dataset
) -> None:
    near, known = (dataset.isel(lon=slice(3, 7)) for dataset in (forecast, truth))
    past, options = known.isel(time=slice(0, 30)), Options(climatology="mean")
    west = known.assign_coords(lon=known["lon"] - 360)
    tables = [evaluate(near, other, past, options).scores for other in (known, west)]
    pd.testing.assert_frame_equal(*tables)


def test_forecasts_that_differ_in_a_gap_alone_have_equal_scores(
    score: Score, forecast: xr.Dataset
) -> None:
    """Also the correlation, whose parts are means over the same cells."""
    result = score(without(forecast, slice(None), slice(1, 2), slice(0, 2)), 1.0)
    table = whole(result.scores)
    tables = [
        table[table["system"] == name].drop(columns="system").reset_index(drop=True)
        for name in (FORECAST, "other")
    ]
    pd.testing.assert_frame_equal(*tables)


def test_spectra_are_over_the_same_cases(score: Score, forecast: xr.Dataset) -> None:
    """A gap in the band takes its case from all spectra, as one of the whole field does."""
    gaps = [slice(1, 2), slice(None)]  # rows at 45 degrees north, or all
    part, all_rows = (
        score(without(forecast, slice(3, None), slice(1, 2), gap), 1.0).fields["power"]
        for gap in gaps
    )
    xr.testing.assert_equal(part, all_rows)
    changed = part != score(forecast, 1.0).fields["power"]
    assert changed.any("wavenumber").values.tolist() == [[[False, True, False, False]] * 3]


@pytest.mark.parametrize("rows", [slice(None), slice(0, 2)])
@pytest.mark.parametrize("memory", [1.0, 1e-6])
def test_what_an_initial_analysis_lacks_counts_for_none(
    truth: xr.Dataset, forecast: xr.Dataset, rows: slice, memory: float
) -> None:
    """As if the forecast lacked it: at every lead time."""
    msl = truth["msl"].copy()
    msl[40, rows] = np.nan  # initial time of the first case, and valid time of none
    options, past = Options(climatology="mean", memory=memory), truth.isel(time=slice(0, 30))
    gap = without(forecast, slice(0, 1), slice(None), rows)
    lacking = evaluate(forecast, truth.assign(msl=msl), past, options)
    expected = evaluate(gap, truth, past, options)
    pd.testing.assert_frame_equal(lacking.scores, expected.scores)
    pd.testing.assert_frame_equal(lacking.differences, expected.differences)


@pytest.mark.parametrize("memory", [1.0, 1e-6])
def test_a_lead_time_without_initial_analyses_counts_for_the_others(
    truth: xr.Dataset, forecast: xr.Dataset, memory: float
) -> None:
    """Analyses every 12 h: no two of them are 6 or 18 h apart."""
    options, past = Options(climatology="mean", memory=memory), truth.isel(time=slice(0, 30))
    scores = evaluate(forecast, truth.isel(time=slice(0, None, 2)), past, options).scores
    table = whole(scores).query("metric == 'rmse'").set_index("system")
    for hours in (6, 12, 18, 24):
        there = table[table["lead_hours"] == hours]["cases"]
        assert (there == CASES // 2).all()
        assert FORECAST in there.index
        assert (PERSISTENCE in there.index) == (hours in (12, 24))


@pytest.mark.parametrize("memory", [1.0, 1e-6])
def test_a_missing_analysis_of_the_climatology_is_as_if_it_were_not_there(
    truth: xr.Dataset, forecast: xr.Dataset, memory: float
) -> None:
    msl = truth["msl"].copy()
    msl[7] = np.nan
    events = ["msl<100000", "msl>q0.9"]
    options = Options(climatology="mean", memory=memory, thresholds=events)
    past = [truth.assign(msl=msl).isel(time=slice(0, 30)),
            truth.isel(time=[i for i in range(30) if i != 7])]  # fmt: skip
    lacking, without = (evaluate(forecast, truth, one, options).scores for one in past)
    pd.testing.assert_frame_equal(lacking, without)
    known = whole(lacking).query("metric in ['acc', 'brier']").set_index("system")
    assert known.loc[FORECAST, "value"].notna().all()
    assert (known.query("metric == 'brier' and event == 'msl>q0.9'")["value"] > 0.005).all()


def test_a_part_lost_once_leaves_every_cell_with_a_climatology(
    truth: xr.Dataset, forecast: xr.Dataset
) -> None:
    msl = truth["msl"].copy()
    msl[7, :3] = np.nan
    options = Options(climatology="mean", thresholds=["msl>q0.9"])
    past = truth.isel(time=slice(0, 30))
    holed = past.assign(msl=msl.isel(time=slice(0, 30)))
    whole_field, holes = (
        whole(evaluate(forecast, truth, one, options).scores).query("metric == 'rmse'")
        for one in (past, holed)
    )
    plain, near = (t.set_index(["system", "lead_hours"])["value"] for t in (whole_field, holes))
    for name in (FORECAST, PERSISTENCE):
        pd.testing.assert_series_equal(plain[name], near[name])
    np.testing.assert_allclose(plain, near, rtol=0.02)


def test_cells_without_climatology_are_known_of_no_system(
    truth: xr.Dataset, forecast: xr.Dataset
) -> None:
    """As if the forecast lacked them."""
    msl = truth["msl"].copy()
    msl[:30, :2] = np.nan
    options = Options(climatology="mean", thresholds=["msl<100000", "msl>q0.9"])
    past = truth.isel(time=slice(0, 30))
    lacking = evaluate(forecast, truth, past.assign(msl=msl.isel(time=slice(0, 30))), options)
    gap = without(forecast, slice(None), slice(None), slice(0, 2))
    expected = evaluate(gap, truth, past, options)
    other = ["persistence", FORECAST, "climatology"]  # damping is fitted on other cells
    tables = [t.scores[t.scores["system"].isin(other)] for t in (lacking, expected)]
    pd.testing.assert_frame_equal(*tables)
