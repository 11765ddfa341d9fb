"""What a run learns from, by content: data that were moved are the same data.

Variables, grid and times are compared, and a digest of values: of all times of a small series,
of three of a large one. So much of every field `weather.checking.preflight` reads before each
training, and any batch: a store of terabytes costs no more than one of gigabytes. Values that
changed at other times of a large series only are not found.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from sciml.config import Config
from sciml.errors import InputError
from sciml.files import write_text
from sciml.run_folder import is_first_process, open_run
from sciml.wording import count
from weather.dates import minute, unix_seconds
from weather.files.reanalysis import static_fields
from weather.grid import LatLonGrid
from weather.training.data import DataConfig
from weather.training.periods import Index
from weather.training.series import Series
from weather.variables import Variables

DATA = "data.json"
_SAMPLED = 64 * 2**20  # bytes of fields up to which all times are looked at
_NAN = 3e38  # in its place, since NaN has many bit patterns


def open_run_on(series: Series, run: Path, config: Config, resume: bool) -> None:
    """Claim the folder of a training, as `sciml.run_folder.open_run`, and write `run/data.json`.

    Raises:
        InputError: as `open_run`; or a run to resume was begun with other data.
    """
    if not is_first_process():
        return
    path, told = run / DATA, contents(series)
    known = resume and path.exists()  # else the paths tell
    if known:
        _require_same(run, json.loads(path.read_text(encoding="utf-8")), told)
    open_run(run, config, resume, free=("data.paths",) if known else ())
    write_text(path, json.dumps(told, indent=1))


def as_begun(data: DataConfig, run: Path, resume: bool) -> DataConfig:
    """With the variables that a run to resume was begun with, in their order.

    Files of another format may list them in another order, and have more of them.
    """
    path = run / DATA
    if data.variables is not None or not resume or not path.exists():
        return data
    known = json.loads(path.read_text(encoding="utf-8"))["variables"]
    return data.model_copy(update={"variables": Variables.model_validate(known)})


def contents(series: Series) -> dict[str, Any]:
    """Variables, grid and times, and a digest of grid, all times and some values.

    Of a series that goes on after all periods, what comes after them does not count.
    """
    times, grid = series.dataset["time"].values, LatLonGrid.from_dataset(series.dataset)
    inside = [(times >= start) & (times < end) for start, end in series.periods.values()]
    places = np.flatnonzero(np.any(inside, axis=0))
    first, last = times[places[[0, -1]]]
    return {
        "variables": series.variables.model_dump(mode="json"),
        "grid": grid.describe(),
        "times": f"{count(len(places), 'time')}, {minute(first)} to {minute(last)}",
        "values": _digest(series, grid, places),
    }


def _digest(series: Series, grid: LatLonGrid, places: Index) -> str:
    digest = hashlib.sha256()
    times = unix_seconds(series.dataset["time"].values[places])
    for numbers in (np.array(grid.lat), np.array(grid.lon), times):
        digest.update(numbers.tobytes())
    for field in static_fields(series.dataset, series.variables).values():
        digest.update(field.numpy().tobytes())
    size = 4 * len(series.variables.channels) * len(grid.lat) * len(grid.lon)  # bytes of a time
    some = np.linspace(0, len(places) - 1, min(len(places), max(3, _SAMPLED // size)))
    for place in places[some.round().astype(int)]:
        state = series.fields.cut(np.array([[place]]))
        for values in (state.surface, state.upper):
            digest.update(values.nan_to_num(nan=_NAN).numpy().tobytes())
    return digest.hexdigest()[:16]


def _require_same(run: Path, before: dict[str, Any], told: dict[str, Any]) -> None:
    for key in ("grid", "times", "values", "variables"):
        if before[key] != told[key]:
            words = f"{before[key]}; {told[key]} came"
            if key in ("values", "variables"):
                words = f"other {key} ({told['times']})"
            raise InputError(
                f"{run} was begun with {words}: resume it with the data of before, or give "
                "another --run folder"
            )
