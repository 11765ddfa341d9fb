"""Weather forecasts learned from gridded analyses: from a file to a forecast to its scores."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weather.files.forecasts import open_forecast
    from weather.files.reanalysis import open_reanalysis
    from weather.forecasting.forecaster import Forecaster

__all__ = ["Forecaster", "open_forecast", "open_reanalysis"]

_HOME = {
    "Forecaster": "weather.forecasting.forecaster",
    "open_forecast": "weather.files.forecasts",
    "open_reanalysis": "weather.files.reanalysis",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for: `--help` must not pay for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'weather' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
