"""Real analyses and orography prepared, and more data than memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.training.data import DataConfig, all_variables, open_fields, samples, split
from weather.training.measure import measure
from weather.training.prepare import Preparation, prepare
from weather.training.regrid import Regridder
from weather.training.source import Choice
from weather.training.store import statistics


def grid_mean(field):
    weights = LatLonGrid.from_dataset(field).area_weights()
    return (field.values.astype(float).mean(-1) * weights).mean(-1)


def test_gfs_winds_to_five_degrees(call, shared_data, tmp_path, capsys):
    file = shared_data / "weather" / "gfs_global_1deg_6h_wind10m_20260324-20260506.nc"
    orography = shared_data / "weather" / "static" / "era5_orography_geopotential_0p25deg.nc"
    out = tmp_path / "gfs.zarr"
    status = call(
        "prepare", file, "--out", out, "--grid", "5", "--static", orography,
        "--variables", "u10", "v10", "--memory", "512MiB", "--time-chunk", "8",
    )  # fmt: skip
    said = capsys.readouterr()
    assert status == 0, said.err
    assert "wrote" in said.out
    assert "174 times of 2 fields on 37 x 72 cells, 90..-90 N, 0..355 E" in said.out
    assert "gap in time: 2026-04-07T18:00 to 2026-04-08T06:00 (12 h" in said.err

    found, given = open_reanalysis(out), open_reanalysis(file)
    for name in ("u10", "v10"):  # winds are of order 10 m/s; stored in single precision
        np.testing.assert_allclose(grid_mean(found[name]), grid_mean(given[name]), atol=1e-6)
    height = open_reanalysis(orography)["z_surface"]
    np.testing.assert_allclose(grid_mean(found["z_surface"]), grid_mean(height), rtol=1e-6)

    fields = open_fields(found, all_variables(found, ()), memory=8)
    data = samples(fields, split(fields.times, DataConfig())["train"], 21600, 2)
    composed, measured = statistics(data, out, 21600), measure(data)
    assert len(data) == 137  # of 139 times, one missing: two pairs are lost
    for name, moments in measured.items():
        np.testing.assert_allclose(composed[name].mean, moments.mean, atol=1e-14)
        np.testing.assert_allclose(composed[name].change, moments.change, rtol=1e-12)


def test_orography_to_two_and_a_half_degrees(shared_data):
    folder = shared_data / "weather" / "static"
    fine = open_reanalysis(folder / "era5_orography_geopotential_0p25deg.nc")["z_surface"]
    boxes = open_reanalysis(folder / "static_global_2p5deg.nc")["z_surface"]
    grid = LatLonGrid.from_dataset(boxes)
    means = Regridder(LatLonGrid.from_dataset(fine), grid)(fine.values)
    # The boxes hold the 11 x 11 points whose centres lie within 1.25 degrees, with weights
    # cos(lat), so they overlap by a row and a column of points; cells cut those in half.
    difference = means - boxes.values
    rms = np.sqrt(np.average(difference**2, weights=np.broadcast_to(
        grid.area_weights()[:, None], grid.shape
    )))  # fmt: skip
    assert rms < 0.015 * boxes.values.std()
    assert np.corrcoef(means.ravel(), boxes.values.ravel())[0, 1] > 0.9999
    kept = (means.mean(-1) * grid.area_weights()).mean()
    assert kept == pytest.approx(grid_mean(fine), rel=1e-12)
    assert grid_mean(boxes) != pytest.approx(grid_mean(fine), rel=1e-4)


def test_a_region_at_other_hours(shared_data, tmp_path):
    file = shared_data / "weather" / "erainterim_europe_1p5deg_daily12z_2000-2008.nc"
    choice = Choice(grid="3", start="2004", end="2005-02")
    prepare([str(file)], [], Preparation(choice=choice), tmp_path / "europe.zarr")
    found = open_reanalysis(tmp_path / "europe.zarr")
    assert found.sizes == {"time": 366 + 59, "lat": 9, "lon": 11}
    assert set(found.data_vars) == {"msl", "z500", "t850"}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read in /proc")
def test_four_times_more_data_than_memory(tmp_path):
    script = Path(__file__).parents[3] / "benchmarks" / "prepare.py"
    subprocess.run([sys.executable, script, "--out", tmp_path], check=True, capture_output=True)
    measured = json.loads((tmp_path / "prepare.json").read_text())
    assert measured["data_mib"] > 4 * measured["limit_mib"]
    assert measured["peak_growth_mib"] < measured["limit_mib"]
