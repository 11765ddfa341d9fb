"""What came in another unit comes out in SI; what is not certain is refused."""

import dask.array
import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.checking import preflight
from weather.checking.preflight import apply, inspect
from weather.checking.standard_atmosphere import standard_height
from weather.files.layout import FieldLayout, Layout
from weather.files.reanalysis import open_reanalysis
from weather.files.units import convertible
from weather.variables import KNOWN, Variables, describe

LEVELS = (10.0, 100.0, 500.0, 850.0, 1000.0)
GLOBE = (np.linspace(87.5, -87.5, 8), np.arange(16) * 22.5)
REGION = (np.linspace(50.0, 40.0, 5), np.linspace(0.0, 10.0, 6))
ARCTIC = (np.linspace(85.0, 65.0, 5), np.linspace(0.0, 10.0, 6))
HUMIDITY = (3e-6, 3e-6, 1e-3, 6e-3, 9e-3)
TEMPERATURE = (225.0, 205.0, 255.0, 278.0, 287.0)


def atmosphere(place=GLOBE, levels=LEVELS):
    """Canonical data of three times, in SI units, as an open file would give it."""
    lat, lon = place
    wave = np.cos(np.radians(lat))[:, None] * np.cos(np.radians(2 * lon))[None]
    wave = wave * np.array([1.0, 0.8, 1.2])[:, None, None]
    rows = [LEVELS.index(level) for level in levels]

    def surface(mean, size):
        return ("time", "lat", "lon"), mean + size * wave

    def upper(means, size):
        means = np.array(means)[rows][:, None, None]
        return ("time", "level", "lat", "lon"), means + np.array(size) * wave[:, None]

    heights = np.array([standard_height(level) for level in LEVELS])
    mountains = 3e4 * np.maximum(0, wave[0])
    dataset = xr.Dataset(
        {
            "z": upper(9.80665 * heights, 300.0),
            "t": upper(TEMPERATURE, 3.0),
            "q": upper(HUMIDITY, 1e-7),
            "r": upper((1.0, 5.0, 40.0, 60.0, 75.0), 0.5),
            "u": upper((5.0,) * 5, 2.0),
            "v": upper((0.0,) * 5, 2.0),
            "msl": surface(101100.0, 600.0),
            "sp": surface(98000.0, 800.0),
            "t2m": surface(287.0, 5.0),
            "tp": surface(1e-3, 4e-4),
            "z_surface": (("lat", "lon"), mountains),
            "lsm": (("lat", "lon"), (wave[0] > 0).astype(float)),
        },
        {
            "time": np.datetime64("2001-01-01", "ns") + np.arange(3) * np.timedelta64(6, "h"),
            "level": list(levels),
            "lat": lat,
            "lon": lon,
        },
    )
    dataset["u"] = dataset["u"] + 8 * np.sin(np.radians(2 * dataset.lat)) ** 2
    fields = {}
    for name in dataset:
        dataset[name].attrs = KNOWN[name].attributes
        dims = tuple(map(str, dataset[name].dims))
        fields[name] = FieldLayout(name=name, dims=dims, units=KNOWN[name].units)
    layout = Layout(
        dims={"lat": "lat", "lon": "lon"}, lat=lat, lon=lon, level=levels, fields=fields
    )
    return layout.attach(dataset)


def arrived(dataset, name, unit, stated):
    """The data set as opened from a file with one field in `unit` that states another."""
    units = convertible(describe(name).units)
    factor, offset = units[unit]
    raw = (dataset[name] - offset) / factor
    factor, offset = units[stated or describe(name).units]
    opened = (raw * factor + offset).assign_attrs(dataset[name].attrs)
    return restated(dataset.assign({name: opened}), name, stated)


def restated(dataset, name, stated):
    layout = Layout.of(dataset)
    field = layout.fields[name].model_copy(update={"units": stated})
    return layout.model_copy(update={"fields": {**layout.fields, name: field}}).attach(dataset)


