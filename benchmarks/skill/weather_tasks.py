"""Tasks on the simulated atmosphere for this project's models, with their scores."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from weather_data import HOURS, TEST, Atmosphere

from sciml.config import load_config, named_config
from weather.downscaling.downscaler import DownscalerConfig, refine
from weather.downscaling.experiment import usual
from weather.downscaling.objective import DownscalingLoss, DownscalingLossConfig
from weather.downscaling.refinement import Refinement
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.forecasting.rollout import rollout
from weather.grid import LatLonGrid
from weather.models.model import WeatherModel
from weather.models.reconstruction import LEFT_BEHIND, Reconstruction
from weather.state import State
from weather.training.data import MemoryFields, WeatherDataset
from weather.training.experiment import ExperimentConfig
from weather.training.masking import MaskedFields, MaskedFieldsConfig
from weather.training.measure import measure
from weather.training.objectives import ForecastLoss, ForecastLossConfig
from weather.training.periods import windows
from weather.variables import Variables

UPPER, NEW = ("z", "t", "u", "v"), "msl"
STEP = 3600 * HOURS
LEAD = 24  # hours
STARTS, TIMES = 8, 20  # initial times, and single ones, on the test stretch
# changes to `small`: half its width for small budgets; single fields take no time step to damp
OPTIONS = ("model.backbone.dim=96", "model.diffusion=null")
Objective = Callable[[nn.Module, State], tuple[Tensor, dict[str, Tensor]]]


@dataclass(frozen=True)
class Series:
    """The simulated atmosphere as this project's samples.

    Attributes:
        fields: where samples are cut from.
        variables, grid: of the fields.
        orography: (lat, lon) surface geopotential.
    """

    fields: MemoryFields
    variables: Variables
    grid: LatLonGrid
    orography: Tensor

    @classmethod
    def of(cls, data: Atmosphere, surface: tuple[str, ...]) -> "Series":
        """All states, with these surface variables."""
        variables = Variables(
            surface=surface, upper=UPPER, levels=data.levels, static=("z_surface",)
        )
        grid = LatLonGrid(lat=tuple(data.lat.tolist()), lon=tuple(data.lon.tolist()))
        rows = [data.names.index(name) for name in surface]
        aloft = len(UPPER) * len(data.levels)
        state = State(
            surface=data.fields[None, :, rows],
            upper=data.fields[None, :, :aloft].unflatten(2, (len(UPPER), -1)),
            time=STEP * torch.arange(len(data.fields))[None],
            variables=variables,
            grid=grid,
        )
        return cls(MemoryFields(state), variables, grid, data.orography)

    def samples(self, stretch: slice, step: int, length: int) -> WeatherDataset:
        """Windows of so many states that lie in a stretch of the series."""
        index = windows(self.fields.times, step, length)
        inside = (index >= stretch.start) & (index < stretch.stop)
        return WeatherDataset(self.fields, index[inside.all(axis=1)])


@dataclass(frozen=True)
class Task:
    """What is learned, from which data, and how it is scored.

    Attributes:
        model: with the statistics of its training data.
        objective: see `sciml.objective`.
        samples: of training.
        score: smaller is better.
        anew: what a start from another model leaves out, by its kind.
    """

    model: nn.Module
    objective: Objective
    samples: WeatherDataset
    score: Callable[[], float]
    anew: dict[str, tuple[str, ...]]


def experiment() -> ExperimentConfig:
    """The shipped configuration, changed by `OPTIONS`."""
    return load_config(ExperimentConfig, named_config("weather", "small"), OPTIONS)


def config(series: Series) -> ForecasterConfig:
    """The model of all tasks."""
    return ForecasterConfig(
        model=experiment().model, variables=series.variables, grid=series.grid, step_hours=HOURS
    )


def forecasting(series: Series, stretch: slice, channels: slice = slice(None)) -> Task:
    """To forecast single steps; scored on `channels`."""
    torch.manual_seed(0)
    made = config(series)
    model = made.build()
    model.statistics.set(measure(series.samples(stretch, STEP, 2)))
    model.set_static({"z_surface": series.orography})
    return Task(
        model,
        ForecastLoss(ForecastLossConfig(), made.variables, made.grid),
        series.samples(stretch, STEP, model.history + 1),
        lambda: forecast_scores(model, series, channels),
        {"masked": LEFT_BEHIND, "forecast": ()},
    )


def new_variable(series: Series, stretch: slice) -> Task:
    """To forecast all variables; scored on the new one, whose weights nobody has learned."""
    first = series.variables.surface.index(NEW)
    task = forecasting(series, stretch, slice(first, first + 1))
    anew = {"masked": (*LEFT_BEHIND, f"*.{NEW}*"), "forecast": (f"*.{NEW}*",)}
    return replace(task, anew=anew)


def downscaling(series: Series, stretch: slice) -> Task:
    """To downscale from half the resolution."""
    torch.manual_seed(0)
    made = DownscalerConfig(model=experiment().model, variables=series.variables, grid=series.grid)
    refinement, samples = Refinement(series.grid), series.samples(stretch, 0, 1)
    model = made.build()
    model.statistics.set(usual(samples, refinement))
    model.set_static({"z_surface": series.orography})
    return Task(
        model,
        DownscalingLoss(DownscalingLossConfig(), refinement, model),
        samples,
        lambda: downscaling_scores(model, refinement, series),
        {"masked": LEFT_BEHIND, "forecast": LEFT_BEHIND},
    )


def reconstruction(series: Series, stretch: slice) -> Task:
    """To tell hidden parts of single states."""
    torch.manual_seed(0)
    made = config(series)
    assert made.model is not None
    model = Reconstruction(made.model, made.variables, made.grid)
    model.statistics.set(measure(series.samples(stretch, 0, 2)))
    model.set_static({"z_surface": series.orography})
    objective = MaskedFields(MaskedFieldsConfig(), made.variables, made.grid)
    return Task(
        model,
        objective,
        series.samples(stretch, 0, 1),
        lambda: hidden_scores(model, objective, series),
        {},
    )


TASKS: dict[str, Callable[[Series, slice], Task]] = {
    "forecast": forecasting,
    "downscaling": downscaling,
    "new variable": new_variable,
}


def forecast_scores(model: WeatherModel, series: Series, channels: slice) -> float:
    """RMSE over persistence's `LEAD` hours ahead, mean over channels."""
    steps = LEAD // HOURS
    data = series.samples(TEST, STEP, model.history + steps)
    index = torch.linspace(0, len(data) - 1, STARTS).round().long().tolist()
    batch = data.__getitems__(index)
    start, truth = batch.at(slice(model.history)), columns(batch.at(slice(-1, None)))
    with torch.inference_mode():
        *_, forecast = rollout(model, start, steps)
    guesses = (columns(forecast), columns(start.at(slice(-1, None))))
    ours, persistence = (rmse(guess - truth, series.grid) for guess in guesses)
    return float((ours / persistence)[channels].mean())


