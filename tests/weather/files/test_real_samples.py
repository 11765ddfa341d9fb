"""Every real sample opens, in canonical form, with plausible values and its own layout."""

import functools
from pathlib import Path

import numpy as np
import pytest

from weather.files.layout import Layout
from weather.files.reanalysis import open_reanalysis, static_fields, to_state
from weather.grid import LatLonGrid
from weather.state import require_finite
from weather.variables import Variables

# file -> shape of the grid, number of levels, number of times, own names of (level, lat), and
# mean and tolerance of some fields
SAMPLES = {
    "era5_tl31_37levels_19590102T00.nc": (
        (32, 64), 37, 1, ("level", "latitude"),
        {"z500": (54200, 1000), "t850": (275, 8), "q850": (0.005, 0.003), "u250": (14, 6)},
    ),
    "erainterim_1p5deg_37levels_uvt_20050123T00.nc": (
        (121, 240), 37, 1, ("level", "latitude"), {"t850": (275, 8), "u250": (13, 6)},
    ),
    "erainterim_0p75deg_z_500_1000_19870909.nc": (
        (241, 480), 2, 4, ("level", "latitude"), {"z500": (54700, 1000), "z1000": (750, 500)},
    ),
    "era5_2p5deg_850hPa_wind_vorticity_20251201T00.nc": (
        (73, 144), 1, 1, (None, "latitude"), {"u850": (1, 3), "vo850": (0, 1e-5)},
    ),
    "gfs_2p5deg_26levels_20111008T00_f072.grib2": (
        (73, 144), 26, 1, ("isobaricInhPa", "latitude"),
        {"z500": (54500, 1000), "t850": (276, 8), "u250": (12, 6), "v250": (0, 2),
         "q850": (0.005, 0.003), "msl": (101100, 500), "t2m": (278, 8), "u10": (0, 2),
         "v10": (0, 2), "sp": (96700, 1500), "z_surface": (3700, 2000), "tp": (0.002, 0.003)},
    ),
    "ecmwf_fc_10deg_6levels_20240603-20240604.grib": (
        (19, 36), 6, 8, ("isobaricInhPa", "latitude"),
        {"z500": (54500, 1500), "t850": (276, 8), "r850": (65, 20), "q850": (0.005, 0.003)},
    ),
    "era5_ensemble_3deg_z_t_500_850_20170101-20170102.grib": (
        (61, 120), 2, 4, ("isobaricInhPa", "latitude"), {"z500": (54200, 1000), "t850": (275, 8)},
    ),
    "ecmwf_an_1deg_t_z_500_850_20070101T12.grib": (
        (181, 360), 2, 1, ("isobaricInhPa", "latitude"), {"z500": (54200, 1000), "t850": (275, 8)},
    ),
    "ifs_open_0p4deg_ccsds_20240101T00.grib2": (
        (451, 900), 7, 1, ("isobaricInhPa", "latitude"),
        {"z300": (88500, 2500), "r500": (45, 20), "tp": (0, 1e-9)},
    ),
    "ncep_r1_2p5deg_hgt_1960.nc": ((73, 144), 1, 41, ("level", "lat"), {"z1000": (800, 600)}),
    "merra2_h_500_1000_19870909.nc4": (
        (121, 576), 2, 4, ("lev", "lat"), {"z500": (55400, 1500), "z1000": (900, 600)},
    ),
}  # fmt: skip


@functools.cache
def snapshot(shared_data, name):
    if Path(name).suffix in (".grib", ".grib2"):
        pytest.importorskip("cfgrib")
    return open_reanalysis(shared_data / "weather" / "snapshots" / name)


def field(dataset, channel):
    """`z500` is the field z at 500 hPa."""
    name, level = channel.rstrip("0123456789"), channel.lstrip("abcdefghijklmnopqrstuvwxyz_")
    if channel in dataset:
        return dataset[channel]
    return dataset[name].sel(level=float(level))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_real_sample_opens_in_canonical_form(name, shared_data):
    shape, levels, times, (own_level, own_lat), means = SAMPLES[name]
    dataset = snapshot(shared_data, name)
    assert LatLonGrid.from_dataset(dataset).shape == shape
    assert dataset.sizes["time"] == times
    assert dataset.sizes["level"] == levels
    assert (np.diff(dataset.level) > 0).all()
    assert dataset.level.values[[0, -1]].min() >= 1
    assert dataset.level.values.max() <= 1000
    for channel, (mean, tolerance) in means.items():
        assert float(field(dataset, channel).mean()) == pytest.approx(mean, abs=tolerance), channel
    layout = Layout.of(dataset)
    assert layout.dims.get("level") == own_level
    assert layout.dims["lat"] == own_lat
    assert (len(layout.lat), len(layout.lon)) == shape
    assert set(layout.fields) >= {str(n) for n in dataset.data_vars} - {"q"}


