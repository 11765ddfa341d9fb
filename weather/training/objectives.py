"""The forecast loss: of one forecast, or of several members."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import torch
from pydantic import AfterValidator, BeforeValidator, Field
from torch import Tensor, nn

from sciml.config import Config, nearest
from sciml.errors import InputError
from weather.forecasting.boundary import one_step
from weather.forecasting.rollout import rollout
from weather.grid import LatLonGrid
from weather.models.model import WeatherModel
from weather.state import State
from weather.training.crps import almost_fair_crps
from weather.variables import KNOWN, Variables


def _from_the_start(horizons: dict[float, int]) -> dict[float, int]:
    if 0 not in horizons or not all(0 <= share < 1 for share in horizons):
        raise ValueError("give shares of the training from 0 on and below 1, as {0: 1, 0.7: 4}")
    return dict(sorted(horizons.items()))


Steps = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0)]
GrowingSteps = Annotated[dict[float, Steps], AfterValidator(_from_the_start)]


class RollOutConfig(Config):
    """What counts of a roll-out, and how much.

    Attributes:
        steps: time steps rolled out; or how many from which share of the training on, such as
            {0: 1, 0.7: 2, 0.9: 4}. Validation takes the largest number.
        discount: weight of a step relative to the one before.
        levels: weight of levels: all alike, or proportional to pressure.
        weights: of variables, such as `t` or `msl`, at least one above 0; those not named weigh
            1, and what the data do not have counts for nothing.
    """

    steps: Steps | GrowingSteps = 1
    discount: float = Field(1.0, gt=0)
    levels: Literal["uniform", "pressure"] = "uniform"
    weights: dict[str, Weight] = Field(default={})

    @property
    def horizons(self) -> dict[float, int]:
        """Time steps rolled out, by the share of the training from which on."""
        return {0.0: self.steps} if isinstance(self.steps, int) else self.steps

    @property
    def longest(self) -> int:
        """Most time steps rolled out."""
        return max(self.horizons.values())

    @property
    def mean_steps(self) -> float:
        """Time steps rolled out on average over the training."""
        ends = [*list(self.horizons)[1:], 1.0]
        spans = zip(self.horizons.items(), ends, strict=True)
        return sum(steps * (end - start) for (start, steps), end in spans)

    def steps_at(self, share: float) -> int:
        """Time steps rolled out at a share of the training; the longest roll-out from 1 on."""
        if share >= 1:
            return self.longest
        return [steps for start, steps in self.horizons.items() if start <= share][-1]


class ForecastLossConfig(RollOutConfig):
    """The error of one forecast.

    Attributes:
        norm: absolute or squared error.
    """

    kind: Literal["error"] = "error"
    norm: Literal["l1", "mse"] = "mse"


class CRPSConfig(RollOutConfig):
    """The CRPS of members, for a model that depends on noise; see `almost_fair_crps`.

    Attributes:
        members: of each sample; they take the place of as many samples of a batch.
        alpha: share of the fair score; Lang et al. (2024) take 0.95.
    """

    kind: Literal["crps"] = "crps"
    members: int = Field(2, ge=2, le=64)
    alpha: float = Field(0.95, gt=0, le=1)


def _of_a_kind(value: Any) -> Any:
    return {"kind": "error", **value} if isinstance(value, dict) else value


ObjectiveConfig = Annotated[
    Annotated[ForecastLossConfig | CRPSConfig, Field(discriminator="kind")],
    BeforeValidator(_of_a_kind),
]


class ForecastLoss(nn.Module):
    """Error of a roll-out, in units of each field's usual change over its step.

    Mean over the sphere and the batch of |x - y|^p / change^p, p = 1 or 2, or of the CRPS of
    x / change, averaged over variables, levels and steps with their weights (GraphCast,
    supplement section 4). Of several members each goes on from its own state.

    Args:
        config: an error, or the CRPS of members.
        variables: of the model.
        grid: of the model.
        counted: cells that count, by variable (see `WeatherModel.counted`); None for all.

    Raises:
        InputError: weights of what is no variable, or none above zero.

    Attributes:
        share: of the training that is done, which decides how far is rolled out.
    """

    share = 1.0
    surface: Tensor
    upper: Tensor

    def __init__(
        self,
        config: ForecastLossConfig | CRPSConfig,
        variables: Variables,
        grid: LatLonGrid,
        counted: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        on_surface, on_levels = (cell_weights(grid, cells) for cells in counted or (None, None))
        pressure = torch.tensor(variables.levels, dtype=torch.float64)
        level = pressure if config.levels == "pressure" else torch.ones_like(pressure)
        level = level / level.sum() if len(level) else level
        _check_weights(config.weights, variables)
        surface = _weights(variables.surface, config.weights)
        upper = _weights(variables.upper, config.weights)
        total = surface.sum() + upper.sum()
        surface, upper = surface / total, upper / total
        self.register_buffer("surface", (surface[:, None, None] * on_surface).float())
        weight = upper[:, None, None, None] * level[:, None, None] * on_levels
        self.register_buffer("upper", weight.float())

    def forward(self, model: WeatherModel, batch: State) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch whose time axis holds the history, then at least the truth."""
        return self.of_step(model, batch, step_of(batch))

    def of_step(
        self, model: WeatherModel, batch: State, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch whose times are `step` seconds apart."""
        steps = self.config.steps_at(self.share)
        discounts = [self.config.discount**k for k in range(steps)]
        losses = []
        for k, forecast in enumerate(self._forecasts(model, batch, step, steps)):
            truth = batch.at(slice(model.history + k, model.history + k + 1))
            losses.append(self.error(model, forecast, truth, model.which(step)))
        total = sum(d * loss for d, loss in zip(discounts, losses, strict=True))
        loss = torch.as_tensor(total) / sum(discounts)
        terms = {f"step_{k + 1}": loss for k, loss in enumerate(losses)} if len(losses) > 1 else {}
        return loss, terms

    def error(self, model: WeatherModel, forecast: State, truth: State, which: int = 0) -> Tensor:
        """Weighted mean error of one step, a scalar in float32.

        Args:
            model: for its statistics.
            forecast: with one time; the members of a sample one after the other.
            truth: with one time.
            which: of the model's time steps.
        """
        usual = model.statistics
        surface = _errors(forecast.surface, truth.surface) / usual.surface("change", which)
        upper = _errors(forecast.upper, truth.upper) / usual.upper("change", which)
        return self._mean(surface, self.surface) + self._mean(upper, self.upper)

    def _forecasts(
        self, model: WeatherModel, batch: State, step: int, steps: int
    ) -> Iterator[State]:
        """Forecasts of each step; members have noise of their own in each."""
        noise = None
        if isinstance(self.config, CRPSConfig):
            assert model.embed_noise is not None, "members need a model that depends on noise"
            batch, noise = batch.repeated(self.config.members), model.embed_noise.draw
        start = batch.at(slice(model.history))
        return rollout(one_step(model, step, batch.when, noise), start, steps)

    def _mean(self, errors: Tensor, weight: Tensor) -> Tensor:
        """Of (batch, member, time, ...), a scalar."""
        size = self._size(torch.where(weight > 0, errors, 0.0))  # NaN where masked
        cells = size.shape[0] * size.shape[1] * size.shape[-1] * weight.shape[-2]
        return (size * weight).sum() / cells

    def _size(self, errors: Tensor) -> Tensor:
        """(batch, member, ...) to (batch, ...)."""
        match self.config:
            case CRPSConfig():
                return almost_fair_crps(errors, self.config.alpha)
            case ForecastLossConfig(norm="l1"):
                return errors.abs().mean(1)
            case ForecastLossConfig():
                return errors.square().mean(1)


def _errors(forecast: Tensor, truth: Tensor) -> Tensor:
    """(batch, member, ...) in single precision, of forecasts (batch * member, ...)."""
    return (forecast.unflatten(0, (len(truth), -1)) - truth.unsqueeze(1)).float()


def step_of(batch: State) -> int:
    """Seconds between the last two times of a batch, the same for all its samples."""
    return int(batch.time[0, -1] - batch.time[0, -2])


def cell_weights(grid: LatLonGrid, counted: Tensor | None) -> Tensor:
    """Areas of the cells that count, zero in others, with mean one over the grid if any do.

    Args:
        grid: latitudes and longitudes.
        counted: (..., lat, lon) true where a cell counts; None for all.

    Returns:
        (..., lat, lon), or (lat, 1) where all count.
    """
    area = torch.from_numpy(grid.area_weights())[:, None]
    if counted is None:
        return area
    weights = area * counted.cpu()
    return weights / weights.mean(dim=(-2, -1), keepdim=True).clamp(min=1e-12)


def _check_weights(weights: dict[str, float], variables: Variables) -> None:
    names = (*variables.surface, *variables.upper)
    if unknown := [name for name in weights if name not in names and name not in KNOWN]:
        hint = nearest(unknown[0], names) or f"; there are {', '.join(names)}"
        raise InputError(f"objective.weights: no variable of the model is {unknown[0]!r}{hint}")
    if not any(weights.get(name, 1.0) for name in names):
        raise InputError("objective.weights are 0 for all variables; give one of them more")


def _weights(names: tuple[str, ...], weights: dict[str, float]) -> Tensor:
    return torch.tensor([weights.get(name, 1.0) for name in names], dtype=torch.float64)