def unit_of(dataset, name):
    return Layout.of(dataset).fields[name].units


def of_field(report, name):
    return [f for f in report.findings if f.subject == name and f.severity != "ok"]


JUDGED = ("z", "t", "q", "r", "msl", "sp", "t2m", "z_surface", "lsm")
CASES = [
    (name, unit, stated)
    for name in JUDGED
    for unit in convertible(KNOWN[name].units)
    for stated in (None, *convertible(KNOWN[name].units))
    if name != "z_surface" or stated in (None, unit)
]


def test_good_data_is_left_alone():
    dataset = atmosphere()
    report = inspect(dataset)
    assert report.severity == "ok", report.findings
    assert {field.severity for field in report.fields} == {"ok"}
    assert {field.name: field.unit for field in report.fields}["z"] == "m2 s-2"
    assert apply(dataset, report) is dataset


@pytest.mark.parametrize(("name", "unit", "stated"), CASES)
def test_any_unit_comes_out_as_si(name, unit, stated):
    expected = atmosphere()
    dataset = arrived(expected, name, unit, stated)
    report = inspect(dataset)
    corrected = apply(dataset, report)
    xr.testing.assert_allclose(corrected[name], expected[name], rtol=1e-9)
    should_be = stated or KNOWN[name].units
    assert [f.severity for f in of_field(report, name)] == ["corrected"] * (unit != should_be)
    assert unit_of(corrected, name) == (unit if unit != should_be else stated)


@pytest.mark.parametrize("place", [REGION, ARCTIC], ids=["region", "arctic"])
@pytest.mark.parametrize(
    ("name", "unit"), [("z", "m"), ("z", "dam"), ("t", "degC"), ("msl", "hPa"), ("sp", "hPa")]
)
def test_regions_are_told_apart_too(name, unit, place):
    expected = atmosphere(place)
    dataset = arrived(expected, name, unit, KNOWN[name].units)
    corrected = apply(dataset, inspect(dataset))
    xr.testing.assert_allclose(corrected[name], expected[name], rtol=1e-9)


def test_correcting_twice_is_correcting_once():
    dataset = arrived(arrived(atmosphere(), "msl", "hPa", "Pa"), "z", "m", None)
    once = apply(dataset, inspect(dataset))
    again = inspect(once)
    assert not again.of("corrected")
    assert apply(once, again) is once


def test_history_tells_each_correction():
    dataset = arrived(arrived(atmosphere(), "msl", "hPa", "Pa"), "t2m", "degC", "K")
    told = []
    corrected = apply(dataset.assign_attrs(history="made by hand"), inspect(dataset), told.append)
    first, *lines = corrected.attrs["history"].splitlines()
    assert first == "made by hand"
    assert len(lines) == len(told) == 2
    assert np.datetime64(lines[0].split()[0].removesuffix("Z"))
    assert lines[0].endswith(
        "msl averages 1011 Pa, as stated; expected 93000..107000 Pa: taken as hPa and converted"
    )


def test_files_are_not_loaded_by_a_correction(tmp_path):
    data = arrived(atmosphere(), "msl", "hPa", "Pa").drop_attrs()
    data.to_netcdf(tmp_path / "data.nc")
    dataset = open_reanalysis(tmp_path / "data.nc")
    corrected = apply(dataset, inspect(dataset, ["msl"]))
    assert corrected["msl"].chunks is not None
    np.testing.assert_allclose(corrected["msl"], atmosphere()["msl"], rtol=1e-6)


def test_a_data_set_without_layout_is_judged_by_its_attributes():
    dataset = arrived(atmosphere(), "msl", "hPa", "Pa")
    del dataset.attrs["layout"]
    corrected = apply(dataset, inspect(dataset))
    assert "layout" not in corrected.attrs
    assert float(corrected.msl.mean()) == pytest.approx(101100, abs=200)


