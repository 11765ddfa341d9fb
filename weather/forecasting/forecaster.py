"""A trained model that forecasts: load, forecast, save."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciml.config import Config, parse_config
from sciml.errors import InputError
from sciml.model_file import load_state, read_model_file, save_model
from weather.files.findings import Report
from weather.files.preflight import apply, inspect
from weather.files.reanalysis import state_to_dataset, to_state
from weather.forecasting.rollout import rollout
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.state import State, require_finite
from weather.variables import Variables

KIND = "weather.forecaster"
Times = NDArray[np.datetime64]


class ForecasterConfig(Config):
    """All that builds a model anew.

    Attributes:
        model: backbone and inputs.
        variables: names and levels.
        grid: the only grid it works on.
        step_hours: time step.
    """

    model: ModelConfig
    variables: Variables
    grid: LatLonGrid
    step_hours: float

    def build(self) -> WeatherModel:
        """A model with fresh weights."""
        return WeatherModel(self.model, self.variables, self.grid, round(self.step_hours * 3600))


class Forecaster:
    """A trained model with what it was made for.

    Args:
        model: trained.
        config: what built it.
        metadata: plain data: training period, scores, attributes of variables.
    """

    def __init__(
        self, model: WeatherModel, config: ForecasterConfig, metadata: dict[str, Any]
    ) -> None:
        self.model, self.config, self.metadata = model.eval(), config, metadata

    @classmethod
    def load(cls, path: Path | str, device: str | None = None) -> Self:
        """Read a model file.

        Args:
            path: as `weather train` wrote it.
            device: where to compute; default the GPU if there is one.

        Raises:
            InputError: not a model file, or one of another kind or format.
        """
        config_data, metadata, tensors = read_model_file(path, KIND)
        config = parse_config(ForecasterConfig, config_data, str(path))
        model = config.build()
        load_state(model, tensors, path)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        return cls(model.to(device), config, metadata)

    def save(self, path: Path | str) -> None:
        """Write the model file, whole or not at all."""
        save_model(path, self.model, KIND, self.config, self.metadata)

    @property
    def step(self) -> np.timedelta64:
        """Time step."""
        return np.timedelta64(self.model.step, "s")

    def steps(self, hours: float) -> int:
        """Number of time steps of a forecast.

        Raises:
            InputError: if it is not a whole number.
        """
        steps = hours * 3600 / self.model.step
        if hours <= 0 or steps != round(steps):
            raise InputError(
                f"a forecast of {hours:g} h; this model steps by {self.config.step_hours:g} h: "
                "give a multiple of it"
            )
        return round(steps)

    def normal(self) -> dict[str, tuple[float, float]] | None:
        """Mean and standard deviation of the training data by channel, such as `z500`."""
        moments = [self.model.statistics.channels(name).tolist() for name in ("mean", "std")]
        return dict(zip(self.config.variables.channels, zip(*moments, strict=True), strict=True))

    def inspect(
        self, dataset: xr.Dataset, times: Sequence[np.datetime64] | Times | None = None
    ) -> Report:
        """Whether a forecast can start from the data; see `weather.files.preflight.inspect`.

        Args:
            dataset: canonical (see `weather.files.reanalysis`).
            times: that are looked at; default some of the data set.
        """
        names = self.config.variables.model_copy(update={"static": ()})  # they come with the model
        return inspect(dataset, names, times, self.normal(), self.config.grid, masked=())

    def checked(
        self,
        dataset: xr.Dataset,
        times: Sequence[np.datetime64] | Times,
        tell: Callable[[str], object] = lambda line: None,
    ) -> xr.Dataset:
        """The data, corrected where that is certain; see `weather.files.preflight.apply`.

        Args:
            dataset: canonical (see `weather.files.reanalysis`).
            times: initial times; the first, the middle and the last are looked at, and
                each again by `initial`.
            tell: called with a line for each correction and each warning.

        Raises:
            InputError: data that the model cannot start from.
        """
        some = [times[position] for position in sorted({0, len(times) // 2, len(times) - 1})]
        return apply(dataset, self.inspect(dataset, some), tell)

    def initial(self, dataset: xr.Dataset, times: Sequence[np.datetime64] | Times) -> State:
        """Initial states with the model's history.

        Args:
            dataset: canonical (see `weather.files.reanalysis`).
            times: initial times.

        Returns:
            (batch, time, ...), a sample for each initial time.

        Raises:
            InputError: another grid, a missing variable, level or time, NaN, or values
                so far from the training data that their unit must be another.
        """
        back = np.arange(self.model.history - 1, -1, -1) * self.step
        wanted = (np.asarray(times)[:, None] - back).astype("datetime64[ns]")
        self._require_times(dataset, wanted)
        excerpt = self._excerpt(dataset, wanted)
        dataset = apply(excerpt, self.inspect(excerpt, excerpt["time"].values))
        samples = [to_state(dataset.sel(time=row), self.config.variables) for row in wanted]
        state = State(
            surface=torch.cat([s.surface for s in samples]),
            upper=torch.cat([s.upper for s in samples]),
            time=torch.cat([s.time for s in samples]),
            variables=self.config.variables,
            grid=self.config.grid,
        )
        require_finite(state)
        return state

    def rollout(self, state: State, steps: int) -> Iterator[State]:
        """Forecast step by step; yields states on the CPU, with a time axis of one."""
        device = self.model.position.device
        with torch.inference_mode():
            for forecast in rollout(self.model, state.to(device), steps):
                yield forecast.to("cpu")

    def forecast(
        self, dataset: xr.Dataset, times: Sequence[np.datetime64] | Times, steps: int
    ) -> xr.Dataset:
        """Forecast from analyses.

        Args:
            dataset: canonical (see `weather.files.reanalysis`).
            times: initial times.
            steps: number of time steps.

        Returns:
            Dimensions (time, lead_time, level, latitude, longitude), CF attributes;
            `time` is the initial time.
        """
        state = self.initial(dataset, times)
        steps_ahead = list(self.rollout(state, steps))
        whole = steps_ahead[0]
        for later in steps_ahead[1:]:
            whole = whole.then(later)
        initial = state.datetimes()[:, -1]
        return state_to_dataset(whole, initial, self.metadata.get("attributes"))

    def _excerpt(self, dataset: xr.Dataset, wanted: Times) -> xr.Dataset:
        """These times, with the model's fields in memory: they are read once."""
        excerpt = dataset.sel(time=np.unique(wanted))
        names, levels = self.config.variables, list(self.config.variables.levels)
        if levels and "level" in excerpt.dims and np.isin(levels, excerpt["level"]).all():
            excerpt = excerpt.sel(level=levels)
        needed = [name for name in (*names.surface, *names.upper) if name in excerpt]
        return excerpt.assign({name: excerpt[name].load() for name in needed})

    def _require_times(self, dataset: xr.Dataset, wanted: Times) -> None:
        there = dataset["time"].values
        missing = wanted[~np.isin(wanted, there)]
        if len(missing):
            first, last = (str(t.astype("datetime64[m]")) for t in (there[0], there[-1]))
            raise InputError(
                f"no analysis at {missing[0].astype('datetime64[m]')}, which the forecast "
                f"starts from; the data holds {len(there)} times in {first}..{last}"
            )
