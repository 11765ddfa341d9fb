"""What was changed on reading: lines in the attribute `history`."""

import xarray as xr

ATTRIBUTE = "history"


def noted(dataset: xr.Dataset, *lines: str) -> xr.Dataset:
    """The data set with further lines of history; a line that is there is not repeated."""
    known = history(dataset)
    known += [line for line in dict.fromkeys(lines) if line not in known]
    return dataset.assign_attrs({ATTRIBUTE: "\n".join(known)}) if known else dataset


def history(dataset: xr.Dataset) -> list[str]:
    """The lines, oldest first."""
    return str(dataset.attrs.get(ATTRIBUTE, "")).splitlines()


def simulated(dataset: xr.Dataset) -> bool:
    """Whether the data come from `weather simulate`: mountains, but not those of the Earth."""
    return any("weather simulate" in line for line in history(dataset))
