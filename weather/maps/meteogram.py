"""A forecast at one place, field by field over time; with an ensemble its spread."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.cyclones.surroundings import Surroundings
from weather.dates import HOUR, clock
from weather.files.units import KNOT
from weather.grid import LatLonGrid
from weather.maps.products import (
    available,
    choose_product,
    displayed,
    in_words,
    wind_in_words,
    wind_of,
)
from weather.maps.region import crop
from weather.sphere import place

Series = NDArray[np.float64]  # (lead,) or (lead, member)

_USUAL = (("t2m", "t850"), ("msl",), ("wind10", "wind850"), ("tp",), ("z500",))
_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#56B4E9", "#555555", "#CC79A7")
_BARBS = 30


def draw_meteogram(
    forecast: xr.Dataset,
    lat: float,
    lon: float,
    names: Sequence[str] | None = None,
    truth: xr.Dataset | None = None,
) -> Figure:
    """Fields of one forecast at a place, bilinear between the cells around it.

    Without members a line; with members the median, and the bands that hold the middle
    half and the middle nine tenths of them.

    Args:
        forecast: from `open_forecast`, one initial time selected.
        lat, lon: degrees; any convention of longitude.
        names: channels, or `wind10`, `wind850` and the like for speed and barbs; None
            takes the usual ones that are there.
        truth: canonical analyses, drawn as dots where they have the valid time.

    Raises:
        InputError: a field that is not there, a place outside the data or without values.
    """
    forecast = around(forecast, lat, lon)
    there = available(forecast)
    names = list(names) if names else usual_fields(there)
    figure = Figure(figsize=(10, 1.2 + 1.9 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False).ravel()
    valid = forecast["valid_time" if "lead_time" in forecast.dims else "time"].values
    analyses = None if truth is None else _at_times(around(truth, lat, lon), valid)
    for number, (axes, name) in enumerate(zip(panels, names, strict=True)):
        colour = _COLOURS[number % len(_COLOURS)]
        unit = _draw(axes, forecast, name, (lat, lon), valid, colour)
        if analyses is not None and _is_in(name, analyses):
            dots = speed_or_field(analyses, name, lat, lon)[0]
            axes.plot(analyses["time"].values, dots, "o", ms=3.5, color="black", label="analysis")
            axes.legend(fontsize=7, loc="best", framealpha=0.7)
        axes.set_ylabel(unit)
        axes.set_title(_words(name), loc="left", fontsize=9, pad=3)
        axes.grid(color="#cccccc", linewidth=0.5)
        axes.margins(x=0.025)  # a barb reaches beyond its time
    _time_axis(panels[-1])
    _title(figure, forecast, lat, lon)
    return figure


def usual_fields(there: Sequence[str]) -> list[str]:
    """What a meteogram shows if nothing is asked for; any four fields if none is usual."""
    found = []
    for choices in _USUAL:
        found += [name for name in choices if set(_parts(name)) <= set(there)][:1]
    return found or list(there[:4])


def around(dataset: xr.Dataset, lat: float, lon: float) -> xr.Dataset:
    """The cells next to a place.

    Raises:
        InputError: a place outside the data; on a globe there is none, up to the poles.
    """
    grid = LatLonGrid.from_dataset(dataset)
    step = Surroundings(grid).spacing
    (north, south), bounds = np.array(grid.lat)[[0, -1]], grid.latitude_bounds()[[0, -1]]
    if grid.periodic:
        north, south = np.where(np.abs(bounds) == 90, bounds, (north, south))
    inside = grid.periodic or (lon - grid.lon[0]) % 360 <= grid.lon[-1] - grid.lon[0] + 1e-6
    if not inside or not south - 1e-6 <= lat <= north + 1e-6:
        raise InputError(f"{place(lat, lon)} lies outside the data; they have {grid.describe()}")
    return crop(dataset, (lon - step, lon + step, max(lat - step, -90), min(lat + step, 90)))


def speed_or_field(dataset: xr.Dataset, name: str, lat: float, lon: float) -> tuple[Series, str]:
    """A field, or the speed of a wind in knots, at a place; and its unit."""
    if not name.startswith("wind"):
        return _at(dataset, name, lat, lon)
    u, v = (_at(dataset, part, lat, lon)[0] for part in _parts(name))
    return np.hypot(u, v) / KNOT, "kt"


def _draw(
    axes: Axes,
    forecast: xr.Dataset,
    name: str,
    where: tuple[float, float],
    valid: NDArray[np.datetime64],
    colour: str,
) -> str:
    """One panel; returns the unit."""
    values, unit = speed_or_field(forecast, name, *where)
    if not np.isfinite(values).any():
        raise InputError(f"{name} has no value at {place(*where)}; choose another place or field")
    if values.ndim == 2:
        for low, high, strength in ((5, 95, 0.2), (25, 75, 0.35)):
            edges = np.nanpercentile(values, [low, high], axis=1)
            axes.fill_between(valid, *edges, color=colour, alpha=strength, linewidth=0)
        axes.plot(valid, np.nanmedian(values, axis=1), color=colour, lw=1.6)
    elif name == "tp":
        axes.bar(valid, values, width=0.8 * np.diff(valid).min() if len(valid) > 1 else HOUR,
                 color=colour)  # fmt: skip
    else:
        axes.plot(valid, values, color=colour, lw=1.6)
    if name.startswith("wind"):
        _barbs(axes, forecast, name, where, valid)
        axes.set_ylim(0, 1.4 * axes.dataLim.y1)  # the barbs lie above
    return unit


def _barbs(
    axes: Axes,
    forecast: xr.Dataset,
    name: str,
    where: tuple[float, float],
    valid: NDArray[np.datetime64],
) -> None:
    """Barbs of the wind, of an ensemble of its mean, along the top of a panel."""
    u, v = (_at(forecast, part, *where)[0] / KNOT for part in _parts(name))
    u, v = (c.mean(axis=1) if c.ndim == 2 else c for c in (u, v))
    some = slice(None, None, int(np.ceil(len(valid) / _BARBS)))
    axes.barbs(
        valid[some].astype("datetime64[us]").astype(object), np.full(len(valid[some]), 0.87),
        u[some], v[some], transform=axes.get_xaxis_transform(), length=5, linewidth=0.6,
        flip_barb=where[0] < 0, sizes={"emptybarb": 0.1},
    )  # fmt: skip


def _at(dataset: xr.Dataset, name: str, lat: float, lon: float) -> tuple[Series, str]:
    """A channel at a place in its display unit; between a pole and the last row that row's."""
    choose_product(name, available(dataset))
    fields = displayed(dataset, [name])
    grid = LatLonGrid.from_dataset(dataset)
    looking, values = Surroundings(grid), fields.values[name]
    point = np.clip([lat], grid.lat[-1], grid.lat[0]), np.array([lon])
    flat = values.reshape(-1, *grid.shape)
    found = [float(looking.sample(field, *point)[0]) for field in flat]
    return np.array(found).reshape(values.shape[:-2]), fields.units[name]


