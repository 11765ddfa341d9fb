"""Reading forecast files: initial time, lead time, valid time."""

from collections.abc import Sequence
from functools import reduce
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr

from sciml.errors import InputError
from weather.dates import HOUR, minute
from weather.files.canonical import canonical
from weather.files.forecast_layout import in_hectopascal, positions
from weather.files.history import not_understood, noted
from weather.files.layout import ATTRIBUTE, Layout
from weather.files.lead_times import by_lead_time, deciding, hours_since_initial, lead_times
from weather.files.members import spread, with_member
from weather.files.merge import preferred, shared_attributes
from weather.files.reanalysis import as_reanalysis
from weather.files.sources import expand, is_grib, open_source
from weather.files.time_units import decoding, with_dates
from weather.files.times import time_of, with_leads
from weather.files.units import to_si
from weather.grid import LatLonGrid
from weather.variables import describe

CALIBRATION = ("calibration", "calibration_period", "calibration_sha256")  # attributes
DIMENSIONS = ("time", "lead_time", "member", "level", "lat", "lon")


def open_forecast(sources: Path | str | Sequence[Path | str] | xr.Dataset) -> xr.Dataset:
    """Open the forecasts of one model, lazily, whatever their layout.

    Args:
        sources: NetCDF or GRIB files or Zarr stores, or globs of them, each of one or more
            initial times; or of one run each a few of its lead times. Or a data set, as
            `Forecaster.forecast` gives it or xarray opened it.

    Returns:
        Dimensions (time, lead_time, [member,] level, lat, lon), `time` being the initial
        time, ascending like lead times; latitude north to south, longitude and level
        ascending, ERA5 short names, SI units; coordinate `valid_time` (time, lead_time).

    Raises:
        InputError: a file that cannot be read or holds no forecasts, files of different
            grids, lead times or members, an initial or lead time or a field that comes twice.
    """
    if isinstance(sources, xr.Dataset):
        return _together([(Path("the data set"), [with_leads(with_dates(sources))])])
    return _together([(Path(name), _raw(Path(name))) for name in expand(_listed(sources))])


def open_either(sources: Path | str | Sequence[Path | str]) -> xr.Dataset:
    """Open forecasts where files state lead times, and not only the zero of analyses; else these.

    Sums and the like that ERA5 has beside its analyses do not make them forecasts.

    Args:
        sources: see `open_forecast` and `weather.files.reanalysis.open_reanalysis`.

    Returns:
        As one or the other; only of forecasts `lead_time` is a dimension.

    Raises:
        InputError: forecasts beside analyses; see also those two.
    """
    names = expand(_listed(sources))
    try:
        opened = [(Path(name), _raw(Path(name))) for name in names if Path(name).exists()]
    except InputError:
        opened = []  # reading them as analyses says what is wrong
    told = deciding([parts for _, parts in opened])
    if len(opened) == len(names) and _state_lead_times(told):
        return _together(opened)
    _require_alike([(file, parts) for (file, _), parts in zip(opened, told, strict=True)])
    grib = {str(file): parts for file, parts in opened if _holds_grib(file)}
    return as_reanalysis([(name, grib.get(name) or open_source(name)) for name in names])


def _listed(sources: Path | str | Sequence[Path | str]) -> list[Path | str]:
    return [sources] if isinstance(sources, str | Path) else [*sources]


def _together(opened: Sequence[tuple[Path, list[xr.Dataset]]]) -> xr.Dataset:
    files, parts = [file for file, _ in opened], [_one_file(*pair) for pair in opened]
    for part, file in zip(parts, files, strict=True):
        if not LatLonGrid.from_dataset(part).matches(LatLonGrid.from_dataset(parts[0])):
            raise InputError(f"{file} and {files[0]} have different grids: evaluate them apart")
        _require_members(part, parts[0], f"{file} and {files[0]}")
    runs = _runs(parts)
    for run in runs:
        if not np.array_equal(run["lead_time"], runs[0]["lead_time"]):
            start = minute(run["time"].values[0])
            raise InputError(f"the files from {start} have different lead times than others")
    forecast = runs[0] if len(runs) == 1 else _concatenate(runs, "time", join="inner")
    initial = forecast["time"].values
    if len(np.unique(initial)) < len(initial):
        raise InputError("an initial time comes twice; give the files of one model only")
    forecast = _told_levels(forecast, runs)
    forecast = forecast.sortby("time").assign_attrs(_calibrations(parts))
    return forecast.assign_coords(valid_time=forecast["time"] + forecast["lead_time"])


