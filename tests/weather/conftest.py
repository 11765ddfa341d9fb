"""A tiny globe of analyses, made here: waves that travel eastwards."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sciml.cli import run
from weather.cli import app

TIMES = 60
PEAK = """
import sys
from weather.cli import app, run
try:
    run(app, sys.argv[1:])
except SystemExit as stop:
    assert not stop.code
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print("peak", int(line.split()[1]) * 1024)
"""


@pytest.fixture(scope="session")
def call() -> Callable[..., int]:
    """Runs a command as the console script does; gives its exit status."""

    def call(*arguments: object) -> int:
        try:
            run(app, [str(argument) for argument in arguments])
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    return call


@pytest.fixture
def one_line(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Gives the only line of error on the console."""

    def one_line() -> str:
        lines = [s for s in capsys.readouterr().err.splitlines() if s.startswith("error:")]
        assert len(lines) == 1
        return lines[0]

    return one_line


@pytest.fixture(scope="session")
def last_number() -> Callable[..., int]:
    """Runs a program in a process of its own; gives what it prints as its last word."""

    def last_number(script: str, *arguments: object) -> int:
        command = [sys.executable, "-c", script, *map(str, arguments)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
        return int(done.stdout.split()[-1])

    return last_number


@pytest.fixture(scope="session")
def peak_of_command(last_number: Callable[..., int]) -> Callable[..., int]:
    """Runs a command in a process of its own; gives the bytes that it took at most."""
    return partial(last_number, PEAK)


def travelling_waves(lat: np.ndarray, lon: np.ndarray, times: int = TIMES) -> xr.Dataset:
    """z and t on two levels, msl, and a mountain: names and units as in ERA5 files."""
    time = np.datetime64("2001-01-01", "ns") + np.arange(times) * np.timedelta64(6, "h")
    hours = 6.0 * np.arange(times)[:, None, None]
    phi, lam = np.radians(lat)[None, :, None], np.radians(lon)[None, None, :]
    wave = np.cos(phi) * np.cos(2 * lam - hours / 20) + 0.3 * np.cos(lam + hours / 50)
    level = np.array([500, 850])
    height = np.array([55000.0, 14000.0])[None, :, None, None] + 500 * wave[:, None]
    cold = np.array([250.0, 280.0])[None, :, None, None] + 4 * np.roll(wave, 2, -1)[:, None]
    mountain = (1e4 * np.exp(-(phi**2) - (lam - 2) ** 2))[0]
    return xr.Dataset(
        {
            "z": (("time", "level", "latitude", "longitude"), height, {"units": "m**2 s**-2"}),
            "t": (("time", "level", "latitude", "longitude"), cold, {"units": "K"}),
            "msl": (("time", "latitude", "longitude"), 101000 + 800 * wave, {"units": "Pa"}),
            "z_surface": (("latitude", "longitude"), mountain, {"units": "m**2 s**-2"}),
        },
        {
            "time": time,
            "level": ("level", level, {"units": "hPa"}),
            "latitude": ("latitude", lat, {"units": "degrees_north"}),
            "longitude": ("longitude", lon, {"units": "degrees_east"}),
        },
    )


@pytest.fixture(scope="session")
def waves() -> xr.Dataset:
    """8 x 16 cells without poles."""
    return travelling_waves(np.linspace(78.75, -78.75, 8), np.arange(16) * 22.5)


@pytest.fixture(scope="session")
def hundred_days() -> xr.Dataset:
    """`waves` for longer."""
    return travelling_waves(np.linspace(78.75, -78.75, 8), np.arange(16) * 22.5, times=400)


@pytest.fixture(scope="session")
def waves_file(waves: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`waves` as a file."""
    path = tmp_path_factory.mktemp("analyses") / "waves.nc"
    waves.to_netcdf(path)
    return path


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small experiments, one per backbone."""
    backbones = {
        "transformer": "kind: window_transformer, dim: 16, depths: [2], heads: [2], window: [2, 4]",
        "graph": "kind: graph_network, dim: 16, steps: 1, refinements: 1",
    }
    folder = tmp_path_factory.mktemp("configs")
    for name, backbone in backbones.items():
        (folder / f"{name}.yaml").write_text(
            f"data: {{forcing: [insolation]}}\nmodel:\n  backbone: {{{backbone}}}\n"
            "training: {epochs: 1, batch_size: 8}\n"
        )
    return {name: folder / f"{name}.yaml" for name in backbones}


@pytest.fixture(scope="session")
def region() -> xr.Dataset:
    """10 x 14 cells of mid-latitudes, as large as the waves are."""
    return travelling_waves(np.linspace(75, -60, 10), np.arange(14) * 15.0)


@pytest.fixture(scope="session")
def holed(region: xr.Dataset) -> xr.Dataset:
    """`region` without msl in a corner and without t at 850 hPa in a mountain."""
    corner = (region.latitude > 50) & (region.longitude < 40)
    inside = (region.level == 850) & (abs(region.latitude) < 20) & (region.longitude == 60)
    return region.assign(
        msl=region.msl.where(~corner).assign_attrs(region.msl.attrs),
        t=region.t.where(~inside).assign_attrs(region.t.attrs),
    )
