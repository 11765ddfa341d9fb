"""What `weather prepare` writes: the chosen fields of analyses, on the grid asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciml.config import Config
from sciml.errors import InputError
from weather.checking.origin import origin_of
from weather.checking.preflight import apply, inspect
from weather.dates import unix_seconds
from weather.files.chunks import in_globes
from weather.files.members import one_member
from weather.files.reanalysis import open_reanalysis, require_names
from weather.grid import LatLonGrid
from weather.models.forcing import insolation
from weather.training.periods import Times, time_step
from weather.training.regrid import Regridder
from weather.training.target_grid import target_grid
from weather.training.thinning import gaps, thin
from weather.variables import canonical_name

SOLAR_CONSTANT = 1360.8  # W m-2, Kopp and Lean (2011), Geophys. Res. Lett. 38, L01706
CLASSES = ("slt",)  # fields of categories, which have no mean
_INSOLATION = {
    "long_name": "Insolation at the top of the atmosphere, at this instant",
    "standard_name": "toa_incoming_shortwave_flux",
    "units": "W m-2",
    "cell_methods": "time: point",
}


class Choice(Config):
    """What of the analyses is kept.

    Attributes:
        variables: names, as the file or ERA5 has them; none takes all.
        levels: hPa; none takes all.
        start, end: dates; a last year or day counts whole.
        every: hours between times, counted from midnight UTC; None takes all times. What
            accumulates is summed over them, see `thin`.
        grid: see `target_grid`; None keeps the data's.
        insolation: add the sunlight at each time.
    """

    variables: tuple[str, ...] = ()
    levels: tuple[float, ...] = ()
    start: str | None = None
    end: str | None = None
    every: int | None = None
    grid: str | None = None
    insolation: bool = False


@dataclass(frozen=True)
class Source:
    """Fields to be written, read piece by piece.

    Attributes:
        dataset: canonical, chosen variables, levels and times, still on its own grid.
        series: read (time, [level,] lat, lon) float32 at positions first..end, by name.
        attributes: of the fields that change with time.
        static: (lat, lon) fields on the new grid.
        grid: the new one.
        step: seconds between times whose change is measured.
        sums: times of the data that are summed in each value, of the fields that accumulate.
        notes: what a user should know, a line each.
    """

    dataset: xr.Dataset
    series: dict[str, Callable[[int, int], NDArray[np.float32]]]
    attributes: dict[str, dict[str, str]]
    static: dict[str, xr.DataArray]
    grid: LatLonGrid
    step: int
    sums: dict[str, int]
    notes: tuple[str, ...]

    @property
    def times(self) -> Times:
        """Of all series."""
        return self.dataset["time"].values

    @property
    def regridded(self) -> bool:
        """Whether the grid is not the data's own."""
        return not self.grid.matches(LatLonGrid.from_dataset(self.dataset))

    def dims(self, name: str) -> tuple[str, ...]:
        """Of a series."""
        field = self.dataset.get(name)
        return ("time", "lat", "lon") if field is None else tuple(map(str, field.dims))

    def values(self, name: str) -> int:
        """Of a series at one time, on the new grid."""
        levels = self.dataset.sizes["level"] if "level" in self.dims(name) else 1
        return levels * self.grid.shape[0] * self.grid.shape[1]

    def change(self) -> str:
        """What happens to the data, for the history."""
        sums = {name: f" (sums of {number} times)" for name, number in self.sums.items()}
        names = ", ".join(f"{name}{sums.get(name, '')}" for name in self.series)
        if not self.regridded:
            return f"{names}; grid kept"
        own = LatLonGrid.from_dataset(self.dataset)
        return f"{names}; means over cells, from {own.describe()} to {self.grid.describe()}"


def choose(dataset: xr.Dataset, static: Sequence[xr.Dataset], choice: Choice) -> Source:
    """Cut analyses down to a choice; nothing but coordinates and static fields is read.

    Args:
        dataset: canonical, with a time axis.
        static: further canonical data sets, on any grid, whose static fields are added.
        choice: see `Choice`.

    Raises:
        InputError: a choice that the data does not hold.
    """
    dataset = _levels(_variables(dataset, choice.variables), choice.levels)
    names = [str(name) for name, field in dataset.data_vars.items() if "time" in field.dims]
    if not names:
        raise InputError("no variable of the data changes with time; give analyses")
    kept = thin(dataset, choice.start, choice.end, choice.every)
    dataset = kept.dataset
    own = LatLonGrid.from_dataset(dataset)
    grid = own if choice.grid is None else target_grid(choice.grid, own)
    fixed, notes = _static([dataset, *static], grid)
    regrid = None if grid.matches(own) else Regridder(own, grid)
    dataset = in_globes(dataset[names])
    series = {name: _reader(dataset[name], regrid) for name in names}
    attributes = {
        name: _attributes(dataset[name], regrid is not None, name in kept.sums) for name in names
    }
    if choice.insolation:
        series["insolation"] = _insolation(dataset["time"].values, grid)
        attributes["insolation"] = _INSOLATION
    times = dataset["time"].values
    step = time_step(times, choice.every) if len(times) > 1 else 3600 * (choice.every or 1)
    told = (*kept.notes, *notes, *gaps(times, step))
    return Source(dataset, series, attributes, fixed, grid, step, kept.sums, told)


