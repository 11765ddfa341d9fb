"""The simulated atmosphere: conservation, balance, climate, determinism, file."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.cli import app
from weather.grid import LatLonGrid
from weather.simulation import simulate
from weather.simulation.simulate import LEVELS, Simulation
from weather.variables import KNOWN

pytest.importorskip("dinosaur", reason="the simulation needs the extra weather[simulate]")

SHORT = Simulation(days=2, spinup=1)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    path = tmp_path_factory.mktemp("simulate") / "short.nc"
    simulate.simulate(SHORT, path)
    return xr.load_dataset(path)


@pytest.fixture(scope="module")
def climate(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    path = tmp_path_factory.mktemp("simulate") / "climate.nc"
    simulate.simulate(Simulation(days=60, spinup=90, every=24), path)
    return xr.load_dataset(path)


def global_mean(field: xr.DataArray) -> xr.DataArray:
    grid = LatLonGrid(lat=tuple(field.latitude.values), lon=tuple(field.longitude.values))
    weights = xr.DataArray(grid.area_weights(), dims="latitude")
    return (field.astype(np.float64) * weights).mean(["latitude", "longitude"])


def test_layout_and_attributes(short: xr.Dataset) -> None:
    assert dict(short.sizes) == {"time": 9, "level": 13, "latitude": 32, "longitude": 64}
    assert short.latitude[0] > short.latitude[-1]
    assert tuple(short.level.values) == LEVELS
    assert (np.diff(short.time) == np.timedelta64(6, "h")).all()
    assert short.attrs["Conventions"].startswith("CF-")
    assert "Held" in short.attrs["references"]
    assert "not data" in short.attrs["source"]
    for name, field in short.items():
        assert field.dtype == np.float32
        assert np.isfinite(field).all()
        assert field.attrs == KNOWN[str(name)].attributes


def test_total_mass_is_conserved(short: xr.Dataset) -> None:
    """To single precision with Gaussian weights; cell areas differ from them by a little more."""
    mean = global_mean(short["sp"])
    assert np.ptp(mean.values) < 2e-5 * float(mean[0])


def test_thickness_follows_temperature(short: xr.Dataset) -> None:
    """Hydrostatic closure between levels; the trapezoid rule is what is not exact."""
    between = 0.5 * (short["t"] + short["t"].shift(level=1)).isel(level=slice(1, None))
    thickness = short["z"].diff("level")
    depth = np.log(short.level).diff("level")
    expected = -short.attrs["gas_constant_of_dry_air"] * between * depth
    error = np.abs(thickness - expected) / np.abs(expected)
    assert float(error.max()) < 1e-2


def test_sea_level_pressure_agrees_with_the_1000_hpa_surface(short: xr.Dataset) -> None:
    low = short.isel(time=-1)
    implied = 1e5 * np.exp(low["z"].sel(level=1000) / (287 * low["t"].sel(level=1000)))
    assert float(np.abs(implied - low["msl"]).max()) < 20


def test_the_seed_decides_the_first_state() -> None:
    from weather.simulation.held_suarez import Atmosphere

    def temperature(seed: int) -> np.ndarray:
        frame = next(Atmosphere(21, 3600, "earthlike", seed).frames(0, 1))
        assert frame is not None
        return frame.column.temperature

    np.testing.assert_array_equal(temperature(3), temperature(3))
    assert np.abs(temperature(3) - temperature(4)).max() > 0.5


@pytest.mark.slow
def test_the_same_arguments_give_the_same_file(short: xr.Dataset, tmp_path: Path) -> None:
    simulate.simulate(SHORT, tmp_path / "again.nc")
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "again.nc"), short)


@pytest.mark.slow
def test_westerly_jets_and_trade_winds(climate: xr.Dataset) -> None:
    """Held and Suarez (1994), figure 1: jets near 45 degrees of about 30 m/s, easterlies below."""
    wind = climate["u"].mean(["time", "longitude"])
    for hemisphere in (slice(70, 20), slice(-20, -70)):
        jet = wind.sel(latitude=hemisphere, level=250)
        assert 20 < float(jet.max()) < 45
        assert 25 < abs(float(jet.idxmax("latitude"))) < 55
    assert float(wind.sel(latitude=slice(15, -15), level=925).mean()) < 0


@pytest.mark.slow
def test_storms_move_the_heat(climate: xr.Dataset) -> None:
    """Transient eddies are alive: day-to-day variance of z500 peaks in middle latitudes."""
    spread = climate["z"].sel(level=500).std("time").mean("longitude")
    middle = float(spread.sel(latitude=slice(60, 40)).mean())
    assert middle > 400
    assert middle > 4 * float(spread.sel(latitude=slice(10, -10)).mean())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"truncation": 63}, "truncation is 63"),
        ({"days": 0}, "0 days"),
        ({"every": 7}, "divisor of 24"),
        ({"orography": "moon"}, "orography is 'moon'"),
    ],
)
def test_wrong_options(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Simulation(**wrong)  # type: ignore[arg-type]


def test_missing_dinosaur_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "weather.simulation.held_suarez", None)
    with pytest.raises(InputError, match=r"pip install 'sciml-foundation\[simulate\]'"):
        simulate.simulate(SHORT, tmp_path / "none.nc")
    assert not list(tmp_path.iterdir())


def test_the_command_reads_durations(tmp_path: Path) -> None:
    for every, message in (("7x", "'7x' is not a duration"), ("7h", "every 7 h")):
        tokens = ["simulate", "--out", str(tmp_path / "s.nc"), "--every", every]
        with pytest.raises(InputError, match=message):
            app(tokens, result_action="return_value")
    assert not list(tmp_path.iterdir())
