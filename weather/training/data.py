"""Training data: windows of consecutive times, cut from fields in memory or on disk."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self, get_args

import numpy as np
import torch
import xarray as xr
from pydantic import BeforeValidator, Field
from torch import Tensor

from sciml.config import Config
from sciml.errors import InputError
from weather.dates import Period
from weather.files.layout import ATTRIBUTE as LAYOUT
from weather.files.layout import Layout
from weather.files.reanalysis import to_state
from weather.grid import LatLonGrid
from weather.models.steps import StepHours
from weather.state import State, require_finite
from weather.training.loader import StoreFields
from weather.training.periods import Dates, Index, Times, periods, windows
from weather.variables import KNOWN, Forcing, Variables

MaskChoice = Literal["auto", "refuse"]


def _names(value: Any) -> Any:
    return [str(path) for path in value] if isinstance(value, list | tuple) else value


class DataConfig(Config):
    """What a model is trained on.

    Attributes:
        paths: files, globs or URLs of analyses, or short names of public stores; the
            command line's come first.
        variables: null takes all variables and levels of the files.
        forcing: computed inputs, where `variables` is null.
        step_hours: time step of the model; null takes the most common one of the data. A
            list such as [6, 12, 24] makes one model of several steps.
        train, valid, test: first and last date, such as [2000, 2007] or
            [2008-01-01, 2008-06-30T12] or 2000/2007; a last year or day counts whole.
            Without any of the three: the first 80 %, the next 10 % and the last 10 % of all times.
        masks: cells where a field never has a value, such as sea temperature on land: `auto`
            leaves them out of inputs, loss and forecasts, `refuse` stops.
        memory: GiB of float32 fields up to which they are held in memory; of more, that
            much may be held at once.
    """

    paths: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    variables: Variables | None = None
    forcing: tuple[Forcing, ...] = ()
    step_hours: StepHours | None = None
    train: Dates | None = None
    valid: Dates | None = None
    test: Dates | None = None
    masks: MaskChoice = "auto"
    memory: float = Field(8.0, ge=0)


class Fields(Protocol):
    """A time series that hands out windows."""

    @property
    def times(self) -> Times:
        """Of the series, ascending."""
        ...

    @property
    def run(self) -> int:
        """Times that are best read together; 1 where any order costs the same."""
        ...

    def cut(self, index: Index) -> State:
        """The state (batch, time, ...) at these positions (batch, time) of `times`."""
        ...

    def only(self, names: Collection[str]) -> "Fields":
        """Those of some variables; of all where they are in memory."""
        ...


class MemoryFields:
    """All fields in memory.

    Args:
        state: batch size one.
    """

    def __init__(self, state: State) -> None:
        self.state, self.times, self.run = state, state.datetimes()[0], 1

    def cut(self, index: Index) -> State:
        """See `Fields`."""
        where = torch.from_numpy(index)
        return replace(
            self.state,
            surface=self.state.surface[0][where],
            upper=self.state.upper[0][where],
            time=self.state.time[0][where],
        )

    def only(self, names: Collection[str]) -> "Fields":
        """See `Fields`."""
        return self


class DiskFields:
    """Fields read when they are needed, for data larger than memory."""

    def __init__(self, dataset: xr.Dataset, variables: Variables) -> None:
        self.dataset, self.variables = dataset, variables
        self.times: Times = dataset["time"].values
        self.run = 1

    def cut(self, index: Index) -> State:
        """See `Fields`."""
        unique, inverse = np.unique(index, return_inverse=True)
        state = to_state(self.dataset.isel(time=unique), self.variables)
        return MemoryFields(state).cut(inverse.reshape(index.shape))

    def only(self, names: Collection[str]) -> "Fields":
        """See `Fields`."""
        return DiskFields(self.dataset, self.variables.only(names))


@dataclass(frozen=True)
class WeatherDataset:
    """Samples of consecutive times, one model step apart.

    Attributes:
        fields: where they are cut from.
        index: (sample, time) positions in the series.
    """

    fields: Fields
    index: Index

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.index)

    @property
    def runs(self) -> Index | None:
        """(sample,) number of the run that its first time lies in; see `sciml.order`."""
        return None if self.fields.run == 1 else self.index[:, 0] // self.fields.run

    def first(self, times: int) -> Self:
        """The same samples, cut off after so many times."""
        return replace(self, index=self.index[:, :times])

    def only(self, names: Collection[str]) -> Self:
        """The same samples of some variables, on all levels; see `Fields.only`."""
        return replace(self, fields=self.fields.only(names))

    def __getitems__(self, samples: Sequence[int]) -> State:
        """A batch, cut at once."""
        return self.fields.cut(self.index[np.asarray(samples, dtype=np.int64)])


def open_fields(
    dataset: xr.Dataset, variables: Variables, memory: float, store: Path | None = None
) -> Fields:
    """Fields in memory, or on disk where they take more than `memory` GiB.

    Args:
        dataset: canonical.
        variables: to be read.
        memory: GiB.
        store: a prepared store that holds these variables and all times of the data set;
            its chunks are read without xarray.

    Raises:
        InputError: NaN, but at all times, in fields that fit into memory.
    """
    channels = len(variables.channels)
    size = 4 * channels * dataset.sizes["time"] * dataset.sizes["lat"] * dataset.sizes["lon"]
    if size > memory * 2**30 and store is not None:
        levels = tuple(dataset["level"].values.tolist()) if variables.upper else ()
        times, grid = dataset["time"].values, LatLonGrid.from_dataset(dataset)
        return StoreFields(store, times, levels, variables, grid, memory)
    if size > memory * 2**30:
        return DiskFields(dataset, variables)
    state = to_state(dataset, variables)
    require_finite(state, never_there(state))
    return MemoryFields(state)


def all_variables(dataset: xr.Dataset, forcing: tuple[Forcing, ...]) -> Variables:
    """Every variable of the files, on the levels that all of them have."""
    layout = Layout.of(dataset).fields if LAYOUT in dataset.attrs else {}
    names = [str(name) for name in dataset.data_vars if not layout or name in layout]
    static = {name for name in names if name in KNOWN and KNOWN[name].static}
    static |= {name for name in names if dataset[name].dims == ("lat", "lon")}
    names = [name for name in names if name not in get_args(Forcing)]  # written for others
    upper = tuple(name for name in names if "level" in dataset[name].dims)
    levels = dataset["level"].values.tolist() if upper else []
    for given in (layout[name].level for name in upper if name in layout):
        levels = [level for level in levels if not given or level in given]
    if upper and not levels:
        raise InputError(
            f"{', '.join(upper[:8])}{', ...' if len(upper) > 8 else ''} have no level in common; "
            "choose fields and levels under data.variables"
        )
    return Variables(
        surface=tuple(n for n in names if n not in upper and n not in static),
        upper=upper,
        levels=tuple(levels),
        static=tuple(name for name in names if name in static),
        forcing=forcing,
    )


def split(times: Times, config: DataConfig) -> dict[str, Period]:
    """First time and end (not included) of each period; see `weather.training.periods`."""
    return periods(times, {"train": config.train, "valid": config.valid, "test": config.test})


def samples(fields: Fields, period: Period, step: int, length: int) -> WeatherDataset:
    """All windows that lie whole in a period."""
    index = windows(fields.times, step, length)
    inside = (fields.times >= period[0]) & (fields.times < period[1])
    return WeatherDataset(fields, index[inside[index].all(axis=1)])


def never_there(state: State) -> dict[str, Tensor]:
    """Cells of each variable that are NaN at all times, where there are such."""
    fields = dict(zip(state.variables.surface, state.surface.unbind(2), strict=True))
    fields |= dict(zip(state.variables.upper, state.upper.unbind(2), strict=True))
    masks = {name: field.isnan().flatten(0, 1).all(dim=0) for name, field in fields.items()}
    return {name: cells for name, cells in masks.items() if cells.any()}