def test_a_gfs_state_is_whole_and_valid_three_days_later(shared_data):
    dataset = snapshot(shared_data, "gfs_2p5deg_26levels_20111008T00_f072.grib2")
    assert dataset.time.values == np.datetime64("2011-10-11T00")
    choice = Variables(
        surface=("msl", "t2m", "u10", "v10", "sp"), upper=("z", "q", "t", "u", "v"),
        levels=(50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000),
        static=("z_surface", "lsm"),
    )  # fmt: skip
    require_finite(to_state(dataset, choice))
    assert static_fields(dataset, choice)["lsm"].mean() == pytest.approx(0.33, abs=0.05)
    wind = np.hypot(dataset.u, dataset.v).sel(level=250)
    assert 60 < float(wind.max()) < 110  # jet streams
    lines = dataset.attrs["history"]
    assert "forecasts of 72 h, by valid time" in lines
    assert "left out 'mslet'; msl is there as 'prmsl'" in lines
    assert "q computed from r and t" in lines
    layout = Layout.of(dataset)
    assert layout.fields["z"].name == "gh"
    assert layout.fields["z"].units == "gpm"
    assert layout.fields["z"].attributes["GRIB_shortName"] == "gh"
    assert 20 not in layout.fields["r"].level  # hPa; NCEP gives none there
    assert layout.level[:2] == (1000, 975)
    assert "q" not in layout.fields


def test_runs_that_follow_one_another_are_read_by_valid_time(shared_data):
    dataset = snapshot(shared_data, "ecmwf_fc_10deg_6levels_20240603-20240604.grib")
    hours = np.diff(dataset.time.values) / np.timedelta64(1, "h")
    assert hours.tolist() == [6] * 7
    import cfgrib

    path = shared_data / "weather" / "snapshots" / "ecmwf_fc_10deg_6levels_20240603-20240604.grib"
    raw = cfgrib.open_dataset(path, backend_kwargs={"indexpath": ""})
    later = dataset.t.sel(time="2024-06-03T18", level=850).squeeze()
    np.testing.assert_array_equal(later, raw.t.isel(time=1, step=1).sel(isobaricInhPa=850))


def test_members_of_an_ensemble_differ_by_little(shared_data):
    dataset = snapshot(shared_data, "era5_ensemble_3deg_z_t_500_850_20170101-20170102.grib")
    assert dataset.z.dims == ("time", "member", "level", "lat", "lon")
    spread = float(dataset.z.sel(level=500).std("member").mean())
    assert 5 < spread < 100  # m2 s-2


def test_longitudes_around_the_date_line_become_a_globe(shared_data):
    dataset = snapshot(shared_data, "ifs_open_0p4deg_ccsds_20240101T00.grib2")
    assert dataset.lon.values[[0, -1]].tolist() == pytest.approx([0, 359.6])
    assert Layout.of(dataset).lon[0] == pytest.approx(-180)
    assert Layout.of(dataset).fields["z"].level == (200, 250, 300, 700, 925)
    assert bool(dataset.z.sel(level=500).isnull().all())


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("static_global_2p5deg.nc", {"z_surface": 3700, "lsm": 0.33}),
        ("static_global_1deg.nc", {"z_surface": 3700, "lsm": 0.33}),
        ("static_europe_1p5deg.nc", {"z_surface": 3000, "lsm": 0.5}),
        ("era5_orography_geopotential_0p25deg.nc", {"z_surface": 3700}),
        ("era5_land_sea_mask_0p5deg.nc", {"lsm": 0.33}),
        ("ncep_land_sea_mask_t62_gaussian_192x94.nc", {"lsm": 0.33}),
    ],
)
def test_static_fields_of_real_files(name, fields, shared_data):
    dataset = open_reanalysis(shared_data / "weather" / "static" / name)
    for key, mean in fields.items():
        assert dataset[key].dims == ("lat", "lon")
        assert float(dataset[key].mean()) == pytest.approx(mean, rel=0.5)
    assert Layout.of(dataset).lat[0] > Layout.of(dataset).lat[-1]
