"""Memory, time and disk of downscaling and its training, told before it starts."""

import torch
import xarray as xr
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from sciml.ledger import Ledger, hollow
from sciml.machine import Speed, available, device_or_gpu, resident
from weather.downscaling.downscaler import DownscalerConfig, refine
from weather.downscaling.experiment import DownscalingConfig
from weather.downscaling.objective import DownscalingLoss
from weather.downscaling.refinement import Refinement
from weather.downscaling.separable import SCALINGS
from weather.forecasting.estimate import LIBRARIES, Estimate, bytes_of, fake_state, peak
from weather.grid import LatLonGrid
from weather.models.masks import Masks
from weather.models.model import WeatherModel
from weather.state import State
from weather.training.data import all_variables
from weather.training.estimate import Work, estimate_work
from weather.training.series import open_series
from weather.variables import Variables, never_negative

_SINGLE = 0  # seconds between the times of a sample, which has one


def estimate_downscaling_training(config: DownscalingConfig, device: str | None = None) -> Estimate:
    """Tell beforehand what a training takes, as `weather.training.estimate` does.

    Args:
        config: with `data.paths`.
        device: default as `training.accelerator` chooses.

    Raises:
        InputError: data without a time axis, of a grid without one of half its resolution, or
            dates that cannot be used.
    """
    dataset = open_series(config.data)
    variables = config.data.variables or all_variables(dataset, config.data.forcing)
    made = DownscalerConfig(
        model=config.model,
        variables=variables,
        grid=LatLonGrid.from_dataset(dataset),
        masked=_with_holes(dataset, variables),
    )
    refinement = _refinement(made)
    work = Work(
        training=config.training,
        data=config.data,
        dataset=dataset,
        variables=made.variables,
        grid=made.grid,
        build=made.build,
        loss=lambda model: DownscalingLoss(config.objective, refinement, model),
        value=_error,
        steps=(_SINGLE,),
        length=1,
    )
    return estimate_work(work, device)


def estimate_downscaling(
    config: DownscalerConfig, fields: int, device: str | None = None
) -> Estimate:
    """Tell beforehand what it takes to downscale; weights are not needed.

    Args:
        config: of the model.
        fields: times, and members, that are downscaled one after the other.
        device: default the GPU if there is one.
    """
    base = resident() + LIBRARIES
    device = device_or_gpu(device)
    refinement = _refinement(config)
    with torch.device("meta"):
        model = config.build().eval()
    with FakeTensorMode(), Ledger() as ledger, torch.no_grad():
        for module in (model, refinement):
            hollow(module, device)
            ledger.hold([*module.parameters(), *module.buffers()])
        weights = ledger.live
        coarse = fake_state(config.variables, refinement.coarse, 1, 1, device)
        _scale(refinement, refine(model, refinement, coarse))
    parts = peak(ledger, {"process": base}, {"weights": weights}, device, loading=weights)
    flops, moved = ledger.flops * fields, ledger.moved * fields
    return Estimate(
        parts=parts,
        seconds=Speed.measure(device).seconds(flops, moved),
        steps=fields,
        disk=fields * bytes_of(config.variables, config.grid),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        flops=flops,
        device=device,
        available=available(device),
    )


def _scale(refinement: Refinement, fine: State) -> None:
    """What `Refinement.without_negatives` takes at most, but for a masked field."""
    fields = [
        part[:, :, [n for n, name in enumerate(names) if never_negative(name)]].double()
        for part, names in (
            (fine.surface, fine.variables.surface),
            (fine.upper, fine.variables.upper),
        )
    ]
    for part in fields:
        for _ in range(SCALINGS if part.numel() else 0):
            means = refinement.plain.coarsen(part)
            refinement.plain.scaled_once(part, means, means)


def _refinement(config: DownscalerConfig) -> Refinement:
    """Without masked cells: which they are makes no difference to what it takes."""
    return Refinement(config.grid, Masks(config.variables, config.grid, config.masked))


def _with_holes(dataset: xr.Dataset, variables: Variables) -> tuple[str, ...]:
    """Fields with NaN at the first time, which are taken for masked."""
    names = [name for name in (*variables.surface, *variables.upper) if name in dataset]
    return tuple(name for name in names if dataset[name].isel(time=0).isnull().any())


def _error(loss: nn.Module, model: WeatherModel, batch: State) -> Tensor:
    error, _ = loss(model, batch)
    return error
