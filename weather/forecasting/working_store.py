"""A forecast while it is made: a Zarr store beside the file it is to become.

One piece on disk is one initial time, one member and one lead time of a field, whole in
space, so each step is written once and nothing is read back. Zarr's format 2 is what
every reader of today understands.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr
import zarr

from weather.files.arrangement import COUNTED, Arrangement
from weather.state import State


class WorkingStore:
    """A Zarr store that is filled step by step.

    Args:
        path: as `create` made it.
        arrangement: how it is laid out.
    """

    def __init__(self, path: Path, arrangement: Arrangement) -> None:
        self.path, self.arrangement = path, arrangement
        group = zarr.open_group(path, mode="r+")
        fields = arrangement.layout.fields
        self._arrays = {name: _array(group, field.name) for name, field in fields.items()}

    @classmethod
    def create(
        cls,
        path: Path,
        arrangement: Arrangement,
        coordinates: xr.Dataset,
        auxiliary: str,
    ) -> "WorkingStore":
        """Make a store with coordinates and without values.

        Args:
            path: a new folder.
            arrangement: how it is laid out.
            coordinates: from `forecast_coordinates`; its attributes are the file's.
            auxiliary: names of coordinates, the attribute `coordinates` of each field.
        """
        coordinates.to_zarr(path, mode="w", zarr_format=2, consolidated=False)
        group = zarr.open_group(path, mode="r+")
        layout = arrangement.layout
        for field in layout.fields.values():
            dims = [layout.dims[role] for role in field.dims]
            shape = tuple(coordinates.sizes[dim] for dim in dims)
            attributes = {**field.attributes, **({"units": field.units} if field.units else {})}
            if auxiliary:
                attributes["coordinates"] = auxiliary
            group.create_array(
                field.name,
                shape=shape,
                chunks=tuple(
                    1 if role in COUNTED else size
                    for role, size in zip(field.dims, shape, strict=True)
                ),
                dtype=field.dtype,
                fill_value=np.nan,
                attributes={"_ARRAY_DIMENSIONS": dims, **attributes},
            )
        return cls(path, arrangement)

    def write(self, state: State, sample: int, place: Mapping[str, int]) -> None:
        """Write one sample of a state, without values below zero of what has none.

        Args:
            state: with a time axis of one.
            sample: its position in the batch.
            place: position along `time`, `lead_time` and `member`.
        """
        names, own = state.variables, slice(sample, sample + 1)
        parts = (state.surface[own], state.upper[own], state.time[own])
        one = State(*parts, names, state.grid).without_negatives()
        for kind, fields in ((names.surface, one.surface), (names.upper, one.upper)):
            for number, name in enumerate(kind):
                values = fields[0, 0, number].cpu().numpy()
                dims = self.arrangement.layout.fields[name].dims
                index = tuple(place[d] if d in COUNTED else slice(None) for d in dims)
                self._arrays[name][index] = self.arrangement(name, values)


def _array(group: zarr.Group, name: str) -> zarr.Array:
    array = group[name]
    assert isinstance(array, zarr.Array)
    return array
