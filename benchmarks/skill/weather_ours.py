"""This project's models, from their YAML configurations, as a step of plain arrays."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from weather_data import Atmosphere
from weather_training import Recipe

from sciml.config import load_config, named_config
from weather.grid import LatLonGrid
from weather.models.model import WeatherModel
from weather.models.statistics import Moments
from weather.state import State
from weather.training.experiment import ExperimentConfig
from weather.variables import Variables


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
    every = round(float(experiment.data.step_hours or data.hours)) // data.hours
    variables = _variables(data)
    model = WeatherModel(
        experiment.model,
        variables,
        LatLonGrid(lat=tuple(data.lat.tolist()), lon=tuple(data.lon.tolist())),
        every * data.hours * 3600,
    )
    model.statistics.set(_moments(data, variables, every))
    model.set_static({"z_surface": data.orography})
    return model, lambda past: time_step(model, past), recipe_of(experiment, every)


def recipe_of(experiment: ExperimentConfig, every: int) -> Recipe:
    """How a configuration trains, in time steps of `every` states."""
    training, optimizer = experiment.training, experiment.training.optimizer
    return Recipe(
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


def _horizon(experiment: ExperimentConfig) -> tuple[tuple[float, int], ...]:
    steps = experiment.objective.steps
    return ((0.0, steps),) if isinstance(steps, int) else tuple(sorted(steps.items()))


def _variables(data: Atmosphere) -> Variables:
    """Upper-air variables on all levels come first; without levels all are fields of their own."""
    aloft = [name for name in data.names if data.levels and name[1:].isdigit()]
    return Variables(
        surface=data.names[len(aloft) :],
        upper=tuple(dict.fromkeys(name[0] for name in aloft)),
        levels=data.levels,
        static=("z_surface",),
    )


def _moments(data: Atmosphere, variables: Variables, every: int) -> dict[str, Moments]:
    change = data.change
    if every > 1:
        train = data.fields[data.train].double()
        change = (train[every:] - train[:-every]).std(dim=(0, 2, 3), keepdim=True)[0]
    columns = [m.flatten().double() for m in (data.mean, data.std, change)]
    names = [*variables.upper, *variables.surface]
    widths = [len(data.levels)] * len(variables.upper) + [1] * len(variables.surface)
    split = [column.split(widths) for column in columns]
    return {name: Moments(*(part[i] for part in split)) for i, name in enumerate(names)}


def as_state(model: WeatherModel, fields: Tensor) -> State:
    """Of (batch, time, channel, lat, lon); all times are a step apart and of no calendar."""
    names = model.variables
    shape = (len(names.upper), len(names.levels))
    upper, surface = fields.split([shape[0] * shape[1], len(names.surface)], dim=2)
    upper = upper.reshape(*fields.shape[:2], *shape, *fields.shape[3:])
    time = (model.step * torch.arange(fields.shape[1])).expand(fields.shape[:2])
    return State(surface, upper, time, names, model.grid)


def time_step(model: WeatherModel, past: Tensor) -> Tensor:
    """(batch, history, channel, lat, lon) to the next state (batch, channel, lat, lon)."""
    forecast = model(as_state(model, past))
    return torch.cat([forecast.upper.flatten(2, 3), forecast.surface], dim=2)[:, 0]
