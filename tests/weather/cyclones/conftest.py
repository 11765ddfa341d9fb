"""A Holland (1980) vortex that moves over a grid: the truth is known everywhere."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from weather.sphere import bearing, destination, distance

RADIUS, SHAPE, DEPTH = 120.0, 1.6, 4000.0  # km, -, Pa
AIR = 1.15  # kg m-3
START = np.datetime64("2001-08-01", "ns")
STEP = np.timedelta64(6, "h").astype("timedelta64[ns]")


def path(lat: float, lon: float, heading: float, speed: float, times: int):
    """Positions every 6 h along a great circle; `speed` in km/h."""
    return [tuple(map(float, destination(lat, lon, heading, 6 * speed * i))) for i in range(times)]


def fields(
    lat: np.ndarray,
    lon: np.ndarray,
    centres,
    zonal: float = 0.0,
    warm: bool = True,
) -> xr.Dataset:
    """Canonical analyses of every 6 h; `centres` holds lists of positions, one a vortex.

    `zonal` is the speed of a westerly jet at 45 N and S with its pressure fall to the pole.
    """
    rows, columns = lat[:, None], lon[None, :]
    times = len(centres[0]) if centres else 8
    ground = 101000 - 60 * abs(zonal) * (1 - np.cos(np.radians(2 * rows))) + 0 * columns
    base = {"msl": ground, "u": zonal * np.sin(np.radians(2 * rows)) ** 2 + 0 * columns,
            "v": 0 * ground, "t300": 240 + 0 * ground, "thick": 0 * ground}  # fmt: skip
    series = {name: np.repeat(field[None], times, axis=0) for name, field in base.items()}
    for places in centres:
        for i, (north, east) in enumerate(places):
            r = np.maximum(distance(north, east, rows, columns), 1e-3)
            towards = np.radians(bearing(rows, columns, north, east))
            shape = (RADIUS / r) ** SHAPE
            fall = DEPTH * (1 - np.exp(-shape))
            speed = np.sqrt(SHAPE / AIR * shape * DEPTH * np.exp(-shape)) * np.sign(north)
            series["msl"][i] -= fall
            series["u"][i] += speed * np.cos(towards)  # a quarter turn right of the centre
            series["v"][i] -= speed * np.sin(towards)
            if warm:
                core = np.exp(-((r / 300) ** 2))
                series["t300"][i] += 6 * core
                series["thick"][i] += 500 * core
    axes, level = ("time", "lat", "lon"), ("time", "level", "lat", "lon")
    height = np.stack(
        [9e4 + series["thick"], 5.6e4 + 0 * series["thick"], 1e3 + 0 * series["thick"]], 1
    )
    winds = {n: np.repeat(series[n][:, None], 3, axis=1) for n in ("u", "v")}
    return xr.Dataset(
        {
            "msl": (axes, series["msl"]), "u10": (axes, series["u"]), "v10": (axes, series["v"]),
            "u": (level, winds["u"]), "v": (level, winds["v"]), "z": (level, height),
            "t": (level, np.repeat(series["t300"][:, None], 3, axis=1)),
        },
        {"time": START + STEP * np.arange(times), "level": [300.0, 500.0, 850.0],
         "lat": lat, "lon": lon},
    )  # fmt: skip


def globe(step: float) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes with poles and longitudes 0..360."""
    return np.arange(90.0, -90 - step / 2, -step), np.arange(0.0, 360.0, step)


def error(fixes, places) -> float:
    """Greatest distance in km between fixes and true places."""
    return max(
        float(distance(fix.centre.lat, fix.centre.lon, *place))
        for fix, place in zip(fixes, places, strict=True)
    )


def sea(lat: np.ndarray, lon: np.ndarray) -> xr.Dataset:
    """A globe without land."""
    return xr.Dataset(
        {"lsm": (("lat", "lon"), np.zeros((len(lat), len(lon))))}, {"lat": lat, "lon": lon}
    )


@pytest.fixture(scope="session")
def vortex() -> SimpleNamespace:
    """The functions and constants of this file."""
    return SimpleNamespace(
        fields=fields, path=path, globe=globe, error=error, sea=sea, START=START, STEP=STEP
    )
