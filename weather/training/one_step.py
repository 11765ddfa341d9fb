"""Errors of one time step, beside persistence: what a training is told by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from weather.forecasting.boundary import one_step
from weather.models.model import WeatherModel
from weather.training.data import WeatherDataset
from weather.training.objectives import cell_weights

MOST = 1000  # samples that are scored


@dataclass(frozen=True)
class Score:
    """Area-weighted root mean square errors a time step ahead, in the field's unit.

    Attributes:
        name: of a 2-D field, such as `z500`.
        hours: time step.
        rmse: of the model, over a period.
        persistence: of the last state.
    """

    name: str
    hours: float
    rmse: float
    persistence: float


def one_step_scores(
    model: WeatherModel, data: WeatherDataset, step: int, batch_size: int = 16
) -> tuple[Score, ...]:
    """Errors of one time step of `step` seconds, and of persistence, by 2-D field.

    The mean over times and cells that count, weighted by area, of squared errors; then
    the root. Not more than `batch_size` samples at once, nor 16; of more than `MOST` samples as
    many that are evenly spaced.
    """
    device, names = model.device, model.variables.channels
    areas = [
        cell_weights(model.grid, cells).to(device) for cells in model.counted() or (None, None)
    ]
    sums = torch.zeros(2, len(names), dtype=torch.float64, device=device)
    scored = np.unique(np.linspace(0, len(data) - 1, min(len(data), MOST)).round().astype(int))
    model.eval()
    size = max(1, min(16, batch_size))
    for first in range(0, len(scored), size):
        batch = data.__getitems__(scored[first : first + size].tolist()).to(device)
        start, truth = batch.at(slice(model.history)), batch.at(slice(-1, None))
        with torch.inference_mode():
            forecast = one_step(model, step, batch.when)(start)
        for row, guess in enumerate((forecast, start.at(slice(-1, None)))):
            surface = _squares(guess.surface, truth.surface, areas[0])
            upper = _squares(guess.upper, truth.upper, areas[1])
            errors = torch.cat([surface.flatten(1, 2), upper.flatten(1, 3)], dim=1)
            sums[row] += errors.mean(dim=(-2, -1)).sum(0)
    rmse, persistence = (sums / max(1, len(scored))).sqrt().tolist()
    rows = zip(names, rmse, persistence, strict=True)
    return tuple(Score(name, step / 3600, *errors) for name, *errors in rows)


def _squares(guess: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    return torch.where(weights > 0, guess - truth, 0.0).double().square() * weights


def by_name(scores: Sequence[Score], hours: float) -> dict[str, dict[str, float]]:
    """Those of one time step, as a model file keeps them."""
    return {
        score.name: {"rmse": score.rmse, "persistence": score.persistence}
        for score in scores
        if score.hours == hours
    }
