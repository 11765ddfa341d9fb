"""Forecasters with fresh weights on the tiny globe."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import xarray as xr

from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables, open_fields, samples
from weather.training.measure import measure

Make = Callable[..., Forecaster]


@pytest.fixture(scope="session")
def analyses(waves_file: Path) -> xr.Dataset:
    """`waves` as it is read."""
    return open_reanalysis(waves_file)


@pytest.fixture(scope="session")
def make_forecaster(analyses: xr.Dataset) -> Make:
    """Makes a forecaster of the fields of a data set."""

    def make(hours: float = 6, history: int = 1, dataset: xr.Dataset = analyses) -> Forecaster:
        variables = all_variables(dataset, ("insolation",))
        fields = open_fields(dataset, variables, memory=1)
        backbone = TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4))
        config = ForecasterConfig(
            model=ModelConfig(history=history, backbone=backbone),
            variables=variables,
            grid=LatLonGrid.from_dataset(dataset),
            step_hours=hours,
        )
        torch.manual_seed(0)
        model = config.build()
        period = (fields.times[0], fields.times[-1])
        model.statistics.set(measure(samples(fields, period, 21600, 2)))
        return Forecaster(model, config, {"period": "2001-01-01T00:00..2001-01-02T00:00"})

    return make


@pytest.fixture(scope="session")
def forecaster(make_forecaster: Make) -> Forecaster:
    """Steps of 6 h, sees two states."""
    return make_forecaster(history=2)
