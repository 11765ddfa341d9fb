"""Why cells are NaN: a mask that stays, levels below the ground, or holes."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from weather.checking.findings import Finding
from weather.checking.sampling import Summary
from weather.checking.standard_atmosphere import standard_pressure
from weather.dates import minute
from weather.files.units import STANDARD_GRAVITY

_SHARE = 0.95  # of cells that must agree with the ground
_MARGIN = 60.0  # hPa, between surface pressure and its estimate from orography


def missing_values(
    dataset: xr.Dataset, name: str, summary: Summary, position: int, allowed: bool | None
) -> Finding | None:
    """What there is to say of NaN in a field.

    Args:
        dataset: canonical.
        name: of the field.
        summary: of it.
        position: of the time with the most NaN.
        allowed: whether the model takes NaN in this field, of which those that stay are its
            mask; None where there is no model yet: then a mask that stays is no obstacle.
    """
    if summary.missing.max() == 0 or (allowed and not summary.empty and not summary.mask_varies):
        return None
    if summary.empty:
        return Finding(name, "refused", "holds nothing but NaN", "values", "leave it out")
    holes = summary.mask_varies if allowed is None else not allowed
    came, advice = _description(dataset, name, summary, position)
    return Finding(name, "refused" if holes else "warning", came, "values in every cell", advice)


def _description(
    dataset: xr.Dataset, name: str, summary: Summary, position: int
) -> tuple[str, str]:
    """What came, and what to do."""
    whole = (summary.missing == 1).all(axis=1)
    if whole.any() and not whole.all() and not np.ptp(summary.missing[~whole], axis=0).any():
        first = minute(summary.times[int(whole.argmax())])
        came = f"has no values at {whole.sum()} of {len(whole)} times, first at {first}"
        return came, "leave these times out"
    by_level = summary.missing.max(axis=0)
    never = summary.missing.min(axis=0) == 1
    if never.any() and by_level[~never].max() == 0:
        few = never if 2 * never.sum() <= len(never) else ~never
        some = ", ".join(f"{p:g}" for p, named in zip(summary.levels, few, strict=True) if named)
        if few is never:
            return f"has no values at {some} hPa", "leave these levels out, or the field"
        return f"has values at {some} hPa only", "leave the other levels out, or the field"
    worst = int(by_level.argmax())
    level = summary.levels[worst]
    where = f"at {level:g} hPa " if "level" in dataset[name].dims else ""
    cells = dataset.sizes["lat"] * dataset.sizes["lon"]
    came = f"{where}is NaN in {_share(by_level[worst], cells)}"
    if below_ground(dataset, name, position):
        advice = "fill each column downwards from its lowest level above ground"
        return f"{came}, below ground", advice
    if summary.mask_varies:
        return f"{came}, which change with time", "fill them, or leave the field out"
    times = "the same at all sampled times" if len(summary.times) > 1 else "at the sampled time"
    return f"{came}, {times}", "is it a mask? else fill them"


def _share(share: float, cells: int) -> str:
    """`12.5% of cells`, and of few their number: `1 of 10,512 cells`."""
    few = round(share * cells)
    return f"{share:.1%} of cells" if share >= 0.001 else f"{few:,} of {cells:,} cells"


def below_ground(dataset: xr.Dataset, name: str, position: int) -> bool:
    """Whether NaN of a field on levels are the cells under the ground at one time.

    Judged by surface pressure, else by orography, else by NaN that reach down from
    wherever they begin and take more cells on each level.
    """
    field = dataset[name]
    if "level" not in field.dims or "member" in field.dims:
        return False
    levels = field["level"].values[:, None, None]
    holes = np.isnan(_at(field, position).transpose("level", "lat", "lon").values)
    ground = _ground(dataset, position)
    if ground is None:
        end = (holes[:-1] & ~holes[1:]).any()
        return bool(not end and holes[-1].sum() > holes[0].sum())
    margin = 0.0 if "sp" in dataset else _MARGIN
    under, sure = levels > ground - margin, levels > ground + margin
    explained = under[holes].mean() >= _SHARE
    return bool(explained and (not sure.any() or holes[sure].mean() >= _SHARE))


def _ground(dataset: xr.Dataset, position: int) -> NDArray[np.float64] | None:
    """(lat, lon) surface pressure in hPa."""
    if "sp" in dataset:
        pressure = _at(dataset["sp"], position).values.astype(np.float64)
        return pressure / (100 if np.nanmean(pressure) > 2000 else 1)
    if "z_surface" in dataset:
        heights = np.linspace(-1000, 9000, 101)
        pressures = [standard_pressure(float(height)) for height in heights]
        ground = _at(dataset["z_surface"], position).values / STANDARD_GRAVITY
        return np.interp(ground, heights, pressures)
    return None


def _at(field: xr.DataArray, position: int) -> xr.DataArray:
    return field.isel(time=position) if "time" in field.dims else field
