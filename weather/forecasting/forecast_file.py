"""Forecasts to NetCDF, step by step, so that a long one need not fit into memory."""

from collections.abc import Callable, Sequence
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

from sciml.files import atomic_path
from weather.files.reanalysis import field_attributes, forecast_coordinates
from weather.forecasting.forecaster import Forecaster
from weather.state import State


def write_forecast(
    forecaster: Forecaster,
    dataset: xr.Dataset,
    times: Sequence[np.datetime64],
    steps: int,
    path: Path,
    on_step: Callable[[], object] = lambda: None,
    batch: int = 16,
) -> None:
    """Forecast from analyses into a file, whole or not at all.

    The file is laid out as `Forecaster.forecast` returns it.

    Args:
        forecaster: trained model.
        dataset: canonical analyses.
        times: initial times.
        steps: number of time steps.
        path: NetCDF file.
        on_step: called after each step of each batch.
        batch: initial times computed together.
    """
    starts = np.array(times, dtype="datetime64[ns]")
    parts = [starts[first : first + batch] for first in range(0, len(starts), batch)]
    for part in parts:
        forecaster.initial(dataset, part)  # complain before anything is written
    with atomic_path(path) as temporary:
        _create(temporary, forecaster, starts, steps)
        with netCDF4.Dataset(temporary, "a") as file:
            for number, part in enumerate(parts):
                rows = slice(number * batch, number * batch + len(part))
                state = forecaster.initial(dataset, part)
                for step, forecast in enumerate(forecaster.rollout(state, steps)):
                    _write(file, forecast, rows, step)
                    on_step()


def batches(times: int, batch: int = 16) -> int:
    """How often `write_forecast` calls `on_step` per time step."""
    return -(-times // batch)


def _create(path: Path, forecaster: Forecaster, starts: np.ndarray, steps: int) -> None:
    """Write coordinates and empty variables."""
    config = forecaster.config
    lead = np.arange(1, steps + 1) * forecaster.step.astype("timedelta64[ns]")
    coordinates = forecast_coordinates(config.grid, config.variables, starts, lead)
    attributes = {
        "Conventions": "CF-1.10",
        "title": "Forecast by a learned model",
        "source": f"weather forecast, time step {config.step_hours:g} h, "
        f"trained on {forecaster.metadata.get('period', 'unknown data')}",
        "training_period": forecaster.metadata.get("period", ""),
    }
    xr.Dataset(coords=coordinates, attrs=attributes).to_netcdf(path, engine="netcdf4")
    with netCDF4.Dataset(path, "a") as file:
        for name in (*config.variables.surface, *config.variables.upper):
            on_levels = ("level",) if name in config.variables.upper else ()
            axes = ("time", "lead_time", *on_levels, "latitude", "longitude")
            variable = file.createVariable(name, "f4", axes, compression="zlib", complevel=1)
            others = forecaster.metadata.get("attributes", {})
            variable.setncatts({**field_attributes(name, others), "coordinates": "valid_time"})


def _write(file: netCDF4.Dataset, forecast: State, rows: slice, step: int) -> None:
    for number, name in enumerate(forecast.variables.surface):
        file[name][rows, step] = forecast.surface[:, 0, number].numpy()
    for number, name in enumerate(forecast.variables.upper):
        file[name][rows, step] = forecast.upper[:, 0, number].numpy()
