"""Models with fresh weights, in double precision, of globes and of a region with holes."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import xarray as xr

from weather.files.reanalysis import open_reanalysis, static_fields
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.boundary import BoundaryConfig
from weather.models.model import ModelConfig
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables, open_fields, samples
from weather.training.measure import find_masks, measure

Build = Callable[..., tuple[Forecaster, xr.Dataset]]
BACKBONE = TransformerConfig(dim=8, depths=(2,), heads=(1,), window=(2, 4), patch=(None, 2, 2))


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Makes a forecaster of the fields of a raw data set, and gives these as they are read."""

    def build(
        raw: xr.Dataset,
        history: int = 2,
        hours: float | tuple[float, ...] = 6.0,
        width: int = 0,
        symmetric: bool = False,
    ) -> tuple[Forecaster, xr.Dataset]:
        path = Path(tmp_path_factory.mktemp("explained")) / "analyses.nc"
        raw.to_netcdf(path)
        dataset = open_reanalysis(path)
        variables = all_variables(dataset, () if symmetric else ("year",))
        if symmetric:
            variables = variables.model_copy(update={"static": ()})
        fields = open_fields(dataset, variables, memory=1)
        pairs = samples(fields, (fields.times[0], fields.times[-1]), 21600, 2)
        masks = find_masks(pairs, "auto")
        config = ForecasterConfig(
            model=ModelConfig(
                history=history,
                backbone=BACKBONE,
                position=not symmetric,
                boundary=BoundaryConfig(width=width) if width else None,
            ),
            variables=variables,
            grid=LatLonGrid.from_dataset(dataset),
            step_hours=hours,
            masked=tuple(masks),
        )
        torch.manual_seed(0)
        model = config.build()
        for weight in model.parameters():  # fresh ones hardly act
            if weight.ndim > 1:
                torch.nn.init.normal_(weight, std=0.2)
        model.masks.set(masks)
        model.statistics.set(measure(pairs, masks))
        model.set_static(static_fields(dataset, variables))
        return Forecaster(model.double(), config, {}, path), dataset

    return build
