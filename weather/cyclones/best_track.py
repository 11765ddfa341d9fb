"""Best tracks: where storms were, as agencies agreed afterwards.

IBTrACS (Knapp et al. 2010, Bull. Amer. Meteor. Soc. 91, 363) as CSV, with or without its
row of units, or NetCDF; or any table of storms with their times and positions.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from sciml.errors import InputError
from weather.cyclones.basins import basin
from weather.files.units import KNOT

COLUMNS = ("storm", "name", "number", "basin", "time", "lat", "lon", "pressure", "wind", "nature")

_NAMES = {  # what is read -> columns that hold it, the first that is filled counts
    "storm": ("SID", "ID", "STORM", "TRACK"),
    "name": ("NAME",),
    "number": ("USA_ATCF_ID", "ATCF_ID"),
    "time": ("ISO_TIME", "TIME", "VALID_TIME"),
    "lat": ("LAT",),
    "lon": ("LON",),
    "pressure": ("USA_PRES", "WMO_PRES", "PRES_HPA", "MSL_HPA"),
    "wind": ("USA_WIND", "WMO_WIND"),  # kt
    "wind_ms": ("WIND_MS",),
    "nature": ("NATURE",),
}


def read_best_tracks(paths: Path | str | Sequence[Path | str]) -> pd.DataFrame:
    """Read best tracks.

    Args:
        paths: CSV or NetCDF files.

    Returns:
        One row per fix, by storm and time: `storm`, `name`, `number` (ATCF, such as
        AL062018, or empty), `basin` (of the position, ATCF), `time` (UTC), `lat`, `lon`
        (degrees), `pressure` (hPa), `wind` (kt; of one minute in IBTrACS), `nature`
        (TS tropical, SS subtropical, ET extratropical, DS disturbance, ...); NaN or
        empty where unknown.

    Raises:
        InputError: a file that cannot be read, or without storms, times and positions.
    """
    files = [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    table = pd.concat([_read(file) for file in files], ignore_index=True)
    table["basin"] = [basin(*place) for place in zip(table["lat"], table["lon"], strict=True)]
    table = table.drop_duplicates(["storm", "time"]).sort_values(["storm", "time"])
    return table.reset_index(drop=True)[list(COLUMNS)]


def _read(file: Path) -> pd.DataFrame:
    if not file.exists():
        raise InputError(f"{file}: no such file")
    raw = _from_netcdf(file) if file.suffix in (".nc", ".nc4") else _from_csv(file)
    raw.columns = [str(name).upper() for name in raw.columns]
    found = {role: [n for n in names if n in raw] for role, names in _NAMES.items()}
    missing = [role for role in ("storm", "time", "lat", "lon") if not found[role]]
    if missing:
        raise InputError(
            f"{file} has no column of {', '.join(missing)}; expected IBTrACS (SID, ISO_TIME, "
            f"LAT, LON, ...), got {', '.join(map(str, raw.columns[:12]))}"
        )
    numbers = {r: _number(raw, found[r]) for r in ("lat", "lon", "pressure", "wind", "wind_ms")}
    texts = {role: _text(raw, found[role]) for role in ("storm", "name", "number", "nature")}
    wind = numbers.pop("wind").fillna(numbers.pop("wind_ms") / KNOT)
    time = pd.to_datetime(raw[found["time"][0]], errors="coerce", format="ISO8601", utc=True)
    time = time.dt.tz_localize(None)
    table = pd.DataFrame(texts | numbers | {"wind": wind, "time": time})
    return table.dropna(subset=["lat", "lon", "time"])  # IBTrACS's second row holds units


def _from_csv(file: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(file, dtype=str, keep_default_na=False)  # NA is a basin
    except (ValueError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"cannot read {file} as a table of tracks: {reason}") from error


def _from_netcdf(file: Path) -> pd.DataFrame:
    """IBTrACS's NetCDF: (storm, date_time), texts as bytes."""
    wanted = {name.lower() for names in _NAMES.values() for name in names}
    try:
        with xr.open_dataset(file) as opened:
            kept = [v for v in opened.variables if v in wanted]
            dataset = opened.drop_vars(set(opened.variables) - set(kept)).load()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {file} as NetCDF; give IBTrACS as .csv or .nc") from error
    if "date_time" not in dataset.dims:
        raise InputError(f"{file} is no IBTrACS file: it has no dimension date_time")
    table = dataset.reset_coords().to_dataframe().reset_index()
    for name in table.columns:
        if table[name].dtype == object:
            table[name] = table[name].map(lambda x: x.decode() if isinstance(x, bytes) else x)
    if "time" in table:  # rounded: days since 1858 do not hit the seconds
        table["iso_time"] = pd.to_datetime(table["time"]).dt.round("min")
    return table


def _number(raw: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """The first of several columns that holds a number, row by row."""
    result = pd.Series(np.nan, index=raw.index)
    for name in names:
        result = result.fillna(pd.to_numeric(raw[name], errors="coerce"))
    return result


def _text(raw: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """The first of several columns that is filled, row by row."""
    result = pd.Series("", index=raw.index)
    for name in names:
        result = result.where(result != "", raw[name].astype(str).str.strip())
    return result
