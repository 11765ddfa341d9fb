"""How much a forecast would change if the state it starts from were another.

The gradient g = dJ/dx of a cell depends on the unit of x and on the size of the cell. A
sensitivity s = g d / a, with d the standard deviation of the field in training and a the
cell's area, does not: J changes by s if x is higher by d over a unit of area. For a small
change e of the initial state, J changes by the sum over cells of s a e / d.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from sciml.errors import InputError
from weather.explanation.gradient import Gradient, Watched, frozen, gradient
from weather.explanation.target import Area, Target
from weather.forecasting.boundary import Boundary, one_step
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.initial import past_times
from weather.forecasting.planner import plan
from weather.grid import LatLonGrid
from weather.models.model import WeatherModel
from weather.sphere import cell_areas
from weather.state import State
from weather.variables import Variables

UNIT_AREA = 1e6  # km²


@dataclass(frozen=True)
class Sensitivity:
    """What a forecast depends on.

    Attributes:
        fields: canonical names, dimensions (time, [level,] lat, lon) with the times of the
            states that the model sees; unit of the target per standard deviation and
            million km².
        target: what is explained.
        time: when the forecast starts.
        lead: how far it goes.
        value: the forecast of the target.
        boundary: likewise for boundary data, summed over their times; None without.
    """

    fields: xr.Dataset
    target: Target
    time: np.datetime64
    lead: np.timedelta64
    value: float
    boundary: xr.Dataset | None = None

    @property
    def grid(self) -> LatLonGrid:
        """Where the fields lie."""
        return LatLonGrid.from_dataset(self.fields)


def explain(
    forecaster: Forecaster,
    dataset: xr.Dataset,
    time: np.datetime64,
    hours: float,
    channel: str,
    area: Area,
    boundary: Boundary | None = None,
) -> Sensitivity:
    """Explain one number of a forecast.

    Args:
        forecaster: a model of this program, with statistics.
        dataset: canonical analyses.
        time: initial time.
        hours: lead time.
        channel: the field, such as `t850`.
        area: over which it is averaged.
        boundary: for a model with a frame.

    Raises:
        InputError: a model without gradients, a lead time that it does not reach, analyses
            that it cannot start from, a field or place that it does not forecast.
    """
    model = require_gradients(forecaster)
    target = Target.of_model(model, channel, area)
    made = plan(model.steps, [round(hours * 3600)])
    state = forecaster.initial(dataset, [time], step=made.steps[-1]).to(model.device)
    lead = np.timedelta64(made.leads[0], "s")
    watched = None
    if boundary is not None:
        offsets = sorted({node.offset for node in made.parents})
        boundary.require(np.array([time]), np.array(offsets, dtype="timedelta64[s]"))
        start = state.time[:, -1].cpu()
        following = boundary.following(start)
        watched = Watched(lambda valid: following(valid.cpu()).to(model.device))
    later = watched or _no_boundary
    with frozen(model):
        steppers = {step: one_step(model, step, later) for step in made.steps}
        own, given = gradient(steppers, made, state, target, watched)
    seen = past_times([time], state.times, made.steps[-1])[0]
    return Sensitivity(
        fields=normalized(own, model, seen),
        target=target,
        time=time,
        lead=lead,
        value=own.value,
        boundary=None if given is None else normalized(given, model, [time]),
    )


def require_gradients(forecaster: Forecaster) -> WeatherModel:
    """The model of a forecaster, if it can be differentiated.

    Raises:
        InputError: a model read from an ONNX file.
    """
    if isinstance(forecaster.model, WeatherModel):
        return forecaster.model
    raise InputError(
        f"{forecaster.name} is an ONNX file, which has no gradients; give the "
        "model.safetensors of a training run"
    )


def normalized(
    one: Gradient, model: WeatherModel, times: Sequence[np.datetime64] | NDArray[np.datetime64]
) -> xr.Dataset:
    """A gradient per standard deviation and area; see the module.

    Args:
        one: the gradient.
        model: with statistics, masks and grid; masked cells become NaN.
        times: of the history.
    """
    area = torch.from_numpy(cell_areas(model.grid) / UNIT_AREA)[:, None]
    masks, statistics = model.masks, model.statistics
    surface = _per_unit(one.surface, statistics.surface("std"), area, masks.surface())
    upper = _per_unit(one.upper, statistics.upper("std"), area, masks.upper())
    return _dataset(surface, upper, model.variables, model.grid, times)


def _per_unit(part: Tensor, std: Tensor, area: Tensor, masked: Tensor) -> NDArray[np.float64]:
    values = part.double().cpu() * std.double().cpu() / area
    return values.masked_fill(masked.cpu(), torch.nan).numpy()


def _dataset(
    surface: NDArray[np.float64],
    upper: NDArray[np.float64],
    variables: Variables,
    grid: LatLonGrid,
    times: Sequence[np.datetime64] | NDArray[np.datetime64],
) -> xr.Dataset:
    fields: dict[str, tuple[tuple[str, ...], NDArray[np.float64]]] = {}
    for number, name in enumerate(variables.surface):
        fields[name] = (("time", "lat", "lon"), surface[:, number])
    for number, name in enumerate(variables.upper):
        fields[name] = (("time", "level", "lat", "lon"), upper[:, number])
    where = {"time": np.asarray(times), "lat": list(grid.lat), "lon": list(grid.lon)}
    levels = {"level": list(variables.levels)} if variables.levels else {}
    return xr.Dataset(fields, {**where, **levels})


def _no_boundary(valid: Tensor) -> State:
    raise InputError("this model has a frame and needs boundary data; give them with --boundary")