@pytest.mark.parametrize(
    ("name", "unit", "place", "levels", "fits"),
    [
        ("z", "m", REGION, (1000.0,), "m2 s-2 and m"),
        ("q", "g kg-1", ARCTIC, (850.0,), "kg kg-1 and g kg-1"),
        ("r", "1", REGION, (100.0,), "% and 1"),
        ("z_surface", "m", REGION, LEVELS, "m2 s-2 and m and dam"),
    ],
)
def test_what_values_cannot_tell_is_refused_unless_stated(name, unit, place, levels, fits):
    expected = atmosphere(place, levels)
    if name == "q":
        expected["q"] = expected["q"] * 5e-4  # polar night over the ice
    if name == "z_surface":
        expected["z_surface"] = expected["z_surface"] / 10
    dataset = arrived(expected, name, unit, None)
    report = inspect(dataset)
    (finding,) = of_field(report, name)
    assert finding.severity == "refused"
    assert fits in finding.text
    with pytest.raises(InputError, match=r"no unit stated; its values fit .*: state its unit"):
        apply(dataset, report)
    stated = arrived(expected, name, unit, unit)
    xr.testing.assert_allclose(apply(stated, inspect(stated))[name], expected[name])


def test_an_anomaly_is_not_taken_for_degrees_celsius():
    dataset = atmosphere()
    dataset["t2m"] = (dataset.t2m - dataset.t2m.mean()).assign_attrs(units="K")
    with pytest.raises(InputError, match="fit degC and K as an anomaly"):
        apply(dataset, inspect(dataset))


def test_a_single_low_level_is_certain_on_the_globe():
    expected = atmosphere(levels=(1000.0,))
    dataset = arrived(expected, "z", "m", None)
    xr.testing.assert_allclose(apply(dataset, inspect(dataset)).z, expected.z)
    (doubt,) = of_field(inspect(arrived(expected, "z", "m", "m2 s-2")), "z")
    assert doubt.severity == "warning"
    assert "suit m" in doubt.text


def test_low_mountains_on_the_globe_raise_doubt():
    dataset = arrived(atmosphere(), "z_surface", "m", "m2 s-2")
    (doubt,) = of_field(inspect(dataset), "z_surface")
    assert doubt.severity == "warning"
    assert "reaches 2987 m2 s-2, as stated on the globe; expected values that suit m" in doubt.text


def test_units_that_change_in_time_are_refused():
    dataset = atmosphere()
    dataset["msl"] = dataset.msl * xr.DataArray([1.0, 0.01, 0.01], dims="time")
    with pytest.raises(InputError, match=r"Pa at 2001-01-01T00:00, hPa at 2001-01-01T06:00"):
        apply(dataset, inspect(dataset))


def test_levels_that_disagree_are_refused():
    dataset = atmosphere()
    dataset["z"] = dataset.z / xr.where(dataset.level == 500, 9.80665, 1.0)
    with pytest.raises(InputError, match="z at 500 hPa averages 5574 m2 s-2"):
        apply(dataset, inspect(dataset))


@pytest.mark.parametrize(("factor", "came"), [(100.0, "Pa"), (0.01, "hPa")])
def test_levels_in_pascals_are_told_by_geopotential(factor, came):
    levels = (10.0, 100.0)
    expected = atmosphere(levels=levels)
    dataset = expected.assign_coords(level=[factor * level for level in levels])
    report = inspect(dataset, Variables(upper=("z", "t"), levels=levels))
    assert [f.subject for f in report.of("corrected")] == ["level"]
    corrected = apply(dataset, report)
    assert corrected.level.values.tolist() == list(levels)
    assert Layout.of(corrected).level_units == came


def test_what_a_model_needs_and_the_data_lacks():
    report = inspect(atmosphere(), Variables(surface=("ms1",)))
    assert "no variable 'ms1'" in report.of("refused")[0].text
    report = inspect(atmosphere(), Variables(upper=("z",), levels=(500, 700)))
    assert "no level 700 hPa" in report.of("refused")[0].text
    report = inspect(atmosphere(), ["t2"])
    assert "did you mean 't2m'" in report.of("refused")[0].text


