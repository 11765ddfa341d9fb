"""Values that the atmosphere, or a model's training data, does not hold."""

from collections.abc import Mapping

import numpy as np

from weather.checking.findings import Finding, deviations, number
from weather.checking.plausible import cell_bounds
from weather.checking.sampling import Numbers, Summary
from weather.dates import minute
from weather.variables import channel_name, describe, on_level, si_unit

Normal = Mapping[str, tuple[float, float]]

UNUSUAL, IMPOSSIBLE = 5.0, 20.0  # training standard deviations of an average
_FILL = (-999.0, -9999.0, -99999.0, -32767.0, -32768.0)
_HUGE = 1e15  # NetCDF's default fill value is 9.97e36, GRIB's 9999 or 3.4e38
_CERTAIN = {"K", "Pa", "m2 s-2", "m s-1"}  # units of fields with neither long tails nor oddities
_RAIN = 0.03  # m, more than a region receives on average in a step of up to a day


def fill_value(name: str, summary: Summary, factor: float, offset: float) -> Finding | None:
    """A fill value that was taken for data.

    Args:
        name: of the field.
        summary: of the values as opened, which are factor * (the file's values) + offset.
        factor, offset: see `summary`.
    """
    low, high = summary.extremes()
    stored = round((low - offset) / factor, 3)
    bound = min(cell_bounds(name, level)[0] for level in summary.levels)
    suspect = stored in _FILL and (bound == -np.inf or low < bound)
    if not suspect and max(-low, high) < _HUGE:
        return None
    side = "low" if suspect or -low > high else "high"
    value = (high if side == "high" else low) - offset
    came = f"reaches {number(value / factor)}{_where(summary, side)}, which looks like a fill value"
    return Finding(name, "refused", came, "NaN there", "name it in the attribute _FillValue")


def out_of_reach(name: str, summary: Summary) -> Finding | None:
    """Cells outside what the Earth's atmosphere holds."""
    unit = si_unit(name)
    bounds = np.array([cell_bounds(name, level) for level in summary.levels])
    for side, beyond in (
        ("low", summary.low < bounds[:, 0]),
        ("high", summary.high > bounds[:, 1]),
    ):
        if beyond.any():
            excess = np.where(beyond, np.abs(getattr(summary, side) - bounds.mean(axis=1)), -1)
            time, level = np.unravel_index(int(excess.argmax()), excess.shape)
            value = getattr(summary, side)[time, level]
            low, high = bounds[level]
            return Finding(
                name,
                "refused" if unit in _CERTAIN else "warning",
                f"reaches {number(value)} {unit}{_place(summary, side, int(time), int(level))}",
                f"{number(low)}..{number(high)}",
                "mend or mask these cells",
            )
    return None


def much_rain(name: str, summary: Summary) -> Finding | None:
    """Precipitation that may be in mm; deserts and accumulations forbid to be certain."""
    average = float(np.nanmax(summary.mean))
    if on_level(name)[0] != "tp" or average < _RAIN:
        return None
    came = f"averages {number(average)} m"
    return Finding(name, "warning", came, f"below {_RAIN} m", "check whether it is in mm")


def standing_still(name: str, summary: Summary) -> Finding | None:
    """A field without any structure, or one that does not change."""
    known = describe(name)
    if known is not None and known.static:
        return None
    if summary.constant:
        came = "is zero everywhere" if summary.zero else "has one value everywhere"
        return Finding(name, "warning", came, advice="check that it is not a placeholder")
    if summary.frozen:
        came = "is the same at all sampled times"
        return Finding(name, "warning", came, advice="check that it is not a stuck record")
    return None


def scores(name: str, summary: Summary, normal: Normal) -> Numbers | None:
    """(time, level) deviation of averages from those of the training data.

    Returns:
        In training standard deviations; None if the model does not know the field.
    """
    moments = _moments(name, summary, normal)
    if moments is None:
        return None
    mean, std = moments.T
    return (summary.plain - mean) / std


def unlike_training(name: str, summary: Summary, normal: Normal) -> Finding | None:
    """A field whose average, or a cell of it, lies far outside the training data."""
    moments, found = _moments(name, summary, normal), scores(name, summary, normal)
    if moments is None or found is None or np.isnan(found).all():
        return None
    time, level = (int(i) for i in np.unravel_index(np.nanargmax(np.abs(found)), found.shape))
    mean = moments[level, 0]
    score = abs(float(found[time, level]))
    side = "high" if found[time, level] > 0 else "low"
    place = f"; farthest{_place(summary, side, time, level)}"
    if score > UNUSUAL:
        far = deviations(score)
        return Finding(
            _channel(name, summary, level),
            "refused" if score > IMPOSSIBLE else "warning",
            f"averages {number(summary.plain[time, level])}{place}",
            f"about {number(mean)} as in training, here {far} standard deviations off",
            "check its unit and source",
        )
    return _lonely_cell(name, summary, moments)


def _lonely_cell(name: str, summary: Summary, moments: Numbers) -> Finding | None:
    known = describe(name)
    if known is None or known.units not in _CERTAIN:
        return None  # rain, humidity and vorticity have long tails
    mean, std = moments.T
    for side, away in (("low", (mean - summary.low) / std), ("high", (summary.high - mean) / std)):
        if np.nanmax(away) > IMPOSSIBLE:
            time, level = (int(i) for i in np.unravel_index(np.nanargmax(away), away.shape))
            value = getattr(summary, side)[time, level]
            came = f"reaches {number(value)}{_place(summary, side, time, level)}"
            expected = (
                f"about {number(mean[level])} as in training, here {deviations(away[time, level])} "
            )
            return Finding(
                name, "warning", came, expected + "standard deviations off", "look at these cells"
            )
    return None


def swapped_winds(east: str, north: str, eastward: Summary, northward: Summary) -> Finding | None:
    """Averages along latitudes: westerlies and trades blow east and west, hardly north."""
    if eastward.empty or northward.empty:
        return None
    zonal, meridional = np.nanmean(eastward.zonal), np.nanmean(northward.zonal)
    if meridional < 1.5 * zonal or northward.zero:
        return None
    came = f"averages {meridional:.1f} m s-1 along latitudes, and {east} {zonal:.1f} m s-1"
    return Finding(north, "warning", came, "the reverse", "check whether the two are swapped")


def _moments(name: str, summary: Summary, normal: Normal) -> Numbers | None:
    """(level, 2) training mean and standard deviation; NaN where the model has no such level."""
    known = [normal.get(_channel(name, summary, i)) for i in range(len(summary.levels))]
    if not any(known):
        return None
    return np.array([pair or (np.nan, np.nan) for pair in known])


def _channel(name: str, summary: Summary, level: int) -> str:
    pressure = summary.levels[level]
    return name if on_level(name)[1] is not None else channel_name(name, pressure)


def _where(summary: Summary, side: str) -> str:
    values = getattr(summary, side)
    best = np.nanargmin(values) if side == "low" else np.nanargmax(values)
    time, level = np.unravel_index(best, values.shape)
    return _place(summary, side, int(time), int(level))


def _place(summary: Summary, side: str, time: int, level: int) -> str:
    """` at 52.5 N 13.5 E, 500 hPa, 2001-01-01T00:00`."""
    lat, lon = getattr(summary, f"{side}_at")[time, level]
    text = f" at {abs(lat):g} {'S' if lat < 0 else 'N'} {abs(lon):g} {'W' if lon < 0 else 'E'}"
    if summary.levels[level] is not None:
        text += f", {summary.levels[level]:g} hPa"
    return f"{text}, {minute(summary.times[time])}" if summary.times else text
