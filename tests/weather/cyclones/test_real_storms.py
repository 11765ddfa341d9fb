"""Storms of the Earth: operational fields against best tracks."""

from pathlib import Path

import pytest

from weather.cyclones.best_track import read_best_tracks
from weather.cyclones.scores import score_tracks
from weather.cyclones.tracking import find_tracks
from weather.files.forecasts import open_forecast
from weather.files.reanalysis import open_reanalysis


def test_two_hurricanes_in_a_72_hour_forecast_and_nothing_else(shared_data: Path) -> None:
    """GFS at 2.5 degrees, 2011-10-11: Jova and Irwin, of all lows on the globe."""
    pytest.importorskip("cfgrib")
    folder = shared_data / "weather"
    file = folder / "snapshots" / "gfs_2p5deg_26levels_20111008T00_f072.grib2"
    found = find_tracks(open_forecast(file))
    scores = score_tracks(
        found, read_best_tracks(folder / "tracks" / "ibtracs_na_ep_2000-2019_2026.csv")
    )
    assert set(scores.cases["name"]) == {"JOVA", "IRWIN"}
    assert scores.cases["error_km"].max() < 250
    assert len(found.tracks) == 2
    (row,) = scores.by_lead.itertuples()
    assert (row.lead_hours, row.hits, row.misses, row.false_alarms) == (72, 2, 0, 0)
    assert row.error_km < row.extrapolation_km / 5  # storms turned


def test_twelve_hours_are_better_than_a_storms_own_motion(shared_data: Path) -> None:
    """GFS 10 m wind at 1 degree, 12 h ahead, from 29 July to 5 August 2026."""
    folder = shared_data / "weather"
    winds = open_forecast(folder / "gfs_global_1deg_wind10m_forecast_f012_20260729-20260805.nc")
    best = read_best_tracks(sorted((folder / "tracks").glob("*2026*.csv")))
    scores = score_tracks(find_tracks(winds.load()), best)
    (row,) = scores.by_lead.itertuples()
    assert (row.lead_hours, row.cases, row.hits, row.false_alarms) == (12, 14, 13, 1)
    assert row.error_km < row.extrapolation_km < 50


@pytest.mark.slow
def test_a_month_of_storms_by_wind_alone(shared_data: Path) -> None:
    """GFS 10 m wind at 1 degree, July 2026: 201 fixes of gale force."""
    folder = shared_data / "weather"
    winds = open_reanalysis(folder / "gfs_global_1deg_6h_wind10m_20260706-20260805.nc")
    static = open_reanalysis(folder / "static" / "static_global_1deg.nc")
    scores = score_tracks(
        find_tracks(winds.load(), static=static),
        read_best_tracks(sorted((folder / "tracks").glob("*2026*.csv"))),
    )
    (row,) = scores.by_lead.itertuples()
    assert row.cases == 201
    assert row.hits > 180
    assert row.error_km < 40
    assert scores.alarms["track"].nunique() <= 1
