"""Fields that never change, such as mountains and land, without the times that files give them."""

import xarray as xr

from weather.variables import KNOWN


def without_times(name: str, field: xr.DataArray, source: str) -> tuple[xr.DataArray, list[str]]:
    """A static field at its only time, or at its first where that equals the middle and the last.

    Args:
        name: canonical.
        field: of one file; read at three times if it has several.
        source: name of the file.

    Returns:
        The field, as it is if it is not static or does change, and what to note.
    """
    count = field.sizes.get("time", 1)
    if name not in KNOWN or not KNOWN[name].static or "time" not in field.dims or not count:
        return field, []
    if count == 1:
        return field.isel(time=0, drop=True), []
    first, *others = (field.isel(time=i, drop=True).load() for i in (0, count // 2, count - 1))
    if not all(first.equals(other) for other in others):
        return field, []
    return first, [f"{source}: {name} is equal at its first, middle and last time: taken once"]
