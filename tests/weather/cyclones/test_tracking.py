"""A known vortex is found and followed; symmetries hold; a quiet field holds no storm."""

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.cyclones.ingredients import Ingredients
from weather.cyclones.tracking import find_tracks
from weather.sphere import DEGREE


@pytest.fixture
def tracks_in(vortex):
    """Finds tracks on a globe without land."""
    return lambda data: (
        find_tracks(data, static=vortex.sea(data.lat.values, data.lon.values)).tracks
    )


@pytest.mark.parametrize(("step", "part"), [(1.0, 0.07), (2.5, 0.15)])
def test_a_moving_vortex_is_followed_far_below_the_grid_spacing(
    vortex, tracks_in, step: float, part: float
) -> None:
    places = vortex.path(15.3, 140.2, 300, 20, 8)
    (track,) = tracks_in(vortex.fields(*vortex.globe(step), [places]))
    assert [fix.time for fix in track.fixes] == list(vortex.START + vortex.STEP * np.arange(8))
    assert vortex.error(track.fixes, places) < part * step * DEGREE
    assert all(fix.centre.warm_core and fix.centre.thickness for fix in track.fixes)


def test_winds_of_the_stratosphere_are_no_winds_of_a_storm(vortex) -> None:
    there = vortex.fields(*vortex.globe(2.5), [vortex.path(15.3, 140.2, 300, 20, 3)])
    high = there.drop_vars(["u10", "v10"])
    high = xr.concat(
        [high.isel(level=0).assign_coords(level=10.0), high], "level", data_vars="minimal"
    )
    high = high.assign({n: high[n].where(high["level"] > 10, 99.0) for n in ("u", "v")})
    used = Ingredients.of(high.assign(msl=there["msl"]))
    assert used.wind == ("u850", "v850")
    assert Ingredients.of(there).wind == ("u10", "v10")


@pytest.mark.parametrize("lon", [179.0, 358.5])
def test_date_line_and_meridian_are_crossed(vortex, tracks_in, lon: float) -> None:
    places = vortex.path(14.0, lon, 280 if lon < 200 else 80, 30, 10)
    (track,) = tracks_in(vortex.fields(*vortex.globe(2.0), [places]))
    assert len(track.fixes) == 10
    assert vortex.error(track.fixes, places) < 0.15 * 2 * DEGREE


def test_turning_the_globe_turns_the_tracks(vortex, tracks_in) -> None:
    lat, lon = vortex.globe(2.5)
    places = vortex.path(16.0, 100.7, 310, 18, 8)
    there = vortex.fields(lat, lon, [places])
    turned = there.roll(lon=37, roll_coords=False)
    (one,), (other,) = tracks_in(there), tracks_in(turned)
    for a, b in zip(one.fixes, other.fixes, strict=True):
        assert b.centre.lat == pytest.approx(a.centre.lat, abs=1e-9)
        assert (b.centre.lon - a.centre.lon) % 360 == pytest.approx(37 * 2.5, abs=1e-9)


def test_the_hemispheres_mirror_each_other(vortex, tracks_in) -> None:
    lat, lon = vortex.globe(2.5)
    north = tracks_in(vortex.fields(lat, lon, [vortex.path(16.0, 100.7, 310, 18, 8)]))
    south = tracks_in(vortex.fields(lat, lon, [vortex.path(-16.0, 100.7, 230, 18, 8)]))
    for a, b in zip(north[0].fixes, south[0].fixes, strict=True):
        assert (b.centre.lat, b.centre.lon) == pytest.approx(
            (-a.centre.lat, a.centre.lon), abs=1e-6
        )
        assert b.centre.vorticity == pytest.approx(a.centre.vorticity)


def test_an_area_gives_what_the_globe_gives(vortex, tracks_in) -> None:
    lat, lon = vortex.globe(2.0)
    whole = vortex.fields(lat, lon, [vortex.path(15.0, 150.0, 290, 15, 6)])
    (on_globe,) = tracks_in(whole)
    (in_area,) = tracks_in(whole.sel(lat=slice(40, -10), lon=slice(120, 180)))
    for a, b in zip(on_globe.fixes, in_area.fixes, strict=True):
        assert (b.centre.lat, b.centre.lon) == pytest.approx((a.centre.lat, a.centre.lon), abs=1e-9)