def downscaling_scores(model: WeatherModel, refinement: Refinement, series: Series) -> float:
    """RMSE over that of bicubic interpolation with the same means, mean over channels."""
    fine = single(series)
    coarse = refinement.coarsen(fine)
    with torch.inference_mode():
        guesses = (refine(model, refinement, coarse), refinement.start(coarse))
    ours, other = (rmse(columns(g) - columns(fine), series.grid) for g in guesses)
    return float((ours / other).mean())


def single(series: Series) -> State:
    """States of the test stretch, one by one."""
    data = series.samples(TEST, 0, 1)
    return data.__getitems__(torch.linspace(0, len(data) - 1, TIMES).round().long().tolist())


def columns(state: State) -> Tensor:
    """(batch, channel, lat, lon) of a state of one time."""
    return torch.cat([state.surface[:, 0], state.upper[:, 0].flatten(1, 2)], dim=1).double()


def rmse(error: Tensor, grid: LatLonGrid) -> Tensor:
    """(channel,) over samples and area."""
    area = torch.from_numpy(grid.area_weights())[:, None]
    return (error.square() * area).mean(dim=(0, 2, 3)).sqrt()


def hidden_scores(model: Reconstruction, objective: MaskedFields, series: Series) -> float:
    """Squared error of hidden cells over their variance."""
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(0)
        loss, _ = objective(model, single(series))
    return float(loss)