def _variables(dataset: xr.Dataset, wanted: tuple[str, ...]) -> xr.Dataset:
    if "time" not in dataset.dims:
        raise InputError("the data has no time axis; give analyses, and static fields by --static")
    dataset = one_member(dataset)
    there = [str(name) for name in dataset.data_vars]
    names = [name if name in there else canonical_name(name) for name in wanted]
    require_names(dataset, names)
    return dataset[names] if names else dataset


def _levels(dataset: xr.Dataset, wanted: tuple[float, ...]) -> xr.Dataset:
    if not wanted:
        return dataset
    there = dataset["level"].values.tolist() if "level" in dataset.dims else []
    absent = [f"{level:g}" for level in wanted if level not in there]
    if absent:
        found = ", ".join(f"{level:g}" for level in there) or "none"
        raise InputError(f"no level {', '.join(absent)} hPa in the data (there are {found})")
    return dataset.sel(level=sorted(wanted))


def _static(
    datasets: Sequence[xr.Dataset], grid: LatLonGrid
) -> tuple[dict[str, xr.DataArray], list[str]]:
    """Static fields on the new grid, and notes on those left out."""
    fields: dict[str, xr.DataArray] = {}
    notes = []
    for dataset in datasets:
        own = LatLonGrid.from_dataset(dataset)
        for name, field in dataset.data_vars.items():
            if field.dims != ("lat", "lon") or name in fields:
                continue
            if grid.matches(own):
                # in memory: a store is begun without the values of lazy fields
                values = field.values.astype(np.float32)
                fields[str(name)] = xr.DataArray(values, dims=("lat", "lon"), attrs=field.attrs)
            elif name in CLASSES:
                notes.append(f"{name} left out: categories have no mean over a cell")
            else:
                values = Regridder(own, grid)(field.values).astype(np.float32)
                attributes = _attributes(field, regridded=True)
                fields[str(name)] = xr.DataArray(values, dims=("lat", "lon"), attrs=attributes)
    return fields, notes


def _attributes(field: xr.DataArray, regridded: bool, summed: bool = False) -> dict[str, str]:
    attributes = {str(key): str(value) for key, value in field.attrs.items()}
    methods = ["time: sum"] * summed + ["area: mean"] * regridded
    return attributes | ({"cell_methods": " ".join(methods)} if methods else {})


def _reader(
    field: xr.DataArray, regrid: Regridder | None
) -> Callable[[int, int], NDArray[np.float32]]:
    """Dask reads, regrids and casts block by block."""

    def read(first: int, end: int) -> NDArray[np.float32]:
        blocks = field.data[first:end]
        if regrid is not None:
            sizes = [weights.shape[1] for weights in regrid.weights.values()]
            blocks = blocks.map_blocks(
                lambda values: regrid(values).astype(np.float32),
                dtype=np.float32,
                chunks=(*blocks.chunks[:-2], *((size,) for size in sizes)),
                meta=np.empty((0,) * field.ndim, np.float32),
            )
        return np.asarray(blocks.astype(np.float32).compute(scheduler="threads"))

    return read


def _insolation(times: Times, grid: LatLonGrid) -> Callable[[int, int], NDArray[np.float32]]:
    seconds = torch.from_numpy(unix_seconds(times)).double()
    lat, lon = (torch.tensor(axis, dtype=torch.float64) for axis in (grid.lat, grid.lon))

    def read(first: int, end: int) -> NDArray[np.float32]:
        sunlight = SOLAR_CONSTANT * insolation(seconds[first:end], lat, lon)
        return sunlight.to(torch.float32).numpy()

    return read


def open_source(files: Sequence[str], static: Sequence[str], choice: Choice) -> Source:
    """Open files and cut them down to a choice.

    Raises:
        InputError: see `open_reanalysis` and `choose`.
    """
    opened = open_reanalysis(list(files))
    wanted = map(canonical_name, choice.variables or map(str, opened.data_vars))
    names = [name for name in wanted if name in opened]
    report = inspect(opened, names, masked=names)  # holes are found by `prepare`, which sees all
    dataset = apply(opened, report)
    source = choose(dataset, [open_reanalysis(path) for path in static], choice)
    origin = [*origin_of(opened)]
    on_fields = [f for f in report.findings if f.subject in names]  # gaps are in the notes
    told = replace(report, findings=(*origin, *on_fields)).lines("warning")
    return replace(source, notes=(*report.lines("corrected"), *told, *source.notes))
