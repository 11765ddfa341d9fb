"""Options of several values take them after one flag, as from a glob of the shell."""

import inspect
from types import UnionType
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest
import xarray as xr
from cyclopts import Parameter

from sciml.cli import Overrides
from weather.cli import COMMANDS, app


def several(annotation):
    """Whether values of this type are lists."""
    bare = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    parts = get_args(bare) if isinstance(bare, UnionType) else (bare,)
    return any(get_origin(part) is list for part in parts)


def takes_several(annotation):
    """Whether its option takes several values after one flag."""
    parameters = [part for part in get_args(annotation) if isinstance(part, Parameter)]
    return any(parameter.consume_multiple for parameter in parameters)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_several_values(command):
    function = app[command].default_command
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    options = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    lists = [name for name in options if several(hints[name]) and hints[name] != Overrides]
    assert all(takes_several(hints[name]) for name in lists)


@pytest.fixture(scope="module")
def halves(hundred_days, tmp_path_factory):
    """Analyses in two files, static fields in a third."""
    folder = tmp_path_factory.mktemp("halves")
    hundred_days.isel(time=slice(60)).to_netcdf(folder / "a.nc")
    hundred_days.isel(time=slice(60, 160)).to_netcdf(folder / "b.nc")
    hundred_days[["z_surface"]].to_netcdf(folder / "z.nc")
    return [folder / "a.nc", folder / "b.nc"]


@pytest.fixture(scope="module")
def runs(hundred_days, tmp_path_factory):
    """Two forecasts, a file each, that come true as analyses of the second half."""
    folder = tmp_path_factory.mktemp("runs")
    for number, start in enumerate((80, 88)):
        part = hundred_days[["msl"]].isel(time=slice(start + 1, start + 5))
        initial = hundred_days.time.values[start]
        part = part.rename(time="step").assign_coords(step=part.time.values - initial, time=initial)
        part.to_netcdf(folder / f"{number}.nc")
    return sorted(folder.iterdir())


def test_plot_takes_several_files_of_truth_and_of_forecasts(call, halves, runs, tmp_path):
    moment = ("--time", "2001-01-23T00", "--lead", "24h", "--static", halves[0].parent / "z.nc")
    shown = ("--truth", *halves, "--product", "msl", "--out", tmp_path / "map.png")
    assert call("plot", *runs, *moment, *shown) == 0
    assert (tmp_path / "map.png").stat().st_size > 10_000


def test_tracks_are_drawn_of_one_file(call, one_line, tmp_path):
    picture = ("--kind", "tracks", "--out", tmp_path / "t.png")
    assert call("plot", "a.csv", "b.csv", *picture) == 2
    assert "draws one tracks.csv; 2 files came" in one_line()


def test_alarm_takes_several_analyses_and_forecasts(call, halves, runs, tmp_path, one_line):
    out = ("--out", tmp_path / "alarm.nc")
    assert call("alarm", *runs, *out, "--climatology-from", halves[0]) == 2
    assert "give at least 20" in one_line()
    assert call("alarm", *runs, *out, "--climatology-from", *halves) == 0
    with xr.open_dataset(tmp_path / "alarm.nc", decode_timedelta=True) as made:
        assert made.sizes["time"] == 2
