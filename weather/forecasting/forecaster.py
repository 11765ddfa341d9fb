"""A trained model that forecasts: load, forecast, save."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciml.config import parse_config
from sciml.errors import InputError
from sciml.model_file import load_state, read_model_file, save_model
from weather.checking.findings import Report
from weather.checking.preflight import apply, inspect
from weather.files.accumulations import accumulation, of_hours, require_increments
from weather.files.reanalysis import open_reanalysis, state_to_dataset, to_state
from weather.forecasting.boundary import Boundary, bounded
from weather.forecasting.forecaster_config import KIND, ForecasterConfig
from weather.forecasting.initial import (
    Moment,
    blanked,
    in_memory,
    initial_times,
    on_levels,
    past_times,
    require_times,
)
from weather.forecasting.rollout import rollout
from weather.forecasting.step_model import StepModel
from weather.models.model import WeatherModel
from weather.state import State, joined, require_finite

Times = NDArray[np.datetime64]


class Forecaster:
    """A trained model with what it was made for.

    Args:
        model: one trained time step.
        config: what built it.
        metadata: plain data: training period, scores, attributes of variables.
        file: where it was read from, if it was.
    """

    def __init__(
        self,
        model: StepModel,
        config: ForecasterConfig,
        metadata: dict[str, Any],
        file: Path | None = None,
    ) -> None:
        self.model, self.config, self.metadata, self.file = model, config, metadata, file
        if isinstance(model, WeatherModel):
            model.eval()

    @classmethod
    def load(
        cls, path: Path | str, device: str | None = None, step_hours: float | None = None
    ) -> Self:
        """Read a model file.

        Args:
            path: as `weather train` or `weather export` wrote it, or an ONNX file with
                Pangu-Weather's inputs and outputs.
            device: where to compute; default the GPU if there is one.
            step_hours: time step of an ONNX file that does not hold it.

        Raises:
            InputError: not a model file, or one of another kind or format.
        """
        if Path(path).suffix == ".onnx":
            from weather.forecasting.onnx_model import load_onnx

            return cls(*load_onnx(path, step_hours, device), Path(path))
        if step_hours is not None:
            raise InputError(f"{path} holds its time step: leave out --step-hours")
        config_data, metadata, tensors = read_model_file(path, KIND, "weather train")
        config = parse_config(ForecasterConfig, config_data, str(path))
        model = config.build()
        load_state(model, tensors, path)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        return cls(model.to(device), config, metadata, Path(path))

    def save(self, path: Path | str) -> None:
        """Write the model file, whole or not at all."""
        if not isinstance(self.model, WeatherModel):
            raise InputError("a model read from an ONNX file has no other form; copy that file")
        save_model(path, self.model, KIND, self.config, self.metadata)

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.file.name if self.file else "the model"

    @cached_property
    def sha256(self) -> str:
        """Of the model file, or of the weights where there is none."""
        if self.file is not None:
            with self.file.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        assert isinstance(self.model, WeatherModel)
        digest = hashlib.sha256()
        for name, tensor in self.model.state_dict().items():
            digest.update(name.encode() + tensor.cpu().numpy().tobytes())
        return digest.hexdigest()

    @property
    def accumulation_hours(self) -> dict[str, float]:
        """Of how many hours, up to each time, the fields that accumulate are, as far as known."""
        return self.metadata.get("accumulation_hours", {})

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.model.device

    @property
    def step(self) -> np.timedelta64:
        """Time step, the shortest where there are several."""
        return np.timedelta64(self.model.step, "s")

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

    def steppers(self) -> dict[int, Callable[..., State]]:
        """One step by each time step that the model takes, by its seconds."""
        if not isinstance(self.model, WeatherModel):
            return {self.model.step: self._forward}
        return {step: partial(self._forward, step=step) for step in self.model.steps}

    @property
    def noise(self) -> int | None:
        """Numbers of noise that a time step depends on; None for a model without."""
        noise = self.config.model and self.config.model.noise
        return noise.dim if noise else None

    def normal(self) -> dict[str, tuple[float, float]] | None:
        """Mean and standard deviation of the training data by channel, such as `z500`.

        None where they are unknown, as with a model of another program.
        """
        if not isinstance(self.model, WeatherModel):
            return self.metadata.get("normal")
        moments = [self.model.statistics.channels(name).tolist() for name in ("mean", "std")]
        return dict(zip(self.config.variables.channels, zip(*moments, strict=True), strict=True))

    def inspect(
        self, dataset: xr.Dataset, times: Sequence[np.datetime64] | Times | None = None
    ) -> Report:
        """Whether a forecast can start from the data; see `weather.checking.preflight.inspect`.

        Args:
            dataset: canonical (see `weather.files.reanalysis`).
            times: that are looked at; default some of the data set.
        """
        names = self.config.variables.model_copy(update={"static": ()})  # they come with the model
        seen, masked = on_levels(dataset, self.config.variables.levels), self.config.masked
        if isinstance(self.model, WeatherModel):
            seen = blanked(seen, self.model.masks)
        return inspect(seen, names, times, self.normal(), self.config.grid, masked)

    def checked(
        self,
        dataset: xr.Dataset,
        times: Sequence[np.datetime64] | Times,
        tell: Callable[[str], object] = lambda line: None,
    ) -> xr.Dataset:
        """The data, corrected where that is certain; see `weather.checking.preflight.apply`.

        Args:
            dataset: canonical (see `weather.files.reanalysis`).
            times: initial times; the first, the middle and the last are looked at, and
                each again by `initial`.
            tell: called with a line for each correction and each warning.

        Raises:
            InputError: data that the model cannot start from.
        """
        require_increments(dataset, self.accumulation_hours)
        some = [times[position] for position in sorted({0, len(times) // 2, len(times) - 1})]
        return apply(dataset, self.inspect(dataset, some), tell)

    def initial(
        self,
        dataset: xr.Dataset,
        times: Sequence[np.datetime64] | Times,
        members: Sequence[int] | None = None,
        step: int | None = None,
    ) -> State:
        """Initial states with the model's history.

        Args:
            dataset: canonical (see `weather.files.reanalysis`).
            times: initial times.
            members: of each initial time, its position along `member`; None where the
                data has no members.
            step: seconds between past states; None takes the model's time step.

        Returns:
            (batch, time, ...), a sample for each initial time.

        Raises:
            InputError: another grid, a missing variable, level or time, NaN, or values
                so far from the training data that their unit must be another.
        """
        wanted = past_times(times, self.model.history, step or self.model.step)
        require_times(dataset, wanted)
        hours, distinct = self.accumulation_hours, np.unique(wanted)
        there, _ = of_hours(dataset, hours, distinct, "refuse")
        excerpt = in_memory(there, wanted, self.config.variables)
        dataset = apply(excerpt, self.inspect(excerpt, excerpt["time"].values))
        parts = [dataset] * len(wanted)
        if members is not None:
            parts = [dataset.isel(member=member) for member in members]
        pairs = zip(parts, wanted, strict=True)
        state = joined([to_state(part.sel(time=row), self.config.variables) for part, row in pairs])
        if isinstance(self.model, WeatherModel):
            state = self.model.masks.blank(state)
            require_finite(state, self.model.masks.named())
        else:  # its masks lie inside
            anywhere = torch.ones(self.config.grid.shape, dtype=torch.bool)
            require_finite(state, dict.fromkeys(self.config.masked, anywhere))
        return state

    def rollout(
        self, state: State, steps: int, boundary: Boundary | None = None
    ) -> Iterator[State]:
        """Forecast step by step; yields states on the CPU, with a time axis of one.

        States are as the model has them, where humidity or rain may be a little below zero, and
        the next step starts from them. A model that depends on noise forecasts the middle of its
        members.
        """
        step: Callable[..., State] = self.steppers()[self.model.step]
        if boundary is not None:
            step = bounded(step, self.model.step, boundary.following(state.time[:, -1]))
        for forecast in rollout(step, state.to(self.device), steps):
            yield forecast.to("cpu")

    def forecast(
        self,
        dataset: xr.Dataset,
        times: Moment | Sequence[Moment] | Times,
        steps: int,
        boundary: Boundary | None = None,
    ) -> xr.Dataset:
        """Forecast from analyses; what has no values below zero, such as rain, is cut off there.

        Args:
            dataset: as `open_reanalysis` gives it, or of any layout that it reads.
            times: initial times, one or several, see `initial_times`.
            steps: number of time steps.
            boundary: for a model with a frame.

        Returns:
            Dimensions ([member,] time, lead_time, level, latitude, longitude), CF
            attributes; `time` is the initial time.

        Raises:
            InputError: as `initial` and `open_reanalysis`, or no step.
        """
        if steps < 1:
            raise InputError(f"a forecast of {steps} steps; expected at least one")
        if "layout" not in dataset.attrs:
            dataset = open_reanalysis(dataset)
        times = initial_times(times)
        if "member" in dataset.dims:
            members = (dataset.isel(member=i) for i in range(dataset.sizes["member"]))
            each = [self.forecast(member, times, steps, boundary) for member in members]
            return xr.concat(each, dataset["member"])
        state = self.initial(dataset, times)
        if boundary is not None:
            boundary.require(times, np.arange(1, steps + 1) * self.step)
        whole = joined(list(self.rollout(state, steps, boundary)), dim=1)
        initial = state.datetimes()[:, -1]
        forecast = state_to_dataset(
            whole.without_negatives(), initial, self.metadata.get("attributes")
        )
        for name, hours in self.accumulation_hours.items():
            if name in forecast:
                forecast[name].attrs |= accumulation(hours)
        return forecast.assign_attrs({} if boundary is None else boundary.attributes)

    def _forward(self, state: State, **options: Any) -> State:
        with torch.inference_mode():
            return self.model(state.to(self.device), **options)
