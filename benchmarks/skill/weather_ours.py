"""This project's models, from their YAML configurations, as a step of plain arrays."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from weather_data import HOURS, Atmosphere
from weather_training import Recipe

from sciml.config import load_config, named_config
from weather.grid import LatLonGrid
from weather.models.model import WeatherModel
from weather.models.statistics import Moments
from weather.state import State
from weather.training.experiment import ExperimentConfig
from weather.variables import Variables

UPPER, SURFACE = ("z", "t", "u", "v"), ("msl", "sp")


def ours(
    config: str, overrides: Sequence[str], data: Atmosphere
) -> tuple[nn.Module, Callable[[Tensor], Tensor], Recipe]:
    """The model of a shipped configuration or YAML file, its step, and how it is trained.

    Args:
        config: name or path.
        overrides: such as `model.history=1`.
        data: for grid, statistics and orography.
    """
    experiment = load_config(ExperimentConfig, named_config("weather", config), overrides)
    every = round(float(experiment.data.step_hours or HOURS)) // HOURS
    model = WeatherModel(
        experiment.model,
        Variables(surface=SURFACE, upper=UPPER, levels=data.levels, static=("z_surface",)),
        LatLonGrid(lat=tuple(data.lat.tolist()), lon=tuple(data.lon.tolist())),
        every * HOURS * 3600,
    )
    model.statistics.set(_moments(data, every))
    model.set_static({"z_surface": data.orography})
    training, optimizer = experiment.training, experiment.training.optimizer
    recipe = Recipe(
        lr=optimizer.lr,
        warmup=optimizer.warmup,
        weight_decay=optimizer.weight_decay,
        betas=optimizer.betas,
        batch=training.batch_size,
        ema=training.ema_decay,
        clip=training.gradient_clip or float("inf"),
        horizon=_horizon(experiment),
        history=experiment.model.history,
        every=every,
    )
    return model, lambda past: time_step(model, past), recipe


def _horizon(experiment: ExperimentConfig) -> tuple[tuple[float, int], ...]:
    steps = experiment.objective.steps
    return ((0.0, steps),) if isinstance(steps, int) else tuple(sorted(steps.items()))


def _moments(data: Atmosphere, every: int) -> dict[str, Moments]:
    change = data.change
    if every > 1:
        train = data.fields[:780].double()
        change = (train[every:] - train[:-every]).std(dim=(0, 2, 3), keepdim=True)[0]
    columns = [m.flatten().double() for m in (data.mean, data.std, change)]
    names = [*UPPER, *SURFACE]
    widths = [len(data.levels)] * len(UPPER) + [1] * len(SURFACE)
    split = [column.split(widths) for column in columns]
    return {name: Moments(*(part[i] for part in split)) for i, name in enumerate(names)}


def as_state(model: WeatherModel, fields: Tensor) -> State:
    """Of (batch, time, channel, lat, lon); all times are a step apart and of no calendar."""
    aloft = len(UPPER) * len(model.variables.levels)
    upper = fields[:, :, :aloft].unflatten(2, (len(UPPER), -1))
    time = (model.step * torch.arange(fields.shape[1])).expand(fields.shape[:2])
    return State(fields[:, :, aloft:], upper, time, model.variables, model.grid)


def time_step(model: WeatherModel, past: Tensor) -> Tensor:
    """(batch, history, channel, lat, lon) to the next state (batch, channel, lat, lon)."""
    forecast = model(as_state(model, past))
    return torch.cat([forecast.upper.flatten(2, 3), forecast.surface], dim=2)[:, 0]
