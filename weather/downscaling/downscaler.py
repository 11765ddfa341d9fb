"""A trained model that downscales: load, downscale, save."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import xarray as xr

from sciml.config import Config, parse_config
from sciml.errors import InputError
from sciml.machine import device_or_gpu
from sciml.model_file import load_state, read_config, read_model_file, save_model
from weather.checking.preflight import apply, inspect
from weather.downscaling.refinement import Refinement
from weather.files.accumulations import of_hours, require_increments
from weather.files.history import noted
from weather.files.reanalysis import to_state
from weather.forecasting.initial import blanked, in_memory, on_levels
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.state import State, require_finite
from weather.variables import Variables

KIND = "weather.downscaler"
MAKER = "weather train --config downscaling"
_NO_STEP = 0  # seconds: a model whose change is that from interpolated to true fields


class DownscalerConfig(Config):
    """All that builds a downscaling model anew.

    Attributes:
        model: backbone and inputs; with a history it sees one state several times.
        variables: names and levels.
        grid: the fine one; the coarse one follows from it.
        masked: variables that are defined on part of the grid.
    """

    model: ModelConfig
    variables: Variables
    grid: LatLonGrid
    masked: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """The configuration in the header of a model file; the weights are not read.

        Raises:
            InputError: not a model file, or one of another kind or format.
        """
        return read_config(cls, path, KIND)

    def build(self) -> WeatherModel:
        """A model with fresh weights."""
        return WeatherModel(self.model, self.variables, self.grid, _NO_STEP, self.masked)


def refine(model: WeatherModel, refinement: Refinement, coarse: State) -> State:
    """Fine fields from coarse ones, whose means they keep; NaN in masked cells.

    Args:
        model: whose change is that from `refinement.start` to the true fields.
        refinement: of the model's grid.
        coarse: with one time.
    """
    start = refinement.start(coarse)
    return refinement.conserve(model(start.as_history(model.history)), coarse)


class Downscaler:
    """A trained model with what it was made for.

    Args:
        model: trained.
        config: what built it.
        metadata: plain data: training period, scores, attributes of variables.
        file: where it was read from, if it was.
    """

    def __init__(
        self,
        model: WeatherModel,
        config: DownscalerConfig,
        metadata: dict[str, Any],
        file: Path | None = None,
    ) -> None:
        self.model, self.config, self.metadata, self.file = model.eval(), config, metadata, file
        self.refinement = Refinement(config.grid, model.masks).to(model.device)

    @classmethod
    def load(cls, path: Path | str, device: str | None = None) -> Self:
        """Read a model file.

        Args:
            path: as `weather train` wrote it with an objective of kind `downscaling`.
            device: where to compute; default the GPU if there is one.

        Raises:
            InputError: not a model file, or one of another kind or format.
        """
        config_data, metadata, tensors = read_model_file(path, KIND, MAKER)
        config = parse_config(DownscalerConfig, config_data, str(path))
        model = config.build()
        load_state(model, tensors, path)
        return cls(model.to(device_or_gpu(device)), config, metadata, Path(path))

    def save(self, path: Path | str) -> None:
        """Write the model file, whole or not at all."""
        save_model(path, self.model, KIND, self.config, self.metadata)

    def downscale(self, coarse: State) -> State:
        """Fine fields, on the CPU, from coarse ones with one time.

        What has no values below zero, such as rain, is at least zero; where something was cut
        off, the rest is scaled to the means, see `Separable.scale`.
        """
        coarse = coarse.to(self.model.device)
        with torch.inference_mode():
            fine = refine(self.model, self.refinement, coarse)
            return self.refinement.without_negatives(fine, coarse).to("cpu")

    def checked(
        self, dataset: xr.Dataset, tell: Callable[[str], object] = lambda line: None
    ) -> xr.Dataset:
        """The coarse data, corrected where that is certain; see `checking.preflight.apply`.

        Fields that accumulate are summed over the hours of the model's, see `of_hours`; times
        whose hours are not all there are left out.

        Raises:
            InputError: another grid, a missing variable or level, NaN, values so far from
                the training data that their unit must be another, or fields that accumulate
                over hours that do not become the model's.
        """
        dataset = self._summed(dataset, tell)
        names = self.config.variables.model_copy(update={"static": ()})  # they come with the model
        seen = on_levels(dataset, names.levels)
        if self.refinement.coarse_masks is not None:
            seen = blanked(seen, self.refinement.coarse_masks)
        normal, coarse = self.model.normal(), self.refinement.coarse
        return apply(dataset, inspect(seen, names, None, normal, coarse, self.config.masked), tell)

    def at(self, dataset: xr.Dataset, time: np.datetime64) -> State:
        """The coarse state of one time of checked data.

        Raises:
            InputError: NaN where the model needs a value.
        """
        state = to_state(in_memory(dataset, np.array([time]), self.config.variables),
                         self.config.variables)  # fmt: skip
        masks = self.refinement.coarse_masks
        if masks is None:
            require_finite(state)
            return state
        state = masks.blank(state)
        require_finite(state, masks.named())
        return state

    def _summed(self, dataset: xr.Dataset, tell: Callable[[str], object]) -> xr.Dataset:
        hours = self.metadata.get("accumulation_hours", {})
        if not hours:
            return dataset
        require_increments(dataset, hours)
        summed, lines = of_hours(dataset, hours, torn="drop")
        if lost := dataset.sizes["time"] - summed.sizes["time"]:
            lines.append(f"{lost} of {dataset.sizes['time']} times left out: not all of the hours "
                         "up to them are in the data")  # fmt: skip
        if not summed.sizes["time"]:
            raise InputError("; ".join(lines))
        for line in lines:
            tell(line)
        return noted(summed, *lines)
