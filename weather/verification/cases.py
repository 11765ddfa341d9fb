"""What is scored: channels, and the forecasts of one channel beside truth and climatology."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.variables import describe
from weather.verification.baselines import Climatology, ClimatologyKind, Times, damping

HEADLINE = ("z500", "t850", "u850", "v850", "msl", "t2m", "u10", "v10", "q700")
_WHOLE = 2**30  # bytes of a variable up to which all its levels are read at once

Field = NDArray[np.floating]
Fields = tuple[xr.DataArray, xr.DataArray, xr.DataArray]  # forecast, truth, training


@dataclass(frozen=True)
class Channel:
    """One 2-D field: a surface variable, or an upper one at a level in hPa."""

    variable: str
    level: float | None = None

    @property
    def name(self) -> str:
        """`msl`, `z500`."""
        return self.variable if self.level is None else f"{self.variable}{self.level:g}"

    def unit(self, dataset: xr.Dataset) -> str:
        """SI unit, or what the data set states for a field that is not known."""
        known = describe(self.name)
        return known.units if known else str(dataset[self.variable].attrs.get("units", ""))

    def of(self, dataset: xr.Dataset) -> xr.DataArray:
        """This field of a data set."""
        field = dataset[self.variable]
        return field if self.level is None else field.sel(level=self.level)


def interior(dataset: xr.Dataset, width: int) -> xr.Dataset:
    """Without the outermost `width` rows and columns."""
    inside = slice(width, -width) if width else slice(None)
    return dataset.isel(lat=inside, lon=inside)


def channels(*datasets: xr.Dataset) -> list[Channel]:
    """The 2-D fields that all data sets have.

    Raises:
        InputError: if there is none.
    """
    first, *others = datasets
    result = []
    for name in map(str, first.data_vars):
        if "time" not in first[name].dims or any(name not in other for other in others):
            continue
        on_levels = ["level" in dataset[name].dims for dataset in datasets]
        if all(on_levels):
            common = set.intersection(*({*d["level"].values.tolist()} for d in datasets))
            result += [Channel(name, level) for level in sorted(common)]
        elif not any(on_levels):
            result.append(Channel(name))
    if not result:
        listed = "; ".join(", ".join(map(str, dataset.data_vars)) for dataset in datasets)
        raise InputError(f"forecast and truth have no variable in common ({listed})")
    return result


def headline(chosen: list[Channel]) -> list[Channel]:
    """The channels to look at first: the usual ones, or any four if none of these is there."""
    usual = {channel.name: channel for channel in chosen if channel.name in HEADLINE}
    return [usual[name] for name in HEADLINE if name in usual] or chosen[:4]


@dataclass(frozen=True)
class Cases:
    """One channel of all forecasts, with truth and climatology.

    Attributes:
        forecast: (time, lead, lat, lon)
        leads: (lead,)
        valid: (time, lead) valid times.
        truth: field of given times, NaN where there is none.
        climatology: expected field.
        damping: (lead,) coefficients.
        now: (time, lat, lon) truth at the initial times.
        weights: (lat,) cell areas.
    """

    forecast: Field
    leads: NDArray[np.timedelta64]
    valid: Times
    truth: Callable[[Times], Field]
    climatology: Climatology
    damping: NDArray[np.float64]
    now: Field
    weights: NDArray[np.float64]


def each_channel(
    chosen: list[Channel], forecast: xr.Dataset, truth: xr.Dataset, training: xr.Dataset
) -> Iterator[tuple[Channel, Fields]]:
    """Each channel with its field in each data set; a small variable is read only once."""
    read: list[xr.Dataset] = []
    for number, channel in enumerate(chosen):
        if number == 0 or chosen[number - 1].variable != channel.variable:
            fields = [dataset[[channel.variable]] for dataset in (forecast, truth, training)]
            read = [f.load() if f.nbytes <= _WHOLE else f for f in fields]
        yield channel, fields_of(channel, *read)


def fields_of(
    channel: Channel, forecast: xr.Dataset, truth: xr.Dataset, training: xr.Dataset
) -> Fields:
    """One channel of the three."""
    return channel.of(forecast), channel.of(truth), channel.of(training)


def build_cases(fields: Fields, kind: ClimatologyKind) -> Cases:
    """Fit the baselines of one channel and find its truth."""
    forecast, truth, training = fields
    grid = LatLonGrid.from_dataset(forecast.to_dataset(name="field"))
    weights = grid.area_weights()
    times, past = training["time"].values, training.values
    climatology = Climatology.fit(times, past, kind)
    leads = forecast["lead_time"].values
    truth_at = lookup(truth)
    return Cases(
        forecast=forecast.values,
        leads=leads,
        valid=forecast["valid_time"].values,
        truth=truth_at,
        climatology=climatology,
        damping=damping(times, past - climatology.at(times), leads, weights),
        now=truth_at(forecast["time"].values),
        weights=weights,
    )


def lookup(truth: xr.DataArray) -> Callable[[Times], Field]:
    """A function that gives the fields at some times, NaN where the truth has none."""
    times, values = truth["time"].values, truth.values

    def at(wanted: Times) -> Field:
        index = np.searchsorted(times, wanted).clip(max=len(times) - 1)
        fields = values[index].astype(np.float64)
        fields[times[index] != wanted] = np.nan
        return fields

    return at
