"""Releases of ECMWF's reanalyses, by `expver`: 0001 is final, 0005 early and may be corrected.

Canonical data of one file carry the releases that it states in the attribute `releases`, so
that files can be compared when they are joined.
"""

from collections.abc import Sequence

import xarray as xr

from weather.files.history import VERSIONS

ATTRIBUTE = "releases"
_KEY = "expver"


def sole_release(dataset: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """ERA5 and its early release ERA5T as one, the first that has a value, and what to note."""
    if _KEY not in dataset.dims:
        found = releases_of(dataset)
        return dataset, [_line(found)] if len(found) > 1 else []
    if dataset.sizes[_KEY] == 1:
        return dataset, []
    dataset = dataset.sortby(_KEY) if _KEY in dataset.coords else dataset
    versions = [dataset.isel({_KEY: i}, drop=True) for i in range(dataset.sizes[_KEY])]
    result = versions[0]
    for version in versions[1:]:
        split = [k for k, field in dataset.data_vars.items() if _KEY in field.dims]
        result = result.assign({k: result[k].fillna(version[k]) for k in split})
    for key in result.data_vars:
        result[key].attrs = dataset[key].attrs
    return result, [f"{len(versions)}{VERSIONS}) combined, the first that has a value"]


def releases_of(dataset: xr.Dataset) -> list[str]:
    """Those that a file states: `0001`, `0005`."""
    if _KEY not in dataset.coords:
        return []
    stated = dataset[_KEY].values.ravel().tolist()
    return sorted({f"{one:04.0f}" if isinstance(one, int | float) else str(one) for one in stated})


def compared(parts: Sequence[xr.Dataset], names: Sequence[str]) -> list[str]:
    """What to note of files of different releases: each with the first file that has it.

    A file that mixes all of them says so itself.
    """
    first: dict[str, str] = {}
    stated = [str(part.attrs.get(ATTRIBUTE, "")).split() for part in parts]
    for found, name in zip(stated, names, strict=True):
        for release in found:
            first.setdefault(release, name)
    if len(first) <= max(map(len, stated)):
        return []
    if len(sources := {*first.values()}) == 1:  # a GRIB file, of which each release is a part
        return [f"{sources.pop()}: {_line(sorted(first))}"]
    return [_line([f"{release} in {first[release]}" for release in sorted(first)])]


def _line(found: Sequence[str]) -> str:
    return f"{len(found)}{VERSIONS} {', '.join(found)})"