def _parts(name: str) -> tuple[str, ...]:
    """The channels that a name needs."""
    return wind_of(name) or (name,)


def _is_in(name: str, dataset: xr.Dataset) -> bool:
    return set(_parts(name)) <= set(available(dataset))


def _at_times(analyses: xr.Dataset, valid: NDArray[np.datetime64]) -> xr.Dataset | None:
    """The analyses of those valid times that there are."""
    if "time" not in analyses.dims:
        return None
    common = np.intersect1d(analyses["time"].values, valid)
    return analyses.sel(time=common) if len(common) else None


def _words(name: str) -> str:
    return wind_in_words(name) if wind_of(name) else in_words(name)


def _time_axis(axes: Axes) -> None:
    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        ConciseDateFormatter(
            locator,
            show_offset=False,
            formats=["%Y", "%b %Y", "%d %b", "%H", "%H:%M", "%S"],
            zero_formats=["", "%Y", "%d %b", "%d %b", "%H", "%H:%M"],
        )
    )
    axes.set_xlabel("Valid time (UTC)")


def _title(figure: Figure, forecast: xr.Dataset, lat: float, lon: float) -> None:
    spread = ""
    if "member" in forecast.dims:
        spread = f", {forecast.sizes['member']} members: median, 25-75 %, 5-95 %"
    if "members" in forecast.coords:
        spread = f", mean of {int(forecast['members'])} members"
    if "chosen_member" in forecast.coords:
        spread = f", member {int(forecast['chosen_member'])}"
    if "lead_time" in forecast.dims:
        last = forecast["lead_time"].values[-1] / HOUR
        times = f"Init {clock(forecast['time'].values)}   to +{last:g} h   "
        times += f"Valid to {clock(forecast['valid_time'].values[-1])}"
    else:
        ends = forecast["time"].values[[0, -1]]
        times = f"Analyses   Valid {clock(ends[0])} to {clock(ends[1])}"
    figure.suptitle(f"{place(lat, lon)}{spread}\n{times}", fontsize=11, x=0.01, ha="left")
