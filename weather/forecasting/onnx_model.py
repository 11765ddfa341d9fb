"""Forecast with ONNX files: those that `weather export` wrote, and Pangu-Weather's."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sciml.config import parse_config
from sciml.errors import InputError
from sciml.model_file import parse_header, require_kind
from weather.forecasting.forecaster_config import KIND, ForecasterConfig
from weather.forecasting.onnx_session import open_session, signature
from weather.forecasting.pangu_onnx import PanguOnnxModel, is_pangu, open_pangu
from weather.models.steps import in_seconds
from weather.state import State

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

PROPERTY = "sciml"  # key of the header among an ONNX file's properties


class OnnxModel:
    """A `StepModel` from a file that `weather export` wrote.

    Args:
        session: of the file.
        config: of the model that was exported.
    """

    device = torch.device("cpu")

    def __init__(self, session: "InferenceSession", config: ForecasterConfig) -> None:
        assert config.model is not None
        self.session = session
        self.history, (self.step,) = config.model.history, in_seconds(config.step_hours)
        self.variables, self.grid = config.variables, config.grid
        self._inputs = {argument.name for argument in session.get_inputs()}
        self._outputs = [argument.name for argument in session.get_outputs()]

    def __call__(self, state: State) -> State:
        """Forecast one time step; see `WeatherModel.forward`."""
        if state.times < self.history:
            raise InputError(f"{state.times} past states; this model needs {self.history}")
        seen, last = state.at(slice(-self.history, None)), state.at(slice(-1, None))
        fields = {"surface": seen.surface, "upper": seen.upper, "time": last.time[:, 0]}
        feeds = {name: fields[name].numpy(force=True) for name in self._inputs}
        values = self.session.run(self._outputs, feeds)
        came = {
            name: torch.from_numpy(value) for name, value in zip(self._outputs, values, strict=True)
        }
        return replace(
            last,
            surface=came.get("next_surface", last.surface),
            upper=came.get("next_upper", last.upper),
            time=last.time + self.step,
        )


def load_onnx(
    path: Path | str, step_hours: float | None = None, device: str | None = None
) -> tuple[OnnxModel | PanguOnnxModel, ForecasterConfig, dict[str, Any]]:
    """Open an ONNX file.

    Args:
        path: a file that `weather export` wrote, or one with Pangu-Weather's inputs and
            outputs.
        step_hours: time step of a file that neither holds it nor has it in its name.
        device: where to compute; default the GPU if onnxruntime has one.

    Returns:
        A step model, what it was made for, and metadata such as `normal`, the mean and
        standard deviation of each channel in training; empty for a foreign file.

    Raises:
        InputError: neither of the two, or the time step is unknown or contradicted.
    """
    session = open_session(path, device)
    text = session.get_modelmeta().custom_metadata_map.get(PROPERTY)
    if text is None and is_pangu(session):
        return open_pangu(session, Path(path), step_hours)
    if text is None:
        raise InputError(
            f"{path} has the inputs {signature(session.get_inputs())}; expected a file that "
            "`weather export` wrote, or Pangu-Weather's inputs `input` and `input_surface`"
        )
    header = parse_header(text, path)
    require_kind(header, KIND, path, "weather export")
    config = parse_config(ForecasterConfig, header["config"], str(path))
    model = OnnxModel(session, config)
    if step_hours is not None and round(step_hours * 3600) != model.step:
        hours = model.step / 3600
        raise InputError(
            f"{path} steps by {hours:g} h, not {step_hours:g} h: leave out --step-hours"
        )
    return model, config, header["metadata"]