def test_only_the_given_times_are_looked_at():
    dataset = atmosphere()
    dataset["msl"][1] = 1e36
    assert inspect(dataset, times=dataset.time.values[[0, 2]]).severity == "ok"
    assert inspect(dataset, times=dataset.time.values[1:2]).severity == "refused"


def test_every_time_of_a_small_series_is_looked_at():
    for value, words in ((1e36, "fill value"), (np.nan, "no values at 1 of 3 times")):
        dataset = atmosphere()
        dataset["msl"][1] = value
        (finding,) = inspect(dataset, ["msl"]).of("refused")
        assert words in finding.text


@pytest.mark.parametrize(
    ("limit", "expected"), [(0, [0, 50, 100]), (5 * 1024, [0, 25, 50, 75, 100])]
)
def test_of_a_long_series_times_are_looked_at_evenly(monkeypatch, limit, expected):
    monkeypatch.setattr(preflight, "SAMPLED", limit)
    read = []

    def block(block_info):
        read.append(block_info[None]["chunk-location"][0])
        return np.full((1, 8, 16), 101000.0) + np.arange(16) + read[-1]

    values = dask.array.map_blocks(block, chunks=((1,) * 101, (8,), (16,)), dtype=float)
    time = np.datetime64("2001-01-01", "ns") + np.arange(101) * np.timedelta64(6, "h")
    lat, lon = GLOBE
    coordinates = {"time": time, "lat": lat, "lon": lon}
    field = xr.DataArray(values, coordinates, ("time", "lat", "lon"), attrs={"units": "Pa"})
    read.clear()
    assert inspect(xr.Dataset({"msl": field})).severity == "ok"
    assert sorted(read) == expected


def test_several_refusals_are_one_line():
    dataset = atmosphere()
    for name in ("msl", "sp", "t2m"):
        dataset[name] = dataset[name] * 1e3
    with pytest.raises(InputError, match=r"^msl .* \(and 2 more: see `weather check`\)$"):
        apply(dataset, inspect(dataset))


def test_members_are_looked_at_together():
    dataset = atmosphere().drop_vars(["z_surface", "lsm"])
    both = xr.concat([dataset, dataset], "member").transpose("time", "member", ...)
    assert inspect(both).severity == "ok"


def test_winds_in_each_others_place():
    dataset = atmosphere()
    swapped = dataset.assign(u=dataset.v, v=dataset.u)
    (finding,) = inspect(swapped).of("warning")
    assert "swapped" in finding.text


REAL = sorted(["erainterim_europe_1p5deg_daily12z_2000-2008.nc",
    "era5_global_2p5deg_6h_msl_vo850_20251201-20260208.nc",
    "gfs_global_1deg_6h_wind10m_20260324-20260506.nc",
    "gfs_global_1deg_6h_wind850_20260419-20260505.nc", "namerica_storm_199601_6h.nc",
    "ncep_r1_iberia_2p5deg_daily_1961-2000.nc", "snapshots/era5_tl31_37levels_19590102T00.nc",
    "snapshots/erainterim_1p5deg_37levels_uvt_20050123T00.nc",
    "snapshots/erainterim_0p75deg_z_500_1000_19870909.nc",
    "snapshots/merra2_h_500_1000_19870909.nc4", "snapshots/ncep_r1_2p5deg_hgt_1960.nc",
    "static/era5_orography_geopotential_0p25deg.nc", "static/era5_land_sea_mask_0p5deg.nc",
    "static/ncep_land_sea_mask_t62_gaussian_192x94.nc", "static/static_europe_1p5deg.nc",
])  # fmt: skip


@pytest.mark.parametrize("file", REAL)
def test_real_files_are_taken_as_they_are(file, shared_data):
    report = inspect(open_reanalysis(shared_data / "weather" / file))
    assert not report.of("corrected")
    assert all("no values at" in finding.text for finding in report.of("refused"))
    for finding in report.of("warning"):
        assert "NaN" in finding.text or finding.subject == "time"
