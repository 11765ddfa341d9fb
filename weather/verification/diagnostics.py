"""What is no single number: spectra, maps, rank histograms, reliability, each case's error."""

import numpy as np
import pandas as pd
import xarray as xr

from weather.dates import HOUR
from weather.verification.one_pass import TRUTH, ChannelPass, Setup
from weather.verification.probabilistic import BINS
from weather.verification.spectra import effective_resolution, wavelengths


def diagnostics(gathered: ChannelPass, unit: str) -> xr.Dataset:
    """Those of one channel, along a dimension `channel` of length one.

    Returns:
        `power` (source, lead_time, wavenumber), `mse_by_case` (time, lead_time, system) of
        the whole grid; `bias_map` and `rmse_map` (model, map_lead, lat, lon) where maps were
        kept; of an ensemble `rank_frequency` (lead_time, rank), and of its events
        `forecast_probability`, `observed_frequency` and `share` (lead_time, bin).
    """
    setup = gathered.setup
    with np.errstate(invalid="ignore"):
        power = (
            gathered.power / np.where(gathered.power_count, gathered.power_count, np.nan)[..., None]
        )
    fields: dict[str, tuple[tuple[str, ...], object]] = {
        "power": (("source", "lead_time", "wavenumber"), power),
        "mse_by_case": (
            ("time", "lead_time", "system"),
            gathered.quantities["squared_error"][..., 0],
        ),
    }
    coordinates: dict[str, object] = {
        "time": setup.initial,
        "lead_time": setup.leads,
        "system": list(setup.systems),
        "source": [*setup.models, TRUTH],
        "wavelength": ("wavenumber", wavelengths(setup.grid, setup.band), {"units": "km"}),
    }
    if setup.ensemble:
        total = gathered.ranks.sum(-1, keepdims=True)
        fields["rank_frequency"] = (
            ("lead_time", "rank"), gathered.ranks / np.where(total > 0, total, np.nan),
        )  # fmt: skip
    result = xr.Dataset(fields, coordinates).expand_dims(channel=[gathered.channel.name])
    return result.assign_coords(unit=("channel", [unit]))


def maps(gathered: ChannelPass, unit: str) -> xr.Dataset:
    """`bias` and `rmse` (map_channel, model, map_lead, lat, lon) of a channel."""
    setup = gathered.setup
    count = np.where(gathered.map_count > 0, gathered.map_count, np.nan)
    bias, square = gathered.maps / count
    dims = ("model", "map_lead", "lat", "lon")
    return xr.Dataset(
        {"bias_map": (dims, bias), "rmse_map": (dims, np.sqrt(square))},
        {
            "model": list(setup.models),
            "map_lead": setup.leads[list(setup.mapped)],
            "lat": ("lat", np.array(setup.grid.lat), {"units": "degrees_north"}),
            "lon": ("lon", np.array(setup.grid.lon), {"units": "degrees_east"}),
        },
    ).expand_dims(map_channel=[gathered.channel.name]).assign_coords(
        map_unit=("map_channel", [unit])
    )  # fmt: skip


def reliability(gathered: ChannelPass) -> xr.Dataset | None:
    """The reliability diagrams of a channel's events; None if it has none."""
    if not gathered.reliability:
        return None
    sums = np.stack(list(gathered.reliability.values()))  # (event, lead, 3, bin)
    area, forecast, observed = np.moveaxis(sums, 2, 0)
    known = np.where(area > 0, area, np.nan)
    dims = ("event", "lead_time", "bin")
    return xr.Dataset(
        {
            "forecast_probability": (dims, forecast / known),
            "observed_frequency": (dims, observed / known),
            "share": (dims, known / np.nansum(known, -1, keepdims=True)),
        },
        {
            "event": list(gathered.reliability),
            "lead_time": gathered.setup.leads,
            "bin": (np.arange(BINS) + 0.5) / BINS,
        },
    )


def resolutions(gathered: ChannelPass) -> pd.DataFrame:
    """Rows of the table of scores: the effective resolution of each model at each lead time."""
    setup: Setup = gathered.setup
    length = wavelengths(setup.grid, setup.band)
    counts = gathered.power_count
    rows = []
    for number, model in enumerate(setup.models):
        for lead, hours in enumerate(setup.leads / HOUR):
            if not (count := int(min(counts[number, lead], counts[-1, lead]))):
                continue
            own, true = (gathered.power[i, lead] / counts[i, lead] for i in (number, -1))
            rows.append(
                {
                    "system": model, "channel": gathered.channel.name,
                    "variable": gathered.channel.variable, "level": gathered.channel.level,
                    "lead_hours": float(hours), "region": next(iter(setup.regions)),
                    "season": "all", "metric": "effective_resolution", "event": None,
                    "value": effective_resolution(own, true, length), "lower": np.nan,
                    "upper": np.nan, "unit": "km", "cases": count,
                    "missing": len(setup.initial) - count,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)
