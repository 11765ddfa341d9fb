"""The data of an experiment: read, checked, corrected, and cut into periods."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import xarray as xr
from torch import Tensor

from sciml.errors import InputError
from weather.checking.preflight import apply, inspect
from weather.dates import Period
from weather.files.accumulations import known_hours
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig
from weather.models.steps import from_seconds, in_hours
from weather.training.data import (
    DataConfig,
    Fields,
    WeatherDataset,
    all_variables,
    open_fields,
    samples,
    split,
)
from weather.training.measure import find_masks
from weather.training.mixed_steps import MixedSteps, mixed
from weather.training.periods import require_times, time_steps
from weather.training.store import prepared_store, standing_masks
from weather.variables import Variables


@dataclass(frozen=True)
class Series:
    """The data of an experiment.

    Attributes:
        dataset: canonical, checked.
        variables: of the model.
        steps: seconds, ascending.
        periods: first time and end of training, validation and test.
        fields: where samples are cut from.
        store: the prepared store they come from, if they do.
        masks: cells without values, by variable.
    """

    dataset: xr.Dataset
    variables: Variables
    steps: tuple[int, ...]
    periods: dict[str, Period]
    fields: Fields
    store: Path | None
    masks: dict[str, Tensor]

    def windows(self, period: Period, step: int, length: int) -> WeatherDataset:
        """Samples of one time step."""
        return samples(self.fields, period, step, length)

    def roll_outs(self, name: str, length: int) -> WeatherDataset | MixedSteps | None:
        """Samples of `length` times of a period; None where there is no such period.

        Raises:
            InputError: a period without a run of so many times.
        """
        if name not in self.periods:
            return None
        data = mixed(self.fields, self.periods[name], self.steps, length)
        if not len(data):
            raise InputError(
                f"data.{name} has no {length} times in a row, {in_hours(self.steps)} apart, as "
                "model.history and objective.steps together take: widen it, or take fewer steps"
            )
        return data

    def forecaster_config(self, model: ModelConfig) -> ForecasterConfig:
        """What builds a model for these data."""
        return ForecasterConfig(
            model=model,
            variables=self.variables,
            grid=LatLonGrid.from_dataset(self.dataset),
            step_hours=from_seconds(self.steps),
            masked=tuple(self.masks),
        )


def open_series(config: DataConfig) -> xr.Dataset:
    """The analyses of an experiment.

    Raises:
        InputError: no time axis, or files that cannot be read.
    """
    dataset = open_reanalysis(list(config.paths))
    if "time" not in dataset.dims:
        raise InputError("the data has no time axis; a forecast model needs a series")
    return dataset


def open_data(config: DataConfig, tell: Callable[[str], object]) -> Series:
    """Read, check and correct the data of an experiment.

    Raises:
        InputError: data that a model cannot learn from.
    """
    dataset = open_series(config)
    variables = config.variables or all_variables(dataset, config.forcing)
    opened, dataset = dataset, apply(dataset, inspect(dataset, variables), tell)
    times = dataset["time"].values
    steps, periods = time_steps(times, config.step_hours), split(times, config)
    for name in {"train", "valid", "test"} & set(periods):
        require_times(times, name, periods[name])
    for name, hours in known_hours(dataset[[*variables.surface, *variables.upper]]).items():
        if 3600 * hours not in steps:
            tell(
                f"{name} is of the {hours:g} h up to each time, the model steps by "
                f"{in_hours(steps)}: sums over its steps are made by `weather prepare --every`"
            )
    store = None
    if dataset is opened:  # what was corrected is not what a prepared store holds
        store = prepared_store(config.paths, times, LatLonGrid.from_dataset(dataset), variables)
    fields = open_fields(dataset, variables, config.memory, store)
    single = samples(fields, periods["train"], 0, 1)
    masks = find_masks(single, config.masks, standing=partial(standing_masks, store, single))
    return Series(dataset, variables, steps, periods, fields, store, masks)
