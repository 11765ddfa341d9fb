"""ONNX files with Pangu-Weather's published inputs and outputs.

`input` (5, 13, lat, lon) holds z, q, t, u, v from 1000 to 50 hPa and `input_surface`
(4, lat, lon) msl, u10, v10, t2m; `output` and `output_surface` are alike. Latitude runs
from 90 to -90, longitude from 0 eastwards; normalization lies inside (198808xc/
Pangu-Weather, README).
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sciml.errors import InputError
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.forecasting.onnx_session import signature
from weather.grid import LatLonGrid
from weather.state import State
from weather.variables import Variables

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

VARIABLES = Variables(
    surface=("msl", "u10", "v10", "t2m"),
    upper=("z", "q", "t", "u", "v"),
    levels=(50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000),
)
_NAME = re.compile(r"pangu_weather_(\d+)")


class PanguOnnxModel:
    """A `StepModel` from a file of Pangu-Weather's kind; samples of a batch one by one.

    Args:
        session: of the file.
        grid: with both poles.
        step: seconds of a time step.
    """

    device = torch.device("cpu")
    history = 1
    variables = VARIABLES

    def __init__(self, session: "InferenceSession", grid: LatLonGrid, step: int) -> None:
        self.session, self.grid, self.step = session, grid, step

    def __call__(self, state: State) -> State:
        """Forecast one time step from the last of the states."""
        last = state.at(slice(-1, None))
        samples = zip(last.surface[:, 0], last.upper[:, 0], strict=True)
        surface, upper = zip(*(self._forecast(*sample) for sample in samples), strict=True)
        return replace(
            last,
            surface=torch.stack(surface).unsqueeze(1),
            upper=torch.stack(upper).unsqueeze(1),
            time=last.time + self.step,
        )

    def _forecast(self, surface: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """(variable, lat, lon) and (variable, level, lat, lon), levels ascending in hPa."""
        feeds = {
            "input": upper.flip(1).numpy(force=True),
            "input_surface": surface.contiguous().numpy(force=True),
        }
        aloft, on_surface = self.session.run(["output", "output_surface"], feeds)
        return torch.from_numpy(on_surface), torch.from_numpy(aloft).flip(1)


def is_pangu(session: "InferenceSession") -> bool:
    """Whether a file has Pangu-Weather's inputs and outputs."""
    inputs = {argument.name for argument in session.get_inputs()}
    outputs = {argument.name for argument in session.get_outputs()}
    return inputs == {"input", "input_surface"} and outputs >= {"output", "output_surface"}


def open_pangu(
    session: "InferenceSession", path: Path, step_hours: float | None
) -> tuple[PanguOnnxModel, ForecasterConfig, dict[str, Any]]:
    """A step model from a file with Pangu-Weather's inputs and outputs.

    Args:
        session: of the file.
        path: its name tells the time step where `step_hours` does not.
        step_hours: time step.

    Raises:
        InputError: other shapes, or an unknown time step.
    """
    grid = _grid(session, path)
    hours = _hours(path) if step_hours is None else step_hours
    config = ForecasterConfig(model=None, variables=VARIABLES, grid=grid, step_hours=hours)
    return PanguOnnxModel(session, grid, round(hours * 3600)), config, {}


def _grid(session: "InferenceSession", path: Path) -> LatLonGrid:
    """A global grid with both poles, as the shapes of the inputs tell it."""
    shapes = {argument.name: argument.shape for argument in session.get_inputs()}
    rows, columns = shapes["input"][-2:]
    if not (
        isinstance(rows, int)
        and columns == 2 * (rows - 1) > 2
        and shapes == {"input": [5, 13, rows, columns], "input_surface": [4, rows, columns]}
    ):
        raise InputError(
            f"{path} has the inputs {signature(session.get_inputs())}; expected "
            "input (5, 13, lat, lon) and input_surface (4, lat, lon) on a global grid with both "
            "poles, such as 721 x 1440: export it with these shapes"
        )
    spacing = 360 / columns
    return LatLonGrid(
        lat=tuple(90 - spacing * row for row in range(rows)),
        lon=tuple(spacing * column for column in range(columns)),
    )


def _hours(path: Path) -> float:
    known = _NAME.fullmatch(path.stem)
    if known is None:
        raise InputError(
            f"{path} does not hold its time step; name it pangu_weather_24.onnx (for 24 h), or "
            "give --step-hours"
        )
    return float(known[1])