def _require_members(part: xr.Dataset, other: xr.Dataset, files: str) -> None:
    one, two = (
        set(d["member"].values.tolist() if "member" in d.dims else ()) for d in (part, other)
    )
    if one != two:
        raise InputError(
            f"{files} have different members ({len(one ^ two)} in one alone): give files of "
            "the same members"
        )


def _told_levels(forecast: xr.Dataset, runs: list[xr.Dataset]) -> xr.Dataset:
    """A note of levels that not all runs have; to have none in common is refused."""
    every = {level for run in runs if "level" in run.dims for level in run["level"].values.tolist()}
    kept = set(forecast["level"].values.tolist()) if "level" in forecast.dims else set()
    if every and not kept:
        raise InputError("the files have no level in common; evaluate them apart")
    left = ", ".join(f"{level:g}" for level in sorted(every - kept))
    return noted(forecast, f"left out {left} hPa, which not all files have") if left else forecast


def _calibrations(parts: list[xr.Dataset]) -> dict[str, str]:
    """What any of the files says of a calibration of its spread, not only the first."""
    said = [
        (key, str(part.attrs[key])) for part in parts for key in CALIBRATION if key in part.attrs
    ]
    return {key: ", ".join(dict.fromkeys(v for k, v in said if k == key)) for key, _ in said}


def _state_lead_times(files: Sequence[list[xr.Dataset]]) -> bool:
    leads = [lead_times(parts) for parts in files]
    return all(len(found) for found in leads) and any((found > 0).any() for found in leads)


def _require_alike(opened: Sequence[tuple[Path, list[xr.Dataset]]]) -> None:
    """Check that forecasts do not stand beside analyses; static fields may.

    What files note without an initial time is no reason: ERA5's gusts are forecasts, too.
    """
    begun = {file: hours_since_initial(parts) for file, parts in opened}
    late = {file: (lead_times(parts) > 0).any() or begun[file].any() for file, parts in opened}
    dated = [file for file, parts in opened if any(time_of(part) in part.dims for part in parts)]
    forecasts = [file for file in late if late[file]]
    analyses = [file for file in dated if not late[file] and not begun[file].size]
    if forecasts and analyses:
        raise InputError(
            f"{forecasts[0]} holds forecasts, {analyses[0]} states no lead time above 0: give "
            "forecasts alone, or analyses"
        )


def _one_file(file: Path, opened: list[xr.Dataset]) -> xr.Dataset:
    parts = [_canonical(part, file) for part in opened]
    if len(opened) > 1:
        parts = [_still(part) for part in preferred(parts)]
    parts = spread(parts)
    _require_once(parts, file)
    whole = reduce(xr.Dataset.combine_first, parts)
    if len(opened) > 1:
        whole = whole.transpose(*DIMENSIONS, missing_dims="ignore").sortby("lat", ascending=False)
    whole = _by_ascending_lead(whole, file)
    return whole.assign_attrs({k: v for k, v in whole.attrs.items() if k != ATTRIBUTE})


def _require_once(parts: list[xr.Dataset], file: Path) -> None:
    """Check that no part has other values of a field where another has it; static ones may."""
    for one, other in combinations(parts, 2):
        for name in {*one.data_vars} & {*other.data_vars}:
            here, there = xr.align(one[name], other[name])
            if "time" not in here.dims or here.dims != there.dims or not here.size:
                continue
            if ((here != there) & here.notnull() & there.notnull()).any():
                start, lead = here["time"].values[0], here["lead_time"].values[0]
                raise InputError(
                    f"{file}: {name} comes twice with different values, from {minute(start)} + "
                    f"{lead / HOUR:g} h on; keep one of them"
                )


def _by_ascending_lead(forecast: xr.Dataset, file: Path) -> xr.Dataset:
    """Lead times ascending; one that comes twice is refused."""
    leads = np.sort(forecast["lead_time"].values)
    again = leads[1:][leads[1:] == leads[:-1]]
    if again.size:
        raise InputError(f"{file}: lead time {again[0] / HOUR:g} h comes twice; keep one of them")
    return forecast.sortby("lead_time")


