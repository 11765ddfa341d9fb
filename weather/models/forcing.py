"""What drives the atmosphere from outside, computed from time and place alone."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from weather.variables import Forcing

DAY = 86400.0  # s
YEAR = 365.2425 * DAY  # mean Gregorian year
_CHANNELS: dict[Forcing, int] = {"year": 2, "local_time": 2, "insolation": 1}


def forcing_channels(names: Sequence[Forcing]) -> int:
    """Number of fields that `forcing` makes."""
    return sum(_CHANNELS[name] for name in names)


def forcing(names: Sequence[Forcing], time: Tensor, lat: Tensor, lon: Tensor) -> Tensor:
    """Forcing fields at given times.

    Args:
        names: `year`: sine and cosine of the progress of the year; `local_time`: of mean
            solar time; `insolation`: see `insolation`.
        time: (batch,) int64 seconds since 1970-01-01 UTC.
        lat: (lat,) degrees north, float64.
        lon: (lon,) degrees east, float64.

    Returns:
        (batch, channel, lat, lon) float32, of order one.
    """
    size = (time.shape[0], len(lat), len(lon))
    seconds = time.to(torch.float64)
    day = (seconds / DAY).remainder(1.0)[:, None, None] + lon / 360
    year = (seconds / YEAR).remainder(1.0)[:, None, None]
    fields: list[Tensor] = []
    for name in names:
        match name:
            case "year":
                fields += [torch.sin(2 * math.pi * year), torch.cos(2 * math.pi * year)]
            case "local_time":
                fields += [torch.sin(2 * math.pi * day), torch.cos(2 * math.pi * day)]
            case "insolation":
                fields.append(insolation(seconds, lat, lon))
    if not fields:
        return torch.zeros(size[0], 0, *size[1:], device=time.device)
    return torch.stack([field.expand(size) for field in fields], dim=1).float()


def insolation(seconds: Tensor, lat: Tensor, lon: Tensor) -> Tensor:
    """Sunlight at the top of the atmosphere, relative to the mean solar constant.

    (a / r)² max(0, sin φ sin δ + cos φ cos δ cos h) with declination δ, Earth-Sun distance
    r and equation of time after Spencer (1971, Search 2, 172): declination and hour angle
    within 0.15 degrees of the Astronomical Almanac's, 1979 to 2025.

    Args:
        seconds: (batch,) float64 since 1970-01-01 UTC.
        lat: (lat,) degrees north.
        lon: (lon,) degrees east.

    Returns:
        (batch, lat, lon) in 0..1.035.
    """
    angle = 2 * math.pi * (seconds / YEAR).remainder(1.0)[:, None, None]
    harmonics = [torch.ones_like(angle)]
    for k in (1, 2, 3):
        harmonics += [torch.cos(k * angle), torch.sin(k * angle)]
    basis = torch.stack(harmonics, dim=-1)
    declination = basis @ basis.new_tensor(
        [0.006918, -0.399912, 0.070257, -0.006758, 0.000907, -0.002697, 0.001480]
    )
    minutes = 229.18 * (
        basis @ basis.new_tensor([0.000075, 0.001868, -0.032077, -0.014615, -0.040849, 0, 0])
    )
    distance = basis @ basis.new_tensor([1.000110, 0.034221, 0.001280, 0.000719, 0.000077, 0, 0])
    noon = (seconds / DAY).remainder(1.0)[:, None, None] + lon / 360 - 0.5 + minutes / 1440
    phi = torch.deg2rad(lat)[:, None]
    height = phi.sin() * declination.sin() + phi.cos() * declination.cos() * torch.cos(
        2 * math.pi * noon
    )
    return distance * height.clamp(min=0)
