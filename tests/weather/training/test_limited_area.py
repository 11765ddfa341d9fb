"""Boundary data on real weather: what enters Europe meanwhile is worth knowing."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sciml.config import load_config, named_config
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.boundary import Boundary
from weather.forecasting.forecaster import Forecaster
from weather.training.experiment import ExperimentConfig, train

WIDTH = 3


@pytest.mark.slow
def test_boundary_data_improve_the_inside(shared_data: Path, tmp_path: Path) -> None:
    """A day and two days ahead, of the same model, small and trained on two years."""
    folder = shared_data / "weather"
    paths = [
        folder / "erainterim_europe_1p5deg_daily12z_2000-2008.nc",
        folder / "static" / "static_europe_1p5deg.nc",
    ]
    overrides = [
        f"data.paths=[{', '.join(str(path) for path in paths)}]",
        "data.train=[2005, 2006]", "training.epochs=4", "training.ema_decay=0.95",
        "training.precision=32-true", "training.optimizer.lr=4.0e-3", "objective.steps=1",
        "model.backbone.dim=32", "model.backbone.drop_path=0",
    ]  # fmt: skip
    errors = {}
    for name, more in (("with", []), ("without", ["model.boundary=null"])):
        config = load_config(
            ExperimentConfig, named_config("weather", "europe_boundary"), [*overrides, *more]
        )
        forecaster = train(config, tmp_path / name).forecaster
        errors[name] = inside_errors(forecaster, open_reanalysis(paths[:1]), paths[:1])
    for name, given in errors["with"].items():
        assert (given < 0.85 * errors["without"][name]).all(), errors


def inside_errors(
    forecaster: Forecaster, analyses: xr.Dataset, paths: list[Path]
) -> dict[str, np.ndarray]:
    """RMSE (lead) of each field inside the frame, from every fourth day of 2008."""
    starts = analyses.time.sel(time="2008").values[1:-2:4]
    boundary = Boundary.of(forecaster.model, paths if forecaster.model.frame else None)
    forecast = forecaster.forecast(analyses, starts, 2, boundary)
    truth = analyses.sel(time=forecast.valid_time)
    inside = slice(WIDTH, -WIDTH)
    result = {}
    for name in ("msl", "z500", "t850"):
        error = forecast[name].values - truth[name].values
        result[name] = np.sqrt((error[..., inside, inside] ** 2).mean(axis=(0, 2, 3)))
    return result
