"""`weather check`: a table, one line for each finding, an exit status."""

import io
import json

import pytest
from rich.console import Console

from weather.checking.findings import FieldCheck, Report
from weather.checking.report import show_report


def test_the_help_names_what_is_read(call, capsys):
    assert call("check", "--help") == 0
    assert "NetCDF, GRIB or Zarr" in " ".join(capsys.readouterr().out.split())


def test_good_data(call, waves_file, capsys):
    assert call("check", waves_file) == 0
    shown = capsys.readouterr().out
    assert "time  has 60 entries, 2001-01-01T00:00..2001-01-15T18:00, every 6 h" in shown
    assert "usable: looked at 4 fields at 60 times; " in shown
    assert shown.rstrip().endswith("nothing to mend")


def test_what_reading_found_is_told(call, waves, tmp_path, capsys):
    twice = waves.isel(time=[*range(60), 5])
    mixed = waves.assign_coords(expver=("time", ["0001"] * 50 + ["0005"] * 10))
    told = {"dropped 1 repeated times": twice, "2 versions (expver 0001, 0005)": mixed}
    for words, dataset in told.items():
        dataset.to_netcdf(tmp_path / "data.nc")
        assert call("check", tmp_path / "data.nc") == 0
        (line,) = (x for x in capsys.readouterr().out.splitlines() if x.startswith("warning"))
        assert words in line


@pytest.mark.parametrize("early", ["0005", 5, 5.0])
def test_files_of_two_releases_are_told(early, call, waves, tmp_path, capsys):
    """The Climate Data Store writes `expver` as text, or, before 2024, as a number."""
    final, later = waves.isel(time=slice(50)), waves.isel(time=slice(50, None))
    final.assign_coords(expver=("time", ["0001"] * 50)).to_netcdf(tmp_path / "a.nc")
    later.assign_coords(expver=("time", [early] * 10)).to_netcdf(tmp_path / "b.nc")
    assert call("check", tmp_path / "a.nc", tmp_path / "b.nc") == 0
    (line,) = (x for x in capsys.readouterr().out.splitlines() if x.startswith("warning"))
    assert "2 versions (expver 0001 in a.nc, 0005 in b.nc); expected one release" in line
    assert call("check", tmp_path / "a.nc") == 0
    assert "warning" not in capsys.readouterr().out


def test_a_file_that_mixes_releases_says_so_once(call, waves, tmp_path, capsys):
    mixed = waves.assign_coords(expver=("time", ["0001"] * 50 + ["0005"] * 10))
    mixed.isel(time=slice(55)).to_netcdf(tmp_path / "a.nc")
    mixed.isel(time=slice(55, None)).to_netcdf(tmp_path / "b.nc")
    assert call("check", tmp_path / "a.nc", tmp_path / "b.nc") == 0
    (line,) = (x for x in capsys.readouterr().out.splitlines() if x.startswith("warning"))
    assert "a.nc: 2 versions (expver 0001, 0005)" in line


def test_a_correction_and_a_refusal(call, waves, tmp_path, capsys):
    data = waves.assign(msl=(waves.msl / 100).assign_attrs(units="Pa"))
    data.to_netcdf(tmp_path / "corrected.nc")
    assert call("check", tmp_path / "corrected.nc") == 0
    assert "corrected: msl averages 1010 Pa, as stated" in capsys.readouterr().out
    data.assign(t=(data.t + 500).assign_attrs(units="K")).to_netcdf(tmp_path / "refused.nc")
    assert call("check", tmp_path / "refused.nc", "--json", tmp_path / "report.json") == 2
    streams = capsys.readouterr()
    assert "not usable as it is" in streams.out
    (line,) = streams.err.splitlines()
    assert line.startswith("error: t at 500 hPa averages 750 K, as stated; expected 150..330 K")
    report = json.loads((tmp_path / "report.json").read_text())
    assert {f["subject"] for f in report["findings"] if f["severity"] == "refused"} == {"t"}


@pytest.fixture(scope="module")
def model(call, waves_file, tiny_config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    assert call("train", waves_file, "--config", tiny_config["graph"], "--run", folder) == 0
    return folder / "model.safetensors"


def test_a_narrow_terminal_loses_nothing(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    fields = [
        FieldCheck("tcwv", ("time", "lat", "lon"), "kg m-2", "kg m-2", "kg m-2", 0.0, 1e36, 0.5,
                   9.97e36, "refused"),
        FieldCheck("z", ("time", "level", "lat", "lon"), "m2 s-2", "m2 s-2", "m2 s-2", -2931.0,
                   493812.0, 0.0, 3.21, "corrected"),
    ]  # fmt: skip
    printed = io.StringIO()
    console = Console(file=printed, width=80)
    show_report(Report((), tuple(fields), ()), console)
    shown = printed.getvalue()
    for text in ("kg m-2", "50.0%", "1.0e+37", "refused", "corrected", "493812", "3.2", "NaN"):
        assert text in shown
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_with_a_model(call, model, waves, waves_file, tmp_path, capsys):
    assert call("check", waves_file, "--model", model) == 0
    assert "z-score" in capsys.readouterr().out
    waves.drop_vars("t").to_netcdf(tmp_path / "bare.nc")
    assert call("check", tmp_path / "bare.nc", "--model", model) == 2
    assert "no variable 't'" in capsys.readouterr().err
    waves.isel(latitude=slice(6)).to_netcdf(tmp_path / "north.nc")
    assert call("check", tmp_path / "north.nc", "--model", model) == 2
    assert "made for 8 x 16 cells" in capsys.readouterr().err
    (waves.assign(t=(waves.t - 90).assign_attrs(units="K"))).to_netcdf(tmp_path / "cold.nc")
    assert call("check", tmp_path / "cold.nc", "--model", model) == 2
    assert "t500 averages 160" in capsys.readouterr().err


def test_train_and_forecast_correct_and_tell(call, model, waves, tiny_config, tmp_path, capsys):
    data = waves.assign(msl=(waves.msl / 100).assign_attrs(units="Pa"))
    data.to_netcdf(tmp_path / "data.nc")
    told = "corrected: msl averages 1010 Pa, as stated; expected 93000..107000 Pa: taken as hPa"
    config, run_folder = tiny_config["graph"], tmp_path / "run"
    assert call("train", tmp_path / "data.nc", "--config", config, "--run", run_folder) == 0
    assert told in " ".join(capsys.readouterr().err.split())
    options = ["--from", tmp_path / "data.nc", "--hours", 6, "--out", tmp_path / "out.nc"]
    assert call("forecast", model, *options) == 0
    assert told in " ".join(capsys.readouterr().err.split())
