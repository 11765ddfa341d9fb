"""Scores of a trained time step: error beside persistence, and whether it stays an atmosphere."""

from collections.abc import Callable

import torch
from torch import Tensor
from weather_data import HOURS, Atmosphere

LEADS = (24, 72, 120)  # hours
DAYS = 15
SHOWN = ("z500", "t850", "u850", "v850")


def score(
    step: Callable[[Tensor], Tensor],
    data: Atmosphere,
    period: slice,
    history: int,
    every: int,
    starts: int,
) -> dict[str, object]:
    """RMSE over persistence's at `LEADS`, and variance and spectra after `DAYS`.

    A ratio is that of two roots of means over starts and area, then the mean over channels.

    Args:
        step: see `weather_training.train`.
        data: states.
        period: unseen ones.
        history: states that the model sees.
        every: states of a time step.
        starts: number of initial times, evenly spaced.
    """
    first, last = period.start + history * every, period.stop - 1 - DAYS * 24 // HOURS
    initial = torch.linspace(first, last, starts).round().long()
    past = data.fields[initial[:, None] + every * torch.arange(1 - history, 1)]
    result: dict[str, object] = {}
    with torch.inference_mode():
        for k in range(1, DAYS * 24 // (HOURS * every) + 1):
            forecast = step(past)
            past = torch.cat([past, forecast[:, None]], dim=1)[:, 1:]
            if (lead := k * HOURS * every) in LEADS:
                truth = data.fields[initial + k * every]
                result[f"{lead}h"] = ratios(forecast, truth, data.fields[initial], data)
    return result | stability(past[:, -1], data, period)


def ratios(forecast: Tensor, truth: Tensor, start: Tensor, data: Atmosphere) -> dict[str, float]:
    """RMSE over persistence's: the mean over channels, and some channels."""
    own, still = (rmse(field - truth, data.area) for field in (forecast, start))
    named = dict(zip(data.names, (own / still).tolist(), strict=True))
    return {"mean": sum(named.values()) / len(named)} | {name: named[name] for name in SHOWN}


def errors(
    step: Callable[[Tensor], Tensor], data: Atmosphere, period: slice, history: int, most: int
) -> dict[str, dict[str, float]]:
    """RMSE in the fields' units, by lead time in hours, then by field.

    Args:
        step, history: see `weather_training.train`.
        data: a real series, whose `leads` are scored.
        period: of the initial times and what they are compared with.
        most: initial times, evenly spaced.
    """
    result = {}
    for lead in data.leads:
        ahead = lead // data.hours
        choices = torch.arange(period.start, period.stop - ahead)
        initial = choices[:: max(1, len(choices) // most)]
        squares = torch.stack([_squares(step, data, start, history, ahead) for start in initial])
        named = dict(zip(data.names, squares.mean(0).sqrt().tolist(), strict=True))
        result[str(lead)] = named
    return result


def _squares(
    step: Callable[[Tensor], Tensor], data: Atmosphere, start: Tensor, history: int, ahead: int
) -> Tensor:
    """(channel,) mean squares over area of one forecast."""
    past = data.fields[None, start + 1 - history : start + 1]
    with torch.inference_mode():
        for _ in range(ahead):
            past = torch.cat([past, step(past)[:, None]], dim=1)[:, 1:]
    return rmse(past[:, -1] - data.fields[start + ahead], data.area).square()


def rmse(difference: Tensor, area: Tensor) -> Tensor:
    """(batch, channel, lat, lon) -> (channel,)."""
    return (difference.double().square() * area).mean(dim=(0, 2, 3)).sqrt()


def stability(end: Tensor, data: Atmosphere, period: slice) -> dict[str, object]:
    """The last states beside the simulation's: spread of anomalies, and zonal spectra.

    Returns:
        `variance`: smallest and largest ratio among channels of the variance about the
        training mean of each cell; `spectrum`: the same of zonal power in bands of
        wavenumbers 1-3, 4-8, 9-15 and 16-21 at 30 to 60 degrees, mean over channels;
        `stable`: all of these within a factor of two, and the bands above 8 within four.
    """
    climate = data.fields[data.train].mean(dim=0)
    truth = data.fields[period] - climate
    own = end - climate
    variance = rmse(own, data.area).square() / rmse(truth, data.area).square()
    bands = power(own, data) / power(truth, data)
    spectrum = {name: float(value) for name, value in zip(BANDS, bands, strict=True)}
    bounded = bool(torch.isfinite(own).all())
    extremes = [float(variance.min()), float(variance.max())]
    limits = {"1-3": 2.0, "4-8": 2.0, "9-15": 4.0, "16-21": 4.0}
    within = all(1 / limits[n] < value < limits[n] for n, value in spectrum.items())
    steady = bounded and extremes[0] > 0.5 and extremes[1] < 2.0 and within
    return {"variance": extremes, "spectrum": spectrum, "stable": steady}


BANDS = {"1-3": slice(1, 4), "4-8": slice(4, 9), "9-15": slice(9, 16), "16-21": slice(16, 22)}


def power(anomaly: Tensor, data: Atmosphere) -> Tensor:
    """(band,) zonal power at middle latitudes, each channel over its variance."""
    rows = (data.lat.abs() > 30) & (data.lat.abs() < 60)
    modes = torch.fft.rfft((anomaly / data.std)[:, :, rows], dim=-1).abs().square()
    spectrum = modes.mean(dim=(0, 1, 2))
    return torch.stack([spectrum[band].sum() for band in BANDS.values()])
