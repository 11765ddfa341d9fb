"""Fields of a file, downscaled to another that is laid out like it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import xarray as xr

from sciml.errors import InputError
from sciml.files import only_writer
from weather.downscaling.downscaler import Downscaler
from weather.files.accumulations import known_hours
from weather.files.arrangement import Arrangement
from weather.files.forecast_coordinates import analysis_coordinates
from weather.files.forecast_layout import Contents, analysis_layout
from weather.files.history import stamped, whole_history
from weather.files.layout import ATTRIBUTE, Layout
from weather.forecasting.output import claim_output, finish, remove
from weather.forecasting.working_store import WorkingStore
from weather.state import State


def write_downscaled(
    downscaler: Downscaler,
    dataset: xr.Dataset,
    path: Path,
    *,
    command: str = "weather.downscaling.downscale_file.write_downscaled",
    on_field: Callable[[int, int], object] = lambda done, of: None,
    say: Callable[[str], object] = lambda line: None,
) -> int:
    """Downscale all times of a data set into a file, whole or not at all.

    The file has the names, units, order and dimensions of those that the data came from.

    Args:
        downscaler: see `Downscaler`.
        dataset: canonical, on the model's coarse grid; may have members.
        path: ends in `.nc` or `.zarr`.
        command: a line for the file's history.
        on_field: called with the number of times done, and of all.
        say: called with a line for each correction and each warning.

    Returns:
        The number of times; see `Downscaler.checked` on those that are left out.

    Raises:
        InputError: data that the model cannot start from, or a path that cannot be written.
    """
    if "time" not in dataset.dims:
        raise InputError("the data has no time axis; give fields with their time")
    claim_output(path)
    dataset = downscaler.checked(dataset, say)
    members = dataset["member"].values if "member" in dataset.dims else None
    times = dataset["time"].values
    config = downscaler.config
    contents = Contents(
        config.variables, config.grid, members is not None, False,
        downscaler.metadata.get("attributes"), known_hours(dataset),
    )  # fmt: skip
    own = Layout.of(dataset) if ATTRIBUTE in dataset.attrs else None
    arrangement = Arrangement(analysis_layout(contents, own), config.variables, config.grid)
    coordinates = analysis_coordinates(arrangement.layout, times, members)
    coordinates.attrs = _attributes(downscaler, dataset, command)
    folder = path.with_name(f".{path.name}.partial")
    with only_writer(path):
        remove(folder)
        folder.mkdir()
        try:
            store = WorkingStore.create(folder / "store", arrangement, coordinates, "")
            for done, (place, coarse) in enumerate(_states(downscaler, dataset), start=1):
                store.write(downscaler.downscale(coarse), 0, place)
                on_field(done, len(times) * max(1, 0 if members is None else len(members)))
            finish(folder / "store", path)
        finally:
            remove(folder)
    return len(times)


def _states(downscaler: Downscaler, dataset: xr.Dataset) -> Iterator[tuple[dict[str, int], State]]:
    """Places in the file, and the coarse states that belong there."""
    for time, at in enumerate(dataset["time"].values):
        for member in range(dataset.sizes.get("member", 1)):
            part = dataset.isel(member=member) if "member" in dataset.dims else dataset
            yield {"time": time, "member": member}, downscaler.at(part, at)


def _attributes(downscaler: Downscaler, dataset: xr.Dataset, command: str) -> dict[str, str]:
    period = str(downscaler.metadata.get("period", ""))
    return {
        "Conventions": "CF-1.10",
        "title": "Fields downscaled by a learned model",
        "source": f"weather downscale, from {downscaler.refinement.coarse.describe()}, trained on "
        f"{period or 'unknown data'}",
        "history": whole_history(dataset, stamped(command)),
        "training_period": period,
        "model": downscaler.file.name if downscaler.file else "the model",
    }