def _raw(file: Path) -> list[xr.Dataset]:
    """What a file holds as it is; of GRIB a data set for each choice of levels and times."""
    return open_source(str(file)) if _holds_grib(file) else [_open(file)]


def _holds_grib(file: Path) -> bool:
    return file.is_file() and is_grib(file)


def _still(part: xr.Dataset) -> xr.Dataset:
    """Static fields without the times that GRIB gives them."""
    fixed = [name for name in part.data_vars if (known := describe(str(name))) and known.static]
    return part.assign({name: part[name].isel(time=0, lead_time=0, drop=True) for name in fixed})


def _runs(parts: list[xr.Dataset]) -> list[xr.Dataset]:
    """Files of the same initial times and other lead times, joined along these."""
    groups: dict[tuple[np.datetime64, ...], list[xr.Dataset]] = {}
    for part in parts:
        groups.setdefault(tuple(part["time"].values), []).append(part)
    runs: list[xr.Dataset] = []
    for group in groups.values():
        leads = np.concatenate([part["lead_time"].values for part in group])
        if len(np.unique(leads)) < len(leads):
            runs += group
        elif len(group) > 1:
            runs.append(_concatenate(group, "lead_time", join="outer").sortby("lead_time"))
        else:
            runs += group
    return runs


def _concatenate(parts: list[xr.Dataset], dim: str, join: Literal["inner", "outer"]) -> xr.Dataset:
    parts = [part.assign_coords(lat=parts[0]["lat"], lon=parts[0]["lon"]) for part in parts]
    return xr.concat(
        parts, dim, join=join, data_vars="minimal", coords="minimal", compat="override",
        combine_attrs=shared_attributes,
    )  # fmt: skip


def _open(file: Path) -> xr.Dataset:
    if not file.exists():
        raise InputError(f"{file}: no such file")
    engine = "zarr" if file.is_dir() else None
    try:
        with decoding(file):
            dataset = xr.open_dataset(file, engine=engine, decode_timedelta=True)
        return with_leads(with_dates(dataset))
    except InputError:
        raise
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"cannot read {file} as NetCDF, GRIB or Zarr; give a forecast file"
        ) from error


def _canonical(dataset: xr.Dataset, file: Path) -> xr.Dataset:
    """Canonical names, units and order; what is what is told by a single lead time."""
    dataset = by_lead_time(dataset, file)
    dated = [key for key in dataset.coords if dataset[key].dtype.kind in "mM"]
    one = dataset.isel(time=0, lead_time=0, missing_dims="ignore").drop_vars(dated)
    there = canonical(one, str(file))
    layout = Layout.of(there)
    roles = {own: role for role, own in layout.dims.items() if own in dataset.variables}
    dataset = dataset.rename({own: role for own, role in roles.items() if own != role})
    fields = {
        name: _field(dataset[field.name], there[name], name, file)
        for name, field in layout.fields.items()
    }
    result = layout.attach(xr.Dataset(fields, attrs=dataset.attrs))
    result = noted(result, *not_understood(there))
    result = result.drop_vars([c for c in result.coords if c not in DIMENSIONS])
    result = with_member(result, there, None)
    levels = in_hectopascal(layout.level, layout.level_units)
    for role, file_values in (("lat", layout.lat), ("lon", layout.lon), ("level", levels)):
        if role in result.dims:
            place = positions(file_values, there[role].values.tolist(), role).tolist()
            order = [place.index(i) for i in range(there.sizes[role])]
            result = result.isel({role: order}).assign_coords({role: there[role]})
    return result


def _field(
    field: xr.DataArray, canonical_field: xr.DataArray, name: str, file: Path
) -> xr.DataArray:
    """A forecast in SI units, its dimensions in canonical order."""
    field = to_si(field, name, str(file)).drop_attrs(deep=False)
    alone = [d for d in field.dims if d not in DIMENSIONS and field.sizes[d] == 1]
    field = field.squeeze(alone, drop=True).assign_attrs(canonical_field.attrs)
    if "level" in canonical_field.dims and "level" not in field.dims:
        field = field.expand_dims(level=canonical_field["level"].values)
    return field.transpose(*(dim for dim in DIMENSIONS if dim in field.dims))