@pytest.mark.parametrize("kept", [["msl"], ["u10", "v10"], ["z", "u", "v"], ["msl", "t"]])
def test_fewer_fields_find_the_same_storm(vortex, kept: list[str]) -> None:
    lat, lon = vortex.globe(1.0)
    places = vortex.path(15.3, 140.2, 300, 20, 6)
    data = vortex.fields(lat[40:110], lon[100:180], [places])
    if kept == ["z", "u", "v"]:  # heights near the ground in place of pressure
        data = data.assign(z=data["z"].where(data.level < 800, (data.msl - 101000) / 1.2))
    found = find_tracks(data[kept], static=vortex.sea(data.lat.values, data.lon.values))
    (track,) = found.tracks
    assert vortex.error(track.fixes, places) < 0.3 * DEGREE
    said = "\n".join(found.checks)
    assert ("warm core: not checked" in said) == ("t" not in kept)
    assert ("vorticity: not checked" in said) == (not {"u", "u10"} & {*kept})


def test_zonal_flow_and_cold_lows_hold_no_storm(vortex, tracks_in) -> None:
    assert tracks_in(vortex.fields(*vortex.globe(2.5), [], zonal=35.0)) == ()
    cold = vortex.fields(*vortex.globe(2.5), [vortex.path(25.0, 200.0, 60, 30, 8)], warm=False)
    assert tracks_in(cold) == ()
    assert len(tracks_in(cold.drop_vars(["t", "z"]))) == 1  # nothing tells it from a warm one


def test_two_storms_keep_their_own_tracks_through_a_gap(vortex, tracks_in) -> None:
    one, two = vortex.path(14.0, 140.0, 300, 22, 10), vortex.path(17.0, 153.0, 290, 25, 10)
    data = vortex.fields(*vortex.globe(2.0), [one, two])
    gone = data.copy(deep=True)
    gone["msl"][4:6] = 101000.0  # two times without any centre
    found = tracks_in(gone)
    assert sorted(len(track.fixes) for track in found) == [8, 8]
    for track in found:
        places = one if track.fixes[0].centre.lon < 147 else two
        assert vortex.error(track.fixes, places[:4] + places[6:]) < 0.2 * 2 * DEGREE


def test_forecasts_and_members_are_runs_of_their_own(vortex) -> None:
    lat, lon = vortex.globe(2.5)
    calm, storm = (
        vortex.fields(lat, lon, [])[["msl"]],
        vortex.fields(lat, lon, [vortex.path(15.0, 150.0, 290, 15, 8)]),
    )
    both = xr.concat([calm, storm[["msl"]]], xr.Variable("member", [3, 7]), join="override")
    forecast = both.rename(time="lead_time").assign_coords(lead_time=vortex.STEP * np.arange(1, 9))
    forecast = forecast.expand_dims(time=[vortex.START])
    found = find_tracks(forecast, static=vortex.sea(lat, lon))
    assert [run.member for run in found.runs] == [3, 7]
    (track,) = found.tracks
    assert (track.member, track.initial, track.name) == (7, vortex.START, "2001080100-m07-01")
    assert track.lead_hours(track.fixes[0]) == 6


def test_a_storm_does_not_begin_on_land(vortex, tracks_in) -> None:
    data = vortex.fields(*vortex.globe(2.5), [vortex.path(15.0, 20.0, 280, 5, 8)])  # Chad
    assert find_tracks(data).tracks == ()
    assert len(tracks_in(data)) == 1


def test_what_shows_no_storm_is_refused(vortex) -> None:
    data = vortex.fields(*vortex.globe(5.0), [])
    with pytest.raises(InputError, match="nothing here shows a cyclone"):
        find_tracks(data[["t"]])
    with pytest.raises(InputError, match="the static fields have"):
        find_tracks(data, static=vortex.sea(*vortex.globe(2.5)))
