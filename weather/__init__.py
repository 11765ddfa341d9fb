"""Weather forecasts learned from gridded analyses: from a file to a forecast to its scores."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weather.cyclones.tracking import find_tracks
    from weather.files.forecasts import open_forecast
    from weather.files.reanalysis import open_reanalysis
    from weather.forecasting.forecaster import Forecaster
    from weather.maps.meteogram import draw_meteogram
    from weather.maps.plots import draw_map
    from weather.maps.probability import draw_probability
    from weather.maps.select import select_forecast
    from weather.maps.stamps import draw_stamps
    from weather.maps.tracks import draw_tracks

__all__ = [
    "Forecaster",
    "draw_map",
    "draw_meteogram",
    "draw_probability",
    "draw_stamps",
    "draw_tracks",
    "find_tracks",
    "open_forecast",
    "open_reanalysis",
    "select_forecast",
]

_HOME = {
    "Forecaster": "weather.forecasting.forecaster",
    "draw_map": "weather.maps.plots",
    "draw_meteogram": "weather.maps.meteogram",
    "draw_probability": "weather.maps.probability",
    "draw_stamps": "weather.maps.stamps",
    "draw_tracks": "weather.maps.tracks",
    "find_tracks": "weather.cyclones.tracking",
    "open_forecast": "weather.files.forecasts",
    "open_reanalysis": "weather.files.reanalysis",
    "select_forecast": "weather.maps.select",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for: `--help` must not pay for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'weather' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """The public names, for completion."""
    return __all__
