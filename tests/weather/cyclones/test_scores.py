"""Best tracks are read whatever their form; scores of known errors are those errors."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sciml.errors import InputError
from weather.cyclones.best_track import read_best_tracks
from weather.cyclones.matching import known_storms
from weather.cyclones.scores import score_tracks
from weather.cyclones.tracking import Tracks, find_tracks
from weather.sphere import bearing, destination, distance

START = np.datetime64("2001-08-01", "ns")
STEP = np.timedelta64(6, "h").astype("timedelta64[ns]")
PLACES = [tuple(map(float, destination(15.0, 150.0, 290, 120.0 * i))) for i in range(8)]


@pytest.fixture(scope="module")
def found(vortex) -> Tracks:
    data = vortex.fields(*vortex.globe(2.5), [PLACES, vortex.path(-15.0, 80.0, 250, 15, 8)])
    return find_tracks(data, static=vortex.sea(data.lat.values, data.lon.values))


def best(places, wind: float = 60.0, nature: str = "TS", storm: str = "A") -> pd.DataFrame:
    lat, lon = np.array(places).T
    return pd.DataFrame({
        "storm": storm, "name": "ALMA", "number": "WP012001", "basin": "WP",
        "time": pd.to_datetime(START + STEP * np.arange(len(places))), "lat": lat, "lon": lon,
        "pressure": 960.0, "wind": wind, "nature": nature,
    })  # fmt: skip


def test_a_shifted_best_track_gives_the_shift(found: Tracks) -> None:
    ahead = [destination(*p, bearing(*p, *q), 200.0) for p, q in pairwise(PLACES)]
    scores = score_tracks(found, best([tuple(map(float, p)) for p in ahead]))
    row = scores.by_lead.iloc[0]
    assert (row.cases, row.hits, row.misses) == (7, 7, 0)
    assert row.error_km == pytest.approx(200, abs=25)
    assert row.along_km == pytest.approx(-200, abs=25)
    assert row.cross_km == pytest.approx(0, abs=25)


def test_misses_alarms_and_basins(found: Tracks) -> None:
    far = [(lat + 15, lon) for lat, lon in PLACES]
    scores = score_tracks(found, best(far))
    row = scores.by_lead.iloc[0]
    assert (row.cases, row.hits, row.misses, row.false_alarms) == (8, 0, 8, 8)
    assert scores.basins == ("WP",)  # the storm of the southern hemisphere cannot be judged
    weak = score_tracks(found, best(PLACES, wind=25.0))
    assert len(weak.cases) == 0
    assert len(weak.alarms) == 0  # a depression is no gale, and no false alarm
    assert known_storms(found, best(PLACES))["01"] == ("WP012001", "ALMA")


def test_other_periods_are_refused(found: Tracks) -> None:
    late = best(PLACES)
    late["time"] += pd.Timedelta(days=900)
    with pytest.raises(InputError, match="no fix at the times of the data"):
        score_tracks(found, late)


def test_extrapolation_of_a_straight_path_is_exact(vortex) -> None:
    whole = vortex.path(15.0, 150.0, 290, 20, 12)
    data = vortex.fields(*vortex.globe(2.5), [whole[4:]])
    lead = np.arange(1, 9) * STEP
    forecast = data.rename(time="lead_time").assign_coords(lead_time=lead)
    start = START + 3 * STEP
    forecast = forecast.expand_dims(time=[start])
    found = find_tracks(forecast, static=vortex.sea(data.lat.values, data.lon.values))
    scores = score_tracks(found, best(whole))
    assert scores.by_lead["lead_hours"].tolist() == (lead / np.timedelta64(1, "h")).tolist()
    assert scores.by_lead["extrapolation_km"].max() < 1e-6
    assert scores.by_lead["error_km"].max() < 40


def test_great_circles() -> None:
    assert distance(0, 0, 0, 90) == pytest.approx(np.pi / 2 * 6371)
    there = destination(50.0, 170.0, 70.0, 3000.0)
    assert distance(50.0, 170.0, *there) == pytest.approx(3000.0)
    assert bearing(50.0, 170.0, *there) == pytest.approx(70.0)
    assert destination(89.0, 10.0, 0.0, 222.39)[1] == pytest.approx(190.0)  # over the pole


IBTRACS = """\
SID,SEASON,BASIN,NAME,ISO_TIME,NATURE,LAT,LON,WMO_WIND,WMO_PRES,USA_ATCF_ID,USA_WIND,USA_PRES
 ,Year, , , , ,degrees_north,degrees_east,kts,mb, ,kts,mb
2001001N10150,2001,NA,ALMA,2001-08-01 00:00:00,TS,15.0,-60.0,45, ,AL012001,50,990
2001001N10150,2001,NA,ALMA,2001-08-01 03:00:00,TS,15.2,-60.4, , ,AL012001, ,
"""


def test_ibtracs_with_its_row_of_units(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(IBTRACS)
    table = read_best_tracks(tmp_path / "b.csv")
    assert table["wind"].tolist()[0] == 50
    assert table["basin"].tolist() == ["AL", "AL"]
    assert np.isnan(table["pressure"].tolist()[1])
    (tmp_path / "c.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column of storm, time, lat, lon"):
        read_best_tracks(tmp_path / "c.csv")


def test_real_best_tracks(shared_data: Path) -> None:
    folder = shared_data / "weather" / "tracks"
    netcdf = read_best_tracks(folder / "ibtracs_v04r00_2_storms.nc")
    assert set(netcdf["name"]) == {"IMOGEN", "NOT_NAMED"}
    assert netcdf["time"].iloc[0] == pd.Timestamp("2021-01-01")
    west = read_best_tracks(folder / "wpac_operational_tracks_2026_jul_aug.csv")
    assert set(west["basin"]) == {"WP"}
    assert west["wind"].max() > 100  # m/s in the file, kt here
