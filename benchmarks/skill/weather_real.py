"""Short real series: forecasts beside a linear model, from fresh weights and a simulated start.

    python benchmarks/skill/weather_real.py /path/to/weather            # both series, both starts
    python benchmarks/skill/weather_real.py /path/to/weather --only msl --set training.epochs=8

ERA-Interim over Europe a day ahead (`--config europe`) and ERA5's mean sea level pressure 6 and
24 h ahead (`--config short_series`) are learned from fresh weights, and from a model that has
learned the same variables, on the same grid, of the simulated atmosphere of `weather_data`.
Scored are the days after those of training and validation, beside persistence and the linear
model of `weather evaluate`, fitted on all days before. Results are added to those in
`results/skill_real.json`, which `results/skill_real.md` shows.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from weather_data import make

from sciml.config import load_config, named_config
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecaster import Forecaster
from weather.grid import LatLonGrid
from weather.training.experiment import ExperimentConfig, train
from weather.verification.climatology import ClimatologyKind
from weather.verification.linear import LinearModel
from weather.verification.metrics import area_mean

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
HOUR, APART = np.timedelta64(1, "h"), np.timedelta64(400, "D")
STATIC = ("z_surface", "lsm")
Fields = NDArray[np.floating]
Result = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """A real series and how it is learned.

    Attributes:
        config: shipped configuration.
        file, static: below the folder of real data.
        variables: that are forecast.
        step, leads: hours of a time step, and those that are scored.
        climatology: of the linear model.
        windows: of the simulated atmosphere, evenly around the globe.
        epochs: over them.
    """

    config: str
    file: str
    static: str
    variables: tuple[str, ...]
    step: int
    leads: tuple[int, ...]
    climatology: ClimatologyKind
    windows: int
    epochs: int


TASKS = {
    "europe": Task(
        config="europe",
        file="erainterim_europe_1p5deg_daily12z_2000-2008.nc",
        static="static_europe_1p5deg.nc",
        variables=("msl", "z500", "t850"),
        step=24,
        leads=(24,),
        climatology="seasonal",
        windows=10,
        epochs=2,
    ),
    "msl": Task(
        config="short_series",
        file="era5_global_2p5deg_6h_msl_vo850_20251201-20260208.nc",
        static="static_global_2p5deg.nc",
        variables=("msl",),
        step=6,
        leads=(6, 24),
        climatology="mean",
        windows=1,
        epochs=1,
    ),
}


def simulated(task: Task, real: xr.Dataset, source: Path) -> xr.Dataset:
    """The simulated atmosphere with the variables and on the grid of a real series.

    Windows of a limited area follow each other in time, with a gap between them.
    """
    atmosphere = open_reanalysis([source])
    fields = {name: _field(atmosphere, name) for name in task.variables}
    closed = xr.Dataset(fields).pad(lon=1, mode="wrap")
    east = atmosphere["lon"].values
    closed["lon"] = np.concatenate([east[-1:] - 360, east, east[:1] + 360])
    beyond = {"fill_value": "extrapolate"}  # rows at the poles, which the simulation has not
    parts = []
    for number in range(task.windows):
        lon = (real["lon"].values + 360 / task.windows * number) % 360
        part = closed.interp(lat=real["lat"].values, lon=lon, kwargs=beyond).astype(np.float32)
        parts.append(part.assign_coords(lon=real["lon"].values, time=part["time"] + number * APART))
    return xr.concat(parts, "time")


def _field(dataset: xr.Dataset, name: str) -> xr.DataArray:
    """`msl`, or `z500`: `z` at 500 hPa."""
    known = name in dataset
    return dataset[name] if known else dataset[name[0]].sel(level=float(name[1:]), drop=True)


def learn(
    task: Task, paths: Sequence[Path], options: Sequence[str], run: Path
) -> tuple[Forecaster, float]:
    """Train as the shipped configuration says; also CPU seconds."""
    files = f"data.paths=[{', '.join(str(path) for path in paths)}]"
    source = named_config("weather", task.config)
    config = load_config(ExperimentConfig, source, [files, *options])
    began = time.process_time()
    return train(config, run).forecaster, time.process_time() - began


def errors(task: Task, forecaster: Forecaster, real: xr.Dataset) -> list[Result]:
    """RMSE of the model, persistence and the linear model, by field and lead time."""
    times = real["time"].values
    test = np.datetime64(forecaster.metadata["periods"]["test"][0])
    first = int(np.searchsorted(times, test))
    fields = stacked(task, real)
    weights = LatLonGrid.from_dataset(real).area_weights()
    rows = []
    for lead in task.leads:
        ahead = lead // task.step
        initial = np.arange(first, len(times) - ahead)
        forecast = forecaster.forecast(real, list(times[initial]), ahead).isel(lead_time=-1)
        guesses = {
            "model": stacked(task, forecast),
            "linear": linear(task, real, first, lead),
            "persistence": fields[initial],
        }
        truth = fields[initial + ahead]
        found = {
            k: np.sqrt(area_mean((g - truth) ** 2, weights).mean(0)) for k, g in guesses.items()
        }
        for place, name in enumerate(task.variables):
            scores = {label: float(values[place]) for label, values in found.items()}
            rows.append({"field": name, "hours": lead, "cases": len(initial)} | scores)
    return rows


def stacked(task: Task, dataset: xr.Dataset) -> Fields:
    """(time, variable, lat, lon)."""
    return np.stack([dataset[name].values for name in task.variables], axis=1)


def linear(task: Task, real: xr.Dataset, first: int, lead: int) -> Fields:
    """What a linear model, fitted to all times before `first`, forecasts for those after."""
    times, fields = real["time"].values, stacked(task, real)
    weights = LatLonGrid.from_dataset(real).area_weights()
    model = LinearModel.fit(times[:first], fields[:first], lead * HOUR, weights, task.climatology)
    initial = slice(first, len(times) - lead // task.step)
    return model.predict(times[initial], fields[initial])


def contest(task: Task, folder: Path, source: Path, options: Sequence[str]) -> list[Result]:
    """The series from fresh weights, then from a simulated start."""
    analyses = open_reanalysis([folder / task.file, folder / "static" / task.static])
    with tempfile.TemporaryDirectory() as scratch:
        space = Path(scratch)
        real, twin = space / "real.nc", space / "simulated.nc"
        analyses[[*task.variables, *STATIC]].to_netcdf(real)
        made, seconds = learn(task, [real], options, space / "fresh")
        results = [{"start": "fresh", "earlier": 0.0, "seconds": seconds}]
        results[0]["errors"] = errors(task, made, analyses)
        simulated(task, analyses, source).to_netcdf(twin)
        whole = "data.train=1900-01-01/2100-01-01"
        once = [whole, "data.valid=null", "data.test=null", "data.forcing=[]"]
        pace = [f"data.step_hours={task.step}", f"training.epochs={task.epochs}"]
        _, earlier = learn(task, [twin], [*options, *once, *pace], space / "start")
        start = f"transfer.checkpoint={space / 'start' / 'model.safetensors'}"
        anew = f"transfer.anew=[{', '.join(unseen(made))}]"
        made, seconds = learn(task, [real], [*options, start, anew], space / "tuned")
        results.append({"start": "simulated", "earlier": earlier, "seconds": seconds})
        results[1]["errors"] = errors(task, made, analyses)
    return results


def unseen(forecaster: Forecaster) -> list[str]:
    """What the simulated atmosphere does not tell: statistics, static fields, the season."""
    names = [*forecaster.config.variables.static, *forecaster.config.variables.forcing]
    return ["statistics.*", "static.*", *(f"backbone.embed.extra.{name}" for name in names)]


def table(results: list[Result]) -> str:
    """The results in Markdown."""
    lines = [
        "| series | field | hours | cases | start | CPU s before, of it | RMSE | linear model "
        "| persistence | over linear |",
        "|---|---|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    for r in results:
        for row in r["errors"]:
            values = " | ".join(_short(row[label]) for label in ("model", "linear", "persistence"))
            lines.append(
                f"| {r['label']} | {row['field']} | {row['hours']} | {row['cases']} | {r['start']} "
                f"| {r['earlier']:.0f}, {r['seconds']:.0f} | {values} "
                f"| {row['model'] / row['linear']:.2f} |"
            )
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:.0f}" if value > 100 else f"{value:.3g}"


HEADING = """\
RMSE over area and cases on days after those of training and validation, in SI units: ERA-Interim
over Europe 2008 (trained on 2000 to 2006), and the last tenth of ten weeks of ERA5's mean sea
level pressure. `simulated`: started from a model of the same variables of the simulated
atmosphere, interpolated to the same grid. The linear model is that of `weather evaluate`.

"""


def keep(found: list[Result]) -> None:
    """Add results to the file, in place of earlier ones of the same name."""
    path = RESULTS / "skill_real.json"
    results: list[Result] = json.loads(path.read_text()) if path.exists() else []
    labels = {r["label"] for r in found}
    results = [r for r in results if r["label"] not in labels] + found
    path.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
    (RESULTS / "skill_real.md").write_text(HEADING + table(results) + "\n")


def main() -> None:
    """Train, score and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of the real series")
    parser.add_argument("--only", nargs="+", default=[*TASKS], choices=[*TASKS], metavar="SERIES")
    parser.add_argument("--set", nargs="+", default=[], help="changes to the configuration")
    parser.add_argument("--label", help="name in the table")
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not (options.data / "simulation.nc").exists():
        make(options.data)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    stamp = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine, "set": options.set}
    for name in options.only:
        source = options.data / "simulation.nc"
        found = contest(TASKS[name], options.folder, source, options.set)
        found = [r | stamp | {"label": options.label or name} for r in found]
        keep(found)
        print(table(found), flush=True)


if __name__ == "__main__":
    main()
