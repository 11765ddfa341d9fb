"""A trained model that forecasts: load, forecast, save."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciml.config import Config, parse_config
from sciml.errors import InputError
from sciml.model_file import load_state, read_header, read_model_file, save_model
from weather.files.reanalysis import state_to_dataset, to_state
from weather.forecasting.rollout import rollout
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.models.steps import StepHours, in_seconds
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
        step_hours: time step, or several that the model takes at choice.
    """

    model: ModelConfig
    variables: Variables
    grid: LatLonGrid
    step_hours: StepHours

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """The configuration in the header of a model file; the weights are not read.

        Raises:
            InputError: not a model file, or one of another kind or format.
        """
        header = read_header(path)
        if header["kind"] != KIND:
            raise InputError(f"{path} holds a {header['kind']}; expected a {KIND}")
        return parse_config(cls, header["config"], str(path))

    def build(self) -> WeatherModel:
        """A model with fresh weights."""
        return WeatherModel(self.model, self.variables, self.grid, in_seconds(self.step_hours))


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
        """Time step, the shortest where there are several."""
        return np.timedelta64(self.model.step, "s")

    def steppers(self) -> dict[int, Callable[[State], State]]:
        """One step by each time step that the model takes, by its seconds."""
        return {step: partial(self.model, step=step) for step in self.model.steps}

    def steps(self, hours: float) -> int:
        """Number of time steps of a forecast.

        Raises:
            InputError: if it is not a whole number.
        """
        steps = hours * 3600 / self.model.step
        if hours <= 0 or steps != round(steps):
            raise InputError(
                f"a forecast of {hours:g} h; this model steps by {self.model.step / 3600:g} h: "
                "give a multiple of it"
            )
        return round(steps)

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
        if not LatLonGrid.from_dataset(dataset).matches(self.config.grid):
            raise InputError(
                f"the data has {LatLonGrid.from_dataset(dataset).describe()}; this model was "
                f"made for {self.config.grid.describe()}: regrid the data"
            )
        back = np.arange(self.model.history - 1, -1, -1) * self.step
        wanted = (np.asarray(times)[:, None] - back).astype("datetime64[ns]")
        self._require_times(dataset, wanted)
        samples = [to_state(dataset.sel(time=row), self.config.variables) for row in wanted]
        state = State(
            surface=torch.cat([s.surface for s in samples]),
            upper=torch.cat([s.upper for s in samples]),
            time=torch.cat([s.time for s in samples]),
            variables=self.config.variables,
            grid=self.config.grid,
        )
        require_finite(state)
        self._require_plausible(state)
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

    def _require_times(self, dataset: xr.Dataset, wanted: Times) -> None:
        there = dataset["time"].values
        missing = wanted[~np.isin(wanted, there)]
        if len(missing):
            first, last = (str(t.astype("datetime64[m]")) for t in (there[0], there[-1]))
            raise InputError(
                f"no analysis at {missing[0].astype('datetime64[m]')}, which the forecast "
                f"starts from; the data holds {len(there)} times in {first}..{last}"
            )

    def _require_plausible(self, state: State, limit: float = 20.0) -> None:
        """Catch hPa for Pa, degC for K, metres for m2 s-2: means far outside the training data."""
        mean = self.model.statistics.channels("mean").cpu()
        spread = self.model.statistics.channels("std").cpu()
        fields = torch.cat([state.surface, state.upper.flatten(2, 3)], dim=2)
        came = fields.mean(dim=(0, 1, -2, -1))
        for number in ((came - mean).abs() > limit * spread).nonzero().flatten().tolist():
            raise InputError(
                f"{self.config.variables.channels[number]} averages {float(came[number]):.4g}; "
                f"this model was trained on values around {float(mean[number]):.4g}: check its unit"
            )
